import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import type * as Tfjs from "@tensorflow/tfjs";
import { InputError } from "../inputError.ts";

export type { NamedTensorMap, Scalar, Tensor, Tensor2D, Tensor4D, Variable } from "@tensorflow/tfjs";

/** What computes: libtensorflow on a GPU, libtensorflow on the CPU, or plain JavaScript. */
export type BackendName = "gpu" | "node" | "cpu";

export interface Backend {
  /** The TensorFlow.js API. Nothing outside this file imports it by package name. */
  readonly tf: typeof Tfjs;
  readonly name: BackendName;
  /**
   * Everything that the last bits of a result depend on: backend, versions, threads, oneDNN setting, instruction set.
   * Equal fingerprints (and equal inputs) give equal bytes.
   */
  readonly fingerprint: string;
  /** Plain JavaScript: fit for tiny shapes only, thousands of times slower to train than libtensorflow. */
  readonly slow: boolean;
  /** TensorFlow's own fused operations can be called by name. */
  readonly raw: boolean;
  /** Backends that were tried before this one, and why they could not be used. */
  readonly passedOver: readonly { readonly name: BackendName; readonly reason: string }[];
}

const PACKAGES: Record<BackendName, string> = {
  gpu: "@tensorflow/tfjs-node-gpu",
  node: "@tensorflow/tfjs-node",
  cpu: "@tensorflow/tfjs",
};

let opened: Promise<Backend> | undefined;

/**
 * Opens the backend of this process: the first of gpu, node, cpu that works, or exactly the one that is preferred.
 * A process has one backend; further calls give the same one.
 *
 * Threads: `RECIST3D_THREADS`, else `TF_NUM_INTRAOP_THREADS`, else the number of cores. Their number changes the last
 * bits of results, so it is part of the fingerprint.
 *
 * @throws InputError when the preferred backend is not available here, or another one is open in this process.
 */
export async function openBackend({ prefer }: { prefer?: BackendName } = {}): Promise<Backend> {
  opened ??= loadFirst(prefer === undefined ? ["gpu", "node", "cpu"] : [prefer]).catch((error) => {
    opened = undefined;
    throw error;
  });
  const backend = await opened;
  if (prefer !== undefined && backend.name !== prefer)
    throw new InputError(
      `backend ${backend.name} is already open in this process`,
      undefined,
      `start a new process for backend ${prefer}`,
    );
  return backend;
}

async function loadFirst(names: readonly BackendName[]): Promise<Backend> {
  const threads = threadCount();
  // libtensorflow reads these when it is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  process.env.TF_DETERMINISTIC_OPS = "1";
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  // Several processes share a GPU; by default the first one takes all of its memory.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  // GPUs round factors to TF32's 10 bits of mantissa unless told not to.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  const passedOver: { name: BackendName; reason: string }[] = [];
  const load = createRequire(import.meta.url);
  // TensorFlow for GPUs computes on the CPU too; a second copy in the process would be given the first one's backend.
  let tensorflow: typeof Tfjs | undefined;
  for (const name of names) {
    try {
      const tf = (name === "node" && tensorflow) || (load(PACKAGES[name]) as typeof Tfjs);
      if (name === "gpu") tensorflow = tf;
      return { ...(await described(tf, name, threads)), passedOver };
    } catch (error) {
      passedOver.push({ name, reason: (error as Error).message.split("\n", 1)[0] });
    }
  }
  const reasons = passedOver.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  throw new InputError(
    `no numerical backend can be used (${reasons})`,
    undefined,
    "install the dependencies (npm ci) and see `recist3d doctor`",
  );
}

/** What of tfjs-node's backend is used beyond its public API. */
interface NodeBackend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice: boolean;
}

async function described(tf: typeof Tfjs, name: BackendName, threads: number): Promise<Omit<Backend, "passedOver">> {
  await tf.setBackend(name === "cpu" ? "cpu" : "tensorflow");
  await tf.ready();
  const version = tf.version.tfjs;
  if (name === "cpu")
    return { tf, name, fingerprint: `cpu tfjs=${version} node=${process.versions.node}`, slow: true, raw: false };
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as NodeBackend;
  if (name === "gpu" && !isUsingGpuDevice) throw new Error("libtensorflow sees no GPU");
  const settings = [
    `tensorflow-${name === "gpu" ? "gpu" : "cpu"}`,
    `tfjs=${version}`,
    `libtensorflow=${binding.TF_Version}`,
    `threads=${threads}`,
    `onednn=${process.env.TF_ENABLE_ONEDNN_OPTS ?? "default"}`,
    `isa=${process.env.ONEDNN_MAX_CPU_ISA ?? instructionSet()}`,
    ...(name === "gpu" ? gpuSettings() : []),
  ];
  return { tf, name, fingerprint: settings.join(" "), slow: false, raw: true };
}

function threadCount(): number {
  const variable = ["RECIST3D_THREADS", "TF_NUM_INTRAOP_THREADS"].find((candidate) => process.env[candidate]);
  if (variable === undefined) return availableParallelism();
  const threads = Number(process.env[variable]);
  if (!Number.isInteger(threads) || threads < 1)
    throw new InputError(
      `${process.env[variable]} is not a number of threads`,
      `environment variable ${variable}`,
      "set a whole number ≥ 1, or unset it",
    );
  return threads;
}

/** What the last bits of a GPU's results depend on beside libtensorflow. */
function gpuSettings(): string[] {
  const [used] = (process.env.CUDA_VISIBLE_DEVICES ?? "0").split(",");
  const query = [`--id=${used}`, "--query-gpu=name,driver_version", "--format=csv,noheader"];
  let gpus: string;
  try {
    gpus = execFileSync("nvidia-smi", query, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    gpus = "unknown, unknown";
  }
  const [model, driver] = gpus.split("\n", 1)[0].split(", ");
  return [`gpu=${model.replaceAll(" ", "-")}`, `driver=${driver}`, `tf32=${process.env.NVIDIA_TF32_OVERRIDE}`];
}

/** The widest vector instructions that oneDNN may choose by itself; other ones round differently. */
function instructionSet(): string {
  if (process.platform !== "linux") return process.arch;
  let flags: string;
  try {
    flags = readFileSync("/proc/cpuinfo", "utf8").match(/^(?:flags|Features)\s*:(.*)$/m)?.[1] ?? "";
  } catch {
    return process.arch;
  }
  const present = new Set(flags.split(" "));
  return ["amx_tile", "avx512_bf16", "avx512_vnni", "avx512f", "avx2", "asimd"].find((flag) => present.has(flag)) ?? process.arch;
}
