import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startTicks, withLock } from "../scripts/setup/lockFile.mjs";

/** A background process of this machine, as its record file (`<folder>/process.json`) tells. */
export interface LocalProcess {
  readonly pid: number;
  /** With the pid, tells this process from a later one that was given the same pid. */
  readonly startTicks: string;
  /** A word of its command line, e.g. the program's name. */
  readonly program: string;
  /** The port on 127.0.0.1 that it listens on. */
  readonly port?: number;
  /** What it was started with; a caller that wants something else has to restart it. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A background process did not start, or does not do its work. The message names its log. */
export class LocalProcessError extends Error {
  override readonly name = "LocalProcessError";
}

export interface LocalProcessPlan {
  /** Where its record, log and data are; one folder for each process. */
  readonly folder: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly workingFolder?: string;
  /** Whom it runs as; default: as this process. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly program: string;
  readonly port?: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** Resolves to true once it does its work; asked again and again. */
  readonly isReady: () => Promise<boolean>;
  /** Default 30,000. */
  readonly readyTimeoutMs?: number;
}

const POLL_MS = 50;
const PREFERRED_ATTEMPTS = 60;
const LOG_LINES_IN_ERROR = 15;

/** Runs `work` while no other recist3d on this machine starts or stops the process of this folder. */
export function exclusively<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  return withLock(path.join(folder, "lock"), work);
}

/** The process that the folder's record names, when it is still that process and alive. */
export function findProcess(folder: string): LocalProcess | undefined {
  const file = recordFile(folder);
  if (!existsSync(file)) return undefined;
  const record = JSON.parse(readFileSync(file, "utf8")) as LocalProcess;
  return isAlive(record) ? record : undefined;
}

/** Whether the folder's process was ended by {@link stopProcess}, or never started: one that died leaves its record. */
export function isStopped(folder: string): boolean {
  return !existsSync(recordFile(folder));
}

/** Whether the pid still belongs to the recorded process and not to another one that was given it later. */
export function isAlive(record: LocalProcess): boolean {
  if (startTicks(record.pid) !== record.startTicks) return false;
  try {
    return readFileSync(`/proc/${record.pid}/cmdline`, "utf8").includes(record.program);
  } catch {
    return process.platform !== "linux";
  }
}

/**
 * Starts a process that outlives this one and waits until it is ready. Its output goes to `<folder>/log`; the log of the
 * start before is kept as `<folder>/log.previous`.
 *
 * @throws LocalProcessError when it exits, or is not ready in time (it is ended then); the message ends with its log
 */
export async function startProcess(plan: LocalProcessPlan): Promise<LocalProcess> {
  mkdirSync(plan.folder, { recursive: true });
  const logFile = path.join(plan.folder, "log");
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.previous`);
  const log = openSync(logFile, "a");
  const child = spawn(plan.command, plan.arguments, {
    cwd: plan.workingFolder,
    env: { ...process.env, ...plan.environment },
    ...plan.user,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  let end: string | undefined;
  child.once("error", (error) => {
    end = `could not be started (${error.message})`;
  });
  child.once("exit", (code, signal) => {
    end = `ended with ${signal ?? `exit code ${code}`}`;
  });
  child.unref();

  let record: LocalProcess | undefined;
  const deadline = Date.now() + (plan.readyTimeoutMs ?? 30_000);
  while (end === undefined && Date.now() < deadline) {
    record ??= child.pid === undefined ? undefined : writeRecord(plan, child.pid);
    if (record !== undefined && (await plan.isReady())) return record;
    await sleep(POLL_MS);
  }
  if (record !== undefined) await stopProcess(plan.folder);
  const what = end ?? `was not ready within ${plan.readyTimeoutMs ?? 30_000} ms`;
  throw new LocalProcessError(`${plan.program} ${what}; ${logFile} ends with:\n${lastLines(logFile)}`);
}

/** Ends the folder's process: asks it to, and kills it after `graceMs`. @returns whether there was one */
export async function stopProcess(folder: string, graceMs = 10_000): Promise<boolean> {
  const record = findProcess(folder);
  if (record !== undefined) {
    process.kill(record.pid, "SIGTERM");
    if (!(await hasEnded(record, graceMs))) {
      process.kill(record.pid, "SIGKILL");
      await hasEnded(record, graceMs);
    }
  }
  rmSync(recordFile(folder), { force: true });
  return record !== undefined;
}

/**
 * A port on 127.0.0.1 that nobody listens on: `preferred` when it is free, or becomes so within a few seconds, else any.
 * Others are taken from below the range that Linux gives to outgoing connections, one of which might otherwise sit on the
 * port when the process is to come back to it.
 */
export async function freePort(preferred?: number): Promise<number> {
  for (let attempt = 0; preferred !== undefined && attempt < PREFERRED_ATTEMPTS; attempt++) {
    if (await isFree(preferred)) return preferred;
    await sleep(POLL_MS);
  }
  for (;;) {
    const port = randomInt(10_000, 32_768);
    if (await isFree(port)) return port;
  }
}

/** Whether nobody listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Whether a server answers at this address, and well, within a second. */
export async function isAnswering(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

/** Replaces a small file in one step. */
export function writeWhole(file: string, content: string, mode = 0o644): void {
  writeFileSync(`${file}.${process.pid}`, content, { mode });
  renameSync(`${file}.${process.pid}`, file);
}

function recordFile(folder: string): string {
  return path.join(folder, "process.json");
}

function writeRecord({ folder, program, port, settings }: LocalProcessPlan, pid: number): LocalProcess | undefined {
  const started = startTicks(pid);
  if (started === undefined) return undefined;
  const record = { pid, startTicks: started, program, port, settings };
  writeWhole(recordFile(folder), JSON.stringify(record));
  return record;
}

/** Not by its command line, which a process loses before it has ended. */
async function hasEnded(record: LocalProcess, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; startTicks(record.pid) === record.startTicks; await sleep(POLL_MS)) {
    if (Date.now() > deadline) return false;
  }
  return true;
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_LINES_IN_ERROR).join("\n");
}
