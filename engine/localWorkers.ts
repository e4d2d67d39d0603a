import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { recist3dHome } from "../artifacts/openStore.ts";
import type { Queue } from "../schemas/taskQueues.ts";
import { codeDigest } from "./codeDigest.ts";
import { engineNamespace } from "./connection.ts";
import { exclusively, findProcess, type LocalProcess, startProcess, stopProcess } from "./localProcess.ts";

export interface LocalWorkersOptions {
  /** recist3d's home; default {@link recist3dHome}. */
  readonly home?: string;
  /** `host:port` of the engine. */
  readonly address: string;
  /** Default: what the environment says, else "default". */
  readonly namespace?: string;
  /** Url of the store; default: what the environment says. */
  readonly store?: string;
  /** One worker process for each entry, which lists its queues. Default: one for both queues. */
  readonly queues?: readonly (readonly Queue[])[];
  /** Further variables, e.g. the keys of an S3 store. */
  readonly environment?: NodeJS.ProcessEnv;
  /** The worker program; default worker/main.ts. */
  readonly program?: string;
}

export interface RunningWorker extends LocalProcess {
  readonly queues: readonly Queue[];
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WORKER = path.join(ROOT, "worker/main.ts");

/**
 * Starts worker processes on this machine and waits until they poll; they outlive this process. A worker that runs already
 * for the same engine, namespace, store and code is left alone; any other is replaced.
 *
 * @throws LocalProcessError when one does not come up; the message ends with its log
 */
export async function startWorkers(options: LocalWorkersOptions): Promise<RunningWorker[]> {
  const home = options.home ?? recist3dHome();
  const wanted = options.queues ?? [["cpu", "gpu"]];
  return Promise.all(wanted.map((queues) => startWorker(home, queues, options)));
}

async function startWorker(home: string, queues: readonly Queue[], options: LocalWorkersOptions): Promise<RunningWorker> {
  const folder = path.join(workersFolder(home), queues.join("-"));
  const environment = workerEnvironment(home, options);
  const settings = { ...environment, code: codeDigest() };
  return exclusively(folder, async () => {
    const running = findProcess(folder);
    if (running !== undefined && sameSettings(running, settings)) return { ...running, queues };
    await stopProcess(folder);
    const readyFile = path.join(folder, "ready");
    rmSync(readyFile, { force: true });
    const program = options.program ?? WORKER;
    const worker = await startProcess({
      folder,
      command: process.execPath,
      arguments: ["--import", "tsx", program, "--queues", queues.join(",")],
      workingFolder: ROOT,
      environment: { ...options.environment, ...environment, RECIST3D_READY_FILE: readyFile },
      program,
      settings,
      isReady: async () => existsSync(readyFile),
      readyTimeoutMs: 90_000,
    });
    return { ...worker, queues };
  });
}

/** The workers of this machine that are alive. */
export function findWorkers(home = recist3dHome()): RunningWorker[] {
  return workerNames(home).flatMap((name) => {
    const worker = findProcess(path.join(workersFolder(home), name));
    return worker === undefined ? [] : [{ ...worker, queues: name.split("-") as Queue[] }];
  });
}

/** Stops all workers of this machine: each ends what it can within its grace time. @returns how many ran */
export async function stopWorkers(home = recist3dHome()): Promise<number> {
  const folders = workerNames(home).map((name) => path.join(workersFolder(home), name));
  const ran = await Promise.all(folders.map((folder) => exclusively(folder, () => stopProcess(folder))));
  return ran.filter(Boolean).length;
}

function workersFolder(home: string): string {
  return path.join(home, "workers");
}

function workerNames(home: string): string[] {
  const folder = workersFolder(home);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder);
}

/** What a worker is told; nothing secret, since its record repeats it. */
function workerEnvironment(home: string, { address, namespace, store }: LocalWorkersOptions): Record<string, string> {
  const place = store ?? process.env.RECIST3D_STORE;
  return {
    RECIST3D_HOME: home,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace ?? engineNamespace(),
    ...(place ? { RECIST3D_STORE: place } : {}),
  };
}

/** Whether a process was started with just these settings. */
export function sameSettings({ settings }: LocalProcess, wanted: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(settings) === JSON.stringify(wanted);
}
