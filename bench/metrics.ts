/**
 * Scoring one lesion beside SimpleITK, MedPy and surface-distance, on the real masks of ../shared/data moved by a voxel or
 * two, or on synthetic ones where that is absent: `npx tsx bench/metrics.ts`. Every program measures what it can: SimpleITK
 * the overlap and the Hausdorff distances in mm and in voxels, MedPy precision, recall, ASSD and HD95, surface-distance the
 * surface Dice; ours measures all of it in one call. They take turns on every pair, each with one thread; ratios below 1
 * mean that ours takes less time than all three together. Last, that the distance transform is linear: its time per voxel in
 * a volume of 16 times as many voxels, as a ratio. Python is `PYTHON` or `python3`.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { distanceTo } from "../methods/imaging/distanceTransform.ts";
import type { Vec3 } from "../methods/imaging/volume.ts";
import { type ScoredMasks, scoreRegion } from "../methods/metrics/lesionScores.ts";
import { randomStream } from "../methods/random.ts";
import { deepLesions, hasSharedData, lesionsWithMasks } from "../test/labels/sharedData.ts";
import { median } from "./timing/median.ts";

const rounds = 5;
const judges = ["SimpleITK", "MedPy", "surface-distance"] as const;
type Judge = (typeof judges)[number];

interface Case extends ScoredMasks {
  readonly name: string;
}

/** The box of the lesion's crop: what is inside, and half as much again around it in the plane. */
function movedPair(name: string, mask: Uint8Array, [nx, ny, nz]: Vec3, spacingMm: Vec3): Case {
  const low = [nx, ny, nz];
  const high = [0, 0, 0];
  mask.forEach((value, i) => {
    if (value === 0) return;
    [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))].forEach((v, axis) => {
      low[axis] = Math.min(low[axis], v);
      high[axis] = Math.max(high[axis], v);
    });
  });
  const margin = Math.ceil((high[0] - low[0] + high[1] - low[1]) / 4) + 2;
  const start = [low[0] - margin, low[1] - margin, low[2] - 2];
  const dims: Vec3 = [high[0] - low[0] + 1 + 2 * margin, high[1] - low[1] + 1 + 2 * margin, high[2] - low[2] + 5];
  const cut = (dx: number, dy: number, dz: number): Uint8Array =>
    Uint8Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => {
      const [x, y, z] = [
        (i % dims[0]) + start[0] - dx,
        (Math.floor(i / dims[0]) % dims[1]) + start[1] - dy,
        Math.floor(i / (dims[0] * dims[1])) + start[2] - dz,
      ];
      const inside = x >= 0 && x < nx && y >= 0 && y < ny && z >= 0 && z < nz;
      return inside && mask[(z * ny + y) * nx + x] !== 0 ? 1 : 0;
    });
  return { name, prediction: cut(2, -1, 1), reference: cut(0, 0, 0), dims, spacingMm };
}

function syntheticPairs(): Case[] {
  return [12, 20, 32].map((radius) => {
    const side = 2 * radius + 3;
    const random = randomStream(1, "bench", radius);
    const ragged = Array.from({ length: 360 }, () => random.between(0.85, 1));
    const mask = Uint8Array.from({ length: side * side * side }, (_, i) => {
      const [x, y, z] = [i % side, Math.floor(i / side) % side, Math.floor(i / (side * side))].map((v) => v - radius - 1);
      const angle = Math.floor((180 * (Math.atan2(y, x) + Math.PI)) / Math.PI) % 360;
      return Math.hypot(x, y, z) <= radius * ragged[angle] ? 1 : 0;
    });
    return movedPair(`synthetic, radius ${radius}`, mask, [side, side, side], [0.8, 0.8, 2]);
  });
}

/** Asks the judges for one pair after the other. */
function pythonJudges() {
  const script = fileURLToPath(new URL("metrics.py", import.meta.url));
  const child = spawn(process.env.PYTHON ?? "python3", [script], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    async milliseconds({ prediction, reference, dims, spacingMm }: Case): Promise<Record<Judge, number>> {
      const question = { dims, spacingMm, prediction: text(prediction), reference: text(reference) };
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("the judges need Python with numpy, scipy, SimpleITK, medpy and surface-distance (set PYTHON)");
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

function ours(one: Case): number {
  const start = performance.now();
  scoreRegion(one, { tolerancesMm: [1, 3] });
  return performance.now() - start;
}

const pairs = hasSharedData
  ? [...lesionsWithMasks(), ...deepLesions()].map(({ name, truth }) => movedPair(name, truth.data, truth.dims, truth.spacingMm))
  : syntheticPairs();
const python = pythonJudges();
// The first calls compile and import.
for (const warm of pairs.slice(0, 2)) {
  ours(warm);
  await python.milliseconds(warm);
}

console.log(
  `${"pair".padEnd(40)}          size   ours ms  ${judges.map((judge) => `${judge} ms`.padStart(19)).join("")}   ratio`,
);
const sums = { ours: 0, theirs: 0 };
for (const pair of pairs) {
  const own: number[] = [];
  const theirs: Record<Judge, number>[] = [];
  for (let round = 0; round < rounds; round++) {
    own.push(ours(pair));
    theirs.push(await python.milliseconds(pair));
  }
  const each = judges.map((judge) => median(theirs.map((times) => times[judge])));
  const together = each.reduce((sum, ms) => sum + ms, 0);
  sums.ours += median(own);
  sums.theirs += together;
  console.log(
    pair.name.padEnd(40),
    pair.dims.join("×").padStart(13),
    median(own).toFixed(1).padStart(9),
    ` ${each.map((ms) => ms.toFixed(1).padStart(19)).join("")}`,
    (median(own) / together).toFixed(2).padStart(7),
  );
}
python.close();
console.log(`\nin total: ${(sums.ours / sums.theirs).toFixed(2)} of the time that the three take together`);

/** Of the distance transform in a volume of `side` × `side` × 64 voxels; the least of five times, in ms. */
function timePerVoxel(side: number): number {
  const mask = new Uint8Array(side * side * 64);
  for (let i = 0; i < mask.length; i += 7919) mask[i] = 1;
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    distanceTo(mask, [side, side, 64], [0.8, 0.8, 3]);
    return performance.now() - start;
  });
  return Math.min(...times) / mask.length;
}
timePerVoxel(32);
console.log(
  `distance transform, time per voxel in 256 × 256 × 64 over 64 × 64 × 64: ${(timePerVoxel(256) / timePerVoxel(64)).toFixed(2)}`,
);
