/**
 * What marks say about a lesion's shape: the constants of methods/labels/shapePrior.ts, learnt from the manual masks in
 * ../shared/data/lesion-shapes with marks measured on them, exact and with ±20 % noise: `npx tsx bench/shapePrior.ts`.
 * Every lesion counts the same, and DeepLesion3D for half of all.
 */
import { existsSync } from "node:fs";
import { type LesionShapes, openLesionShapes, shapeSets } from "../methods/datasets/lesionShapes.ts";
import { marksOfMask, withNoise } from "../methods/datasets/simulatedMarks.ts";
import type { Mask } from "../methods/imaging/volume.ts";
import { ellipseMask } from "../methods/labels/ellipse.ts";
import { marksRadius } from "../methods/labels/marksRadius.ts";
import { lengthMm, type Point, type RecistMarks } from "../methods/labels/recist.ts";
import { REACHES } from "../methods/labels/shapePrior.ts";
import { randomStream } from "../methods/random.ts";

const archive = new URL("../../shared/data/lesion-shapes/", import.meta.url).pathname;
const perSet = { DeepLesion3D: 500, other: 50 };
/** Patients whose images are at hand, so that no prior is learnt from a lesion that it is tested on. */
const testedOn = /^(lidcidri_195|000001|000002|000009|000010|000015)_/;
/** Shapes with fewer voxels or slices say little; larger ones take long. */
const voxels = { least: 200, most: 60_000 };
const leastSlices = 3;

const STEP = 1 / 64;
const OUTERMOST = 2.2;
const BINS = Math.round(OUTERMOST / STEP);
/** Edges of the classes of radius; a class's middle is a knot of the curves. */
const EDGES = [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.7, OUTERMOST];

/** Lesion pixels and all pixels by class of radius, every lesion with weight 1. */
class Curve {
  readonly inside = new Float64Array(EDGES.length - 1);
  readonly all = new Float64Array(EDGES.length - 1);

  add(radius: number, inside: number, all: number): void {
    const upper = EDGES.findIndex((edge) => edge > radius);
    if (upper < 1) return;
    this.inside[upper - 1] += inside;
    this.all[upper - 1] += all;
  }

  print(name: string): void {
    console.log(name.padEnd(32), Array.from(this.inside, (sum, i) => (sum / this.all[i]).toFixed(4)).join(", "));
  }
}

/** Lesion pixels, and all pixels, of a slice by radius; the ring beyond the last bin is left out. */
interface Profile {
  readonly inside: Float64Array;
  readonly total: number;
}

/** Size of a mask that leaves room for everything within the outermost radius of the marks. */
function roomy(mask: Mask): Mask {
  const [nx, ny, nz] = mask.dims;
  const [px, py] = [nx, ny];
  const [width, height] = [nx + 2 * px, ny + 2 * py];
  const data = new Uint8Array(width * height * nz);
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      data.set(mask.data.subarray((z * ny + y) * nx, (z * ny + y + 1) * nx), (z * height + y + py) * width + px);
    }
  }
  return { ...mask, dims: [width, height, nz], data };
}

function chosen({ entries }: LesionShapes): number[] {
  return shapeSets.flatMap((set) => {
    const indices = entries.flatMap(({ name, set: of, voxels: n, dims }, i) =>
      of === set && n >= voxels.least && n <= voxels.most && dims[2] >= leastSlices && !testedOn.test(name) ? [i] : [],
    );
    const order = randomStream(1, `shapes of ${set}`).permutation(indices.length);
    return Array.from(order.subarray(0, set === "DeepLesion3D" ? perSet.DeepLesion3D : perSet.other), (i) => indices[i]);
  });
}

const onSlice = new Curve();
const offSlice = new Curve();
const reaches = REACHES.map(() => 0);
const dices = { curve: [0, 0], ellipse: [0, 0] };
let lesions = 0;

function dice(both: number, a: number, b: number): number {
  return (2 * both) / (a + b);
}

