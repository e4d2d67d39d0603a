/**
 * Training steps of the networks at the paper's sizes on a GPU, beside the CPU of the same machine: time, and by how much the
 * loss of the first step and the weights after three differ. Needs @tensorflow/tfjs-node-gpu and a GPU.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Backend, type BackendName, openBackend } from "../methods/networks/backend.ts";
import { createGan } from "../methods/networks/sgan/gan.ts";
import {
  discriminatorLayers,
  discriminatorSpecSchema,
  generatorLayers,
  generatorSpecSchema,
  initialWeights as initialGanWeights,
} from "../methods/networks/sgan/layers.ts";
import { networkSpecSchema } from "../methods/networks/spec.ts";
import { createTrainable } from "../methods/networks/trainable.ts";
import { trainingOptionsSchema } from "../methods/networks/trainingOptions.ts";
import { initialWeights } from "../methods/networks/weights.ts";
import { randomStream } from "../methods/random.ts";

const segmentation = [
  { title: "HNN, 128 × 128, batch 8", spec: { network: "hnn" }, size: 128, batch: 8 },
  { title: "HNN + norm, 8 channels", spec: { network: "hnn", channels: 8, norm: "batch" }, size: 128, batch: 8 },
  { title: "UNet, 128 × 128, batch 8", spec: { network: "unet" }, size: 128, batch: 8 },
] as const;
const generators = [
  { title: "G1, 32 × 32, batch 16", blocks: 9, norm: "batch", patch: 32, batch: 16 },
  { title: "G2, 128 × 128, batch 4", blocks: 16, norm: "batch", patch: 128, batch: 4 },
] as const;
const seconds = 2;

interface Measured {
  readonly title: string;
  readonly stepMs: number;
  readonly losses: readonly number[];
}

/** @param step takes a step and returns its loss. */
function stepping(title: string, step: () => number): Measured {
  const losses = [step(), step(), step()];
  const times: number[] = [];
  const start = performance.now();
  while (times.length < 5 || performance.now() - start < 1000 * seconds) {
    const before = performance.now();
    step();
    times.push(performance.now() - before);
  }
  return { title, stepMs: times.sort((a, b) => a - b)[times.length >> 1], losses };
}

function segmentationStep({ title, spec, size, batch }: (typeof segmentation)[number], backend: Backend): Measured {
  const network = networkSpecSchema.parse(spec);
  const random = randomStream(1, "bench");
  const samples = Array.from({ length: batch }, (_, i) => ({
    id: String(i),
    size,
    pixels: Float32Array.from({ length: size * size * network.channels }, () => random.normal()),
    labels: Uint8Array.from({ length: size * size }, () => random.integer(2)),
  }));
  const trainable = createTrainable(network, initialWeights(network, 1), trainingOptionsSchema.parse({ seed: 1 }), backend);
  const result = stepping(title, () => trainable.step(samples, 1e-4));
  trainable.dispose();
  return result;
}

function generatorStep({ title, blocks, norm, patch, batch }: (typeof generators)[number], backend: Backend): Measured {
  const spec = {
    generator: generatorSpecSchema.parse({ width: 1, blocks, norm }),
    discriminator: discriminatorSpecSchema.parse({ patch, width: 1 / 16 }),
  };
  const random = randomStream(1, "bench");
  const greys = (): Float32Array => Float32Array.from({ length: patch * patch }, () => random.uniform());
  const pairs = Array.from({ length: batch }, () => ({ input: greys(), target: greys() }));
  const start = {
    generator: initialGanWeights(generatorLayers(spec.generator), 1, "g"),
    discriminator: initialGanWeights(discriminatorLayers(spec.discriminator), 1, "d"),
  };
  const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  const gan = createGan(spec, start, { losses: { pixel: 1, perceptual: 0, adversarial: 0 }, adam }, null, backend);
  const result = stepping(title, () => gan.pretrain(pairs, 1e-4).pixel);
  gan.dispose();
  return result;
}

async function measured(name: BackendName): Promise<void> {
  const backend = await openBackend({ prefer: name });
  const all: Measured[] = [];
  for (const one of segmentation) all.push(segmentationStep(one, backend));
  for (const one of generators) all.push(generatorStep(one, backend));
  console.log(JSON.stringify({ fingerprint: backend.fingerprint, all }));
}

/** In a process of its own: a process has one backend. */
function child(name: BackendName): { readonly fingerprint: string; readonly all: readonly Measured[] } {
  const env = { ...process.env, ...(name === "node" ? { CUDA_VISIBLE_DEVICES: "-1" } : {}) };
  const args = ["--import", "tsx", fileURLToPath(import.meta.url), name];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"] }));
}

const [only] = process.argv.slice(2) as BackendName[];
if (only !== undefined) await measured(only);
else {
  const [gpu, cpu] = [child("gpu"), child("node")];
  console.log(
    `${gpu.fingerprint}\n${cpu.fingerprint}\n\nmedian of a step               GPU ms    CPU ms  CPU / GPU  largest difference of the first 3 losses`,
  );
  gpu.all.forEach(({ title, stepMs, losses }, i) => {
    const other = cpu.all[i];
    const apart = Math.max(...losses.map((loss, k) => Math.abs(loss / other.losses[k] - 1)));
    const cells = [stepMs.toFixed(1), other.stepMs.toFixed(1), (other.stepMs / stepMs).toFixed(1)].map((cell) =>
      cell.padStart(10),
    );
    console.log(`${title.padEnd(27)}${cells.join("")}  ${apart.toExponential(1)}`);
  });
}
