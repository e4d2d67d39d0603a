/**
 * Training steps of the networks at the paper's sizes on a GPU, beside the CPU of the same machine: time, and by how much the
 * losses of the first three steps differ. Needs @tensorflow/tfjs-node-gpu and a GPU.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Backend, type BackendName, openBackend } from "../methods/networks/backend.ts";
import { medianMs } from "./timing/median.ts";
import { type GeneratorCase, generatorOf, type SegmentationCase, segmentationOf } from "./timing/networks.ts";

const segmentation: readonly SegmentationCase[] = [
  { title: "HNN, 128 × 128, batch 8", spec: { network: "hnn" }, size: 128, batch: 8 },
  { title: "HNN + norm, 8 channels", spec: { network: "hnn", channels: 8, norm: "batch" }, size: 128, batch: 8 },
  { title: "UNet, 128 × 128, batch 8", spec: { network: "unet" }, size: 128, batch: 8 },
];
const generators: readonly GeneratorCase[] = [
  { title: "G1, 32 × 32, batch 16", width: 1, blocks: 9, norm: "batch", patch: 32, batch: 16 },
  { title: "G2, 128 × 128, batch 4", width: 1, blocks: 16, norm: "batch", patch: 128, batch: 4 },
];
const seconds = 2;

interface Measured {
  readonly title: string;
  readonly stepMs: number;
  /** Of the first three steps, which warm up and are not timed. */
  readonly losses: readonly number[];
}

interface Machine {
  readonly fingerprint: string;
  readonly all: readonly Measured[];
}

async function stepping(title: string, step: () => number): Promise<Measured> {
  const losses = [step(), step(), step()];
  return { title, losses, stepMs: await medianMs(step, seconds, 0) };
}

async function measured(backend: Backend): Promise<Machine> {
  const all: Measured[] = [];
  for (const one of segmentation) {
    const { images, trainable } = segmentationOf(one, backend);
    all.push(await stepping(one.title, () => trainable.step(images, 1e-4)));
    trainable.dispose();
  }
  for (const one of generators) {
    const { pairs, gan } = generatorOf(one, backend);
    all.push(await stepping(one.title, () => gan.pretrain(pairs, 1e-4).pixel));
    gan.dispose();
  }
  return { fingerprint: backend.fingerprint, all };
}

/** In a process of its own: a process has one backend. */
function child(name: BackendName): Machine {
  const env = { ...process.env, ...(name === "node" ? { CUDA_VISIBLE_DEVICES: "-1" } : {}) };
  const args = ["--import", "tsx", fileURLToPath(import.meta.url), name];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"] }));
}

function compared(gpu: Machine, cpu: Machine): void {
  console.log(`${gpu.fingerprint}\n${cpu.fingerprint}\n`);
  console.log("median of a step               GPU ms    CPU ms  CPU / GPU  largest difference of the first 3 losses");
  gpu.all.forEach(({ title, stepMs, losses }, i) => {
    const other = cpu.all[i];
    const apart = Math.max(...losses.map((loss, k) => Math.abs(loss / other.losses[k] - 1)));
    const cells = [stepMs, other.stepMs, other.stepMs / stepMs].map((value) => value.toFixed(1).padStart(10));
    console.log(`${title.padEnd(27)}${cells.join("")}  ${apart.toExponential(1)}`);
  });
}

const [only] = process.argv.slice(2) as BackendName[];
if (only !== undefined) {
  console.log(JSON.stringify(await measured(await openBackend({ prefer: only }))));
} else {
  const refused = await openBackend({ prefer: "gpu" }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (refused === undefined) compared(child("gpu"), child("node"));
  else console.log(`skipped: ${refused}`);
}