function learn(mask: Mask, marks: RecistMarks, noisy: 0 | 1, weight: number): void {
  const [width, height, depth] = mask.dims;
  const area = width * height;
  const radiusAt = marksRadius(marks);
  const bin = new Uint16Array(area);
  const all = new Float64Array(BINS + 1);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      bin[p] = Math.min(BINS, Math.floor(radiusAt(x, y) / STEP));
      all[bin[p]]++;
    }
  }
  const profile = (z: number): Profile => {
    const inside = new Float64Array(BINS + 1);
    let total = 0;
    if (z >= 0 && z < depth) {
      for (let p = 0; p < area; p++) {
        if (mask.data[z * area + p] === 0) continue;
        inside[bin[p]]++;
        total++;
      }
    }
    return { inside, total };
  };
  const share = weight / mask.data.reduce((sum, v) => sum + v, 0);
  const middle = (i: number): number => (i + 0.5) * STEP;
  const key = profile(marks.slice);
  let [both, size] = [0, 0];
  for (let i = 0; i < BINS; i++) {
    onSlice.add(middle(i), share * key.inside[i], share * all[i]);
    if (middle(i) < 1) [both, size] = [both + key.inside[i], size + all[i]];
  }
  dices.curve[noisy] += dice(both, size, key.total);
  const ellipse = ellipseMask(marks, width, height);
  const section = mask.data.subarray(marks.slice * area, (marks.slice + 1) * area);
  dices.ellipse[noisy] += dice(
    section.reduce((sum, v, p) => sum + v * ellipse[p], 0),
    ellipse.reduce((sum, v) => sum + v, 0),
    key.total,
  );

  const halfLongMm = Math.max(lengthMm(marks.long, mask.spacingMm), lengthMm(marks.short, mask.spacingMm)) / 2;
  const lowerArea = new Float64Array(BINS + 1);
  for (let i = 1; i <= BINS; i++) lowerArea[i] = lowerArea[i - 1] + all[i - 1];
  for (const side of [-1, 1]) {
    const sections = Array.from(
      { length: Math.ceil((REACHES[REACHES.length - 1] * halfLongMm) / mask.spacingMm[2]) + 1 },
      (_, i) => ({ rise: ((i + 1) * mask.spacingMm[2]) / halfLongMm, ...profile(marks.slice + side * (i + 1)) }),
    ).map(({ inside, ...rest }) => {
      const lower = new Float64Array(BINS + 1);
      for (let i = 1; i <= BINS; i++) lower[i] = lower[i - 1] + inside[i - 1];
      return { ...rest, inside, lower };
    });
    const fits = REACHES.map((reach) => {
      let [shared, ellipsoid, lesion] = [0, 0, 0];
      for (const { rise, total, lower } of sections) {
        lesion += total;
        if (rise >= reach) continue;
        const edge = Math.min(BINS, Math.round(Math.sqrt(1 - (rise / reach) ** 2) / STEP));
        shared += lower[edge];
        ellipsoid += lowerArea[edge];
      }
      return (2 * shared + 1) / (ellipsoid + lesion + 1);
    });
    const best = fits.indexOf(Math.max(...fits));
    reaches[best] += weight;
    for (const { rise, inside } of sections) {
      for (let i = 0; i < BINS; i++) offSlice.add(Math.hypot(middle(i), rise / REACHES[best]), share * inside[i], share * all[i]);
    }
  }
}

if (!existsSync(archive)) {
  console.log("skipped: ../shared/data/lesion-shapes is absent");
} else {
  const shapes = await openLesionShapes(archive);
  const indices = chosen(shapes);
  const deep = indices.filter((i) => shapes.entries[i].set === "DeepLesion3D").length;
  for (const index of indices) {
    const mask = roomy(shapes.load(index));
    const marks = marksOfMask(mask);
    if (marks === undefined) continue;
    const { set, name } = shapes.entries[index];
    const weight = set === "DeepLesion3D" ? 1 / deep : 1 / (indices.length - deep);
    learn(mask, marks, 0, weight);
    learn(mask, withNoise(marks, 0.2, 1, name), 1, weight);
    lesions++;
  }
  const mean = (sums: readonly number[]): string => sums.map((sum) => (sum / lesions).toFixed(3)).join(", ");
  const knots: Point[] = EDGES.slice(1).map((edge, i) => [EDGES[i], edge]);
  const weights = reaches.reduce((sum, weight) => sum + weight, 0);
  console.log(`${lesions} lesions; 2D Dice with exact and with noisy marks:`);
  console.log(`  four quarter ellipses ${mean(dices.curve)}; the ellipse ${mean(dices.ellipse)}\n`);
  console.log("radius".padEnd(32), knots.map(([a, b]) => ((a + b) / 2).toFixed(2)).join(", "));
  onSlice.print("P(lesion), RECIST slice");
  offSlice.print("P(lesion), other slices");
  console.log("half axis along z, in L/2".padEnd(32), REACHES.map((reach) => reach.toFixed(2)).join(", "));
  console.log("its share of sides".padEnd(32), reaches.map((sum) => (sum / weights).toFixed(3)).join(", "));
}
