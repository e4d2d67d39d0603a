/**
 * A pre-training step and a forward pass of the stacked GAN's generators beside PyTorch's, on the same cores, in turns in one
 * run. Ratios above 1 mean that recist3d takes longer. Needs a Python with PyTorch: RECIST3D_PYTHON, else python3.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { openBackend } from "../methods/networks/backend.ts";
import { applyGenerator } from "../methods/networks/sgan/enhance.ts";
import { median, medianMs } from "./timing/median.ts";
import { generatorOf } from "./timing/networks.ts";

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

const backend = await openBackend();

async function ours(one: (typeof cases)[number]): Promise<Times> {
  const { generator, weights, pairs, gan, greys } = generatorOf(one, backend);
  const stepMs = await medianMs(() => gan.pretrain(pairs, 1e-4), seconds);
  gan.dispose();
  // As many pixels in one picture as PyTorch has in its batch.
  const side = one.patch * Math.sqrt(one.batch);
  const applied = applyGenerator(generator, weights, backend);
  const picture = { data: greys(side), width: side, height: side };
  const forwardMs = await medianMs(() => applied.apply(picture), seconds);
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
    mine.push(await ours(one));
    torch.push(torchs(one));
  }
  const cell = (key: keyof Times): string => {
    const [own, other] = [median(mine.map((time) => time[key])), median(torch.map((time) => time[key]))];
    return own.toFixed(1).padStart(10) + (own / other).toFixed(2).padStart(10);
  };
  console.log(one.title.padEnd(42) + cell("stepMs") + cell("forwardMs"));
}
