/**
 * A pre-training step and a forward pass of the stacked GAN's generators beside PyTorch's, on the same cores, in turns in one
 * run. Ratios above 1 mean that recist3d takes longer. Needs a Python with PyTorch: RECIST3D_PYTHON, else python3.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { openBackend } from "../methods/networks/backend.ts";
import { applyGenerator } from "../methods/networks/sgan/enhance.ts";
import { createGan } from "../methods/networks/sgan/gan.ts";
import {
  discriminatorLayers,
  discriminatorSpecSchema,
  generatorLayers,
  generatorSpecSchema,
  initialWeights,
} from "../methods/networks/sgan/layers.ts";
import { randomStream } from "../methods/random.ts";

const cases = [
  { title: "16 channels, 8 blocks, 32 × 32, batch 16", width: 0.25, blocks: 8, norm: "none", patch: 32, batch: 16 },
  { title: "16 channels + norm, 9 blocks", width: 0.25, blocks: 9, norm: "batch", patch: 32, batch: 16 },
  { title: "64 channels + norm, 9 blocks (G1)", width: 1, blocks: 9, norm: "batch", patch: 32, batch: 4 },
] as const;
const [rounds, seconds] = [3, 1];
const oracle = fileURLToPath(new URL("../test/oracles/sgan.py", import.meta.url));
const threads = Number(process.env.RECIST3D_THREADS ?? availableParallelism());

interface Times {
  stepMs: number;
  forwardMs: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

function medianMs(work: () => unknown): number {
  for (let warmup = 0; warmup < 2; warmup++) work();
  const times: number[] = [];
  const start = performance.now();
  while (times.length < 5 || performance.now() - start < 1000 * seconds) {
    const before = performance.now();
    work();
    times.push(performance.now() - before);
  }
  return median(times);
}

const backend = await openBackend();

function ours({ width, blocks, norm, patch, batch }: (typeof cases)[number]): Times {
  const spec = {
    generator: generatorSpecSchema.parse({ width, blocks, norm }),
    discriminator: discriminatorSpecSchema.parse({ patch, width: 1 / 16 }),
  };
  const random = randomStream(1, "bench");
  const greys = (): Float32Array => Float32Array.from({ length: patch * patch }, () => random.uniform());
  const pairs = Array.from({ length: batch }, () => ({ input: greys(), target: greys() }));
  const start = {
    generator: initialWeights(generatorLayers(spec.generator), 1, "g"),
    discriminator: initialWeights(discriminatorLayers(spec.discriminator), 1, "d"),
  };
  const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  const gan = createGan(spec, start, { losses: { pixel: 1, perceptual: 0, adversarial: 0 }, adam }, null, backend);
  const stepMs = medianMs(() => gan.pretrain(pairs, 1e-4));
  gan.dispose();
  // As many pixels in one picture as PyTorch has in its batch.
  const side = patch * Math.sqrt(batch);
  const applied = applyGenerator(spec.generator, start.generator, backend);
  const picture = { data: Float32Array.from({ length: side * side }, () => random.uniform()), width: side, height: side };
  const forwardMs = medianMs(() => applied.apply(picture));
  applied.dispose();
  return { stepMs, forwardMs };
}

function torchs({ width, blocks, norm, patch, batch }: (typeof cases)[number]): Times {
  const options = { channels: 64 * width, blocks, norm: norm === "batch", patch, batch, seconds, threads };
  // Waiting threads that spin would starve PyTorch itself on busy cores.
  const env = { ...process.env, OMP_WAIT_POLICY: "PASSIVE", OMP_NUM_THREADS: String(threads) };
  const python = process.env.RECIST3D_PYTHON ?? "python3";
  return JSON.parse(execFileSync(python, [oracle, "speed", JSON.stringify(options)], { encoding: "utf8", env }));
}

console.log(`${backend.fingerprint}\n\nmedian of rounds                             step ms   / torch   forward ms   / torch`);
for (const one of cases) {
  const mine: Times[] = [];
  const torch: Times[] = [];
  for (let round = 0; round < rounds; round++) {
    mine.push(ours(one));
    torch.push(torchs(one));
  }
  const cell = (key: keyof Times): string => {
    const [own, other] = [median(mine.map((time) => time[key])), median(torch.map((time) => time[key]))];
    return own.toFixed(1).padStart(10) + (own / other).toFixed(2).padStart(10);
  };
  console.log(one.title.padEnd(42) + cell("stepMs") + cell("forwardMs"));
}
