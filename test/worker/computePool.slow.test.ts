import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ComputeError, ComputePool, ComputeProcessDied } from "../../worker/computePool.ts";

/** Of a process that was stopped at once, and only of that one: another may take seconds to start beside other tests. */
const frozenAfterMs = 6000;
const never = new AbortController().signal;
const fingerprint = { type: "fingerprint" } as const;

let folder: string;
let pool: ComputePool;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recist3d-pool-"));
  pool = new ComputePool(`file:${folder}`);
});
afterEach(() => {
  pool.close();
  rmSync(folder, { recursive: true });
});

const run = (more?: { frozenAfterMs: number }): Promise<string> =>
  pool.run(fingerprint, { signal: never, onProgress: () => undefined, ...more });

/** Processes that this one started. */
function children(): number[] {
  try {
    return execFileSync("pgrep", ["-P", String(process.pid), "-f", "computeProcess"], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
  } catch {
    return [];
  }
}

/** A request to a process that is frozen. */
const impatiently = (): Promise<string> => run({ frozenAfterMs });

test("a compute process that freezes is ended and counts as dead; the next request has another one", async () => {
  const running = impatiently();
  const [frozen] = children();
  process.kill(frozen, "SIGSTOP");
  const error = await running.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ComputeProcessDied);
  expect(String(error)).toContain("froze: not a word for 6 s");
  expect(await run()).toMatch(/tfjs/);
  expect(children()).toHaveLength(1);
  expect(children()).not.toContain(frozen);
});

test("a compute process that froze between two requests is replaced too", async () => {
  const first = await run();
  const [frozen] = children();
  process.kill(frozen, "SIGSTOP");
  await expect(impatiently()).rejects.toThrow(ComputeProcessDied);
  expect(await run()).toBe(first);
});

test("a compute process that cannot be started counts as dead, and the worker lives on", async () => {
  const { execPath } = process;
  process.execPath = "/nowhere/node";
  try {
    await expect(run()).rejects.toThrow(/cannot be started: .*ENOENT/);
    await expect(run()).rejects.toThrow(ComputeProcessDied);
  } finally {
    process.execPath = execPath;
  }
  expect(await run()).toMatch(/tfjs/);
});

test("one that has computed with a network, and keeps the device's memory, is not given what needs none", async () => {
  await run();
  const [network] = children();
  const gather = { type: "gather", action: { kind: "labels.harvest", version: 1, params: {}, inputs: {} } } as never;
  await expect(pool.run(gather, { signal: never, onProgress: () => undefined })).rejects.toThrow(ComputeError);
  expect(children()).toHaveLength(2);
  await run();
  expect(children()).toContain(network);
  expect(children()).toHaveLength(2);
});

test("one is not taken for frozen because the worker itself was", async () => {
  const first = await run();
  const running = impatiently();
  const until = performance.now() + frozenAfterMs + 2000;
  while (performance.now() < until); // as a stopped process, it reads nothing
  expect(await running).toBe(first);
});

test("one that answers although it was asked to end is not given the next request", async () => {
  const refused = { type: "gather", action: { kind: "labels.harvest", version: 1, params: {}, inputs: {} } } as never;
  await expect(pool.run(refused, { signal: never, onProgress: () => undefined })).rejects.toThrow(ComputeError);
  const [asked] = children();
  const abort = new AbortController();
  const answered = pool.run(refused, { signal: abort.signal, onProgress: () => undefined });
  const until = performance.now() + 2000;
  while (performance.now() < until); // its answer is there, but not read yet
  abort.abort();
  await expect(answered).rejects.toThrow(ComputeError);
  // Longer work than an answer that it could give before it ends.
  const action = { kind: "dataset.synthesize", version: 1, params: { lesions: 4 }, inputs: {} };
  const work = { type: "run", action, key: "0".repeat(64) } as never;
  expect(await pool.run(work, { signal: never, onProgress: () => undefined })).toBeDefined();
  expect(children()).not.toContain(asked);
});
