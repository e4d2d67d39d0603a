import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openStore, recist3dHome } from "../artifacts/openStore.ts";
import { codeDigest } from "./codeDigest.ts";
import { connectEngine, type Engine } from "./connection.ts";
import { startEngine, stopEngine } from "./localEngine.ts";
import { exclusively, findProcess, isStopped, startProcess, stopProcess } from "./localProcess.ts";
import { stopReview } from "./localReview.ts";
import { sameSettings, startWorkers, stopWorkers } from "./localWorkers.ts";

const PROGRAM = "engine/supervisor.ts";
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WATCH_MS = 1000;

const supervisorFolder = (home: string): string => path.join(home, "supervisor");

/**
 * Connects to the engine. Where `TEMPORAL_ADDRESS` names one, it and its workers are somebody else's care; otherwise the
 * local engine, worker and supervisor are started unless they run.
 *
 * @param say receives one line for everything that is started
 */
export async function ensureEngine(say: (line: string) => void): Promise<Engine> {
  if (!process.env.TEMPORAL_ADDRESS) await startStack(say);
  return connectEngine();
}

/**
 * Connects anew to an engine that went away. The local one is started only where no supervisor looks after it: one that
 * somebody's newer code has started since is not replaced by this process's older one.
 */
export async function reconnectEngine(say: (line: string) => void): Promise<Engine> {
  const folder = supervisorFolder(recist3dHome());
  const supervised = await exclusively(folder, async () => findProcess(folder) !== undefined);
  return supervised ? connectEngine() : ensureEngine(say);
}

/** Starts the local engine, a worker for both queues, and the supervisor that restarts them when they die. */
export async function startStack(say: (line: string) => void, home = recist3dHome()): Promise<void> {
  await exclusively(supervisorFolder(home), async () => {
    const { url } = await openStore();
    const settings = { RECIST3D_STORE: url, code: codeDigest() };
    const supervisor = findProcess(supervisorFolder(home));
    const supervised = supervisor !== undefined && sameSettings(supervisor, settings);
    if (!supervised)
      say(
        supervisor === undefined
          ? "starting the engine and a worker (they stay up: recist3d down ends them)"
          : "restarting the worker: its code or store changed",
      );
    if (!supervised) await stopProcess(supervisorFolder(home));
    const { address } = await startEngine({ home });
    await startWorkers({ home, address, store: url });
    if (supervised) return;
    await startProcess({
      folder: supervisorFolder(home),
      command: process.execPath,
      arguments: ["--import", "tsx", path.join(ROOT, PROGRAM)],
      workingFolder: ROOT,
      environment: { RECIST3D_STORE: url },
      settings,
      program: PROGRAM,
      isReady: async () => true,
    });
  });
}

/** Stops everything local, the review pages too; campaigns stay in the engine's database and go on after the next start. */
export async function stopStack(home = recist3dHome()): Promise<boolean> {
  const supervisorAndPages = [await stopProcess(supervisorFolder(home)), await stopReview(home)];
  const stopped = [...supervisorAndPages, (await stopWorkers(home)) > 0, await stopEngine(home)];
  return stopped.some(Boolean);
}

/** Whether the local engine was stopped by {@link stopStack}, and is not merely away for the moment. */
export async function isStackStopped(home = recist3dHome()): Promise<boolean> {
  if (process.env.TEMPORAL_ADDRESS) return false;
  // A start replaces the supervisor, whose record is gone meanwhile.
  const folder = supervisorFolder(home);
  return isStopped(folder) && exclusively(folder, async () => isStopped(folder));
}

/** Keeps the local engine and worker alive until `signal`; a start that fails is tried again. */
export async function supervise(signal: AbortSignal, say: (line: string) => void, home = recist3dHome()): Promise<void> {
  const { url } = await openStore();
  let wait = WATCH_MS;
  while (!signal.aborted) {
    try {
      const { address } = await startEngine({ home });
      await startWorkers({ home, address, store: url });
      wait = WATCH_MS;
    } catch (error) {
      say((error as Error).message);
      wait = Math.min(30_000, wait * 2);
    }
    await sleep(wait, undefined, { signal }).catch(() => {});
  }
}
