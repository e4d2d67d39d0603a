/**
 * A training step and a forward pass beside PyTorch's, on the same cores, in turns in one run; and fused operations
 * beside plain ones. Ratios above 1 mean that recist3d takes longer.
 *
 * Needs a Python with PyTorch: RECIST3D_PYTHON, else python3; without it, only fused against plain is measured.
 */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Backend, openBackend } from "../methods/networks/backend.ts";
import { predict } from "../methods/networks/predict.ts";
import { networkSpecSchema } from "../methods/networks/spec.ts";
import { median, medianMs } from "./timing/median.ts";
import { segmentationOf } from "./timing/networks.ts";

const cases = [
  { title: "HNN × 0.25, 64 × 64 × 1, batch 8", spec: { network: "hnn", width: 0.25 }, size: 64, batch: 8 },
  { title: "HNN × 0.25 + batch norm", spec: { network: "hnn", width: 0.25, norm: "batch" }, size: 64, batch: 8 },
  { title: "UNet × 0.25, 64 × 64 × 1, batch 8", spec: { network: "unet", width: 0.25 }, size: 64, batch: 8 },
  { title: "HNN × 0.25, 128 × 128 × 3, batch 4", spec: { network: "hnn", width: 0.25, channels: 3 }, size: 128, batch: 4 },
  {
    title: "HNN × 0.25 + norm, 64 × 64 × 8, batch 32",
    spec: { network: "hnn", width: 0.25, channels: 8, norm: "batch" },
    size: 64,
    batch: 32,
  },
  {
    title: "UNet × 0.25 + norm, 64 × 64 × 8, batch 32",
    spec: { network: "unet", width: 0.25, channels: 8, norm: "batch" },
    size: 64,
    batch: 32,
  },
] as const;
const rounds = 3;
const secondsPerRound = 1;

const python = process.env.RECIST3D_PYTHON ?? "python3";
const oracle = fileURLToPath(new URL("../test/oracles/training_step.py", import.meta.url));
const threads = Number(process.env.RECIST3D_THREADS ?? availableParallelism());

interface Times {
  stepMs: number;
  forwardMs: number;
}

async function ours(one: (typeof cases)[number], backend: Backend): Promise<Times> {
  const { network, weights, images, trainable } = segmentationOf(one, backend);
  const stepMs = await medianMs(() => trainable.step(images, 1e-4), secondsPerRound);
  trainable.dispose();
  const forward = () => predict({ spec: network, weights }, backend, images, { batch: one.batch });
  return { stepMs, forwardMs: await medianMs(forward, secondsPerRound) };
}

function torchs({ spec, size, batch }: (typeof cases)[number]): Times {
  const options = { spec: networkSpecSchema.parse(spec), size, batch, seconds: secondsPerRound, threads };
  // Waiting threads that spin would starve PyTorch itself on busy cores.
  const env = { ...process.env, OMP_WAIT_POLICY: "PASSIVE", OMP_NUM_THREADS: String(threads) };
  return JSON.parse(execFileSync(python, [oracle, "speed", JSON.stringify(options)], { encoding: "utf8", env }));
}

function hasTorch(): boolean {
  try {
    execFileSync(python, ["-c", "import torch"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const backend = await openBackend();
console.log(`${backend.fingerprint}\n`);
if (!backend.raw) throw new Error("plain JavaScript trains thousands of times slower: nothing to compare (npm run setup)");
const withTorch = hasTorch();
if (!withTorch) console.log(`skipped PyTorch: ${python} has none (set RECIST3D_PYTHON)\n`);
console.log("median of rounds                     step ms  images/s   / torch   / plain   forward ms   / torch");
for (const one of cases) {
  const fused: Times[] = [];
  const plain: Times[] = [];
  const torch: Times[] = [];
  for (let round = 0; round < rounds; round++) {
    fused.push(await ours(one, backend));
    if (withTorch) torch.push(torchs(one));
    plain.push(await ours(one, { ...backend, raw: false }));
  }
  const of = (times: Times[], key: keyof Times): number => median(times.map((time) => time[key]));
  const ratio = (other: Times[], key: keyof Times): string =>
    (other.length === 0 ? "–" : (of(fused, key) / of(other, key)).toFixed(2)).padStart(9);
  const [step, forward] = [of(fused, "stepMs"), of(fused, "forwardMs")];
  console.log(
    `${one.title.padEnd(36)}${step.toFixed(1).padStart(8)}${((1000 * one.batch) / step).toFixed(0).padStart(10)} ${ratio(torch, "stepMs")} ${ratio(plain, "stepMs")} ${forward.toFixed(1).padStart(12)} ${ratio(torch, "forwardMs")}`,
  );
}
