import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { connectEngine, type Engine } from "../../engine/connection.ts";
import { startEngine, stopEngine } from "../../engine/localEngine.ts";
import { findWorkers, startWorkers, stopWorkers } from "../../engine/localWorkers.ts";
import { taskQueues } from "../../schemas/taskQueues.ts";

const home = mkdtempSync(path.join(tmpdir(), "recist3d-workers-"));
let engine: Engine;
beforeAll(async () => {
  await startEngine({ home });
  engine = await connectEngine({ RECIST3D_HOME: home });
});
afterEach(async () => {
  await stopWorkers(home);
});
afterAll(async () => {
  await engine?.close();
  await stopEngine(home);
  rmSync(home, { recursive: true, force: true });
});

/** How many workers the engine has seen polling a queue of workflow tasks lately. */
async function pollers(queue: string): Promise<number> {
  const { pollers } = await engine.connection.workflowService.describeTaskQueue({
    namespace: "default",
    taskQueue: { name: queue },
    taskQueueType: 1,
  });
  return pollers?.length ?? 0;
}

it("polls the engine once started, is left alone by a second start, and comes back after kill -9", async () => {
  const options = { home, address: engine.address, store: `file:${home}/store` };
  const [worker] = await startWorkers(options);
  await expect.poll(() => pollers(taskQueues.cpu)).toBe(1);
  expect(await startWorkers(options)).toEqual([worker]);
  expect(findWorkers(home)).toEqual([worker]);

  process.kill(worker.pid, "SIGKILL");
  await expect.poll(() => findWorkers(home)).toEqual([]);
  const [next] = await startWorkers(options);
  expect(next.pid).not.toBe(worker.pid);
  expect(await stopWorkers(home)).toBe(1);
  expect(findWorkers(home)).toEqual([]);
});

it("replaces a worker that serves another store", async () => {
  const [old] = await startWorkers({ home, address: engine.address, store: `file:${home}/one` });
  const [replaced] = await startWorkers({ home, address: engine.address, store: `file:${home}/two` });
  expect(replaced.pid).not.toBe(old.pid);
  expect(findWorkers(home)).toEqual([replaced]);
});

it("starts one process for each group of queues", async () => {
  const program = path.join(home, "quietWorker.mjs");
  writeFileSync(
    program,
    `import { writeFileSync } from "node:fs";
     writeFileSync(process.env.RECIST3D_READY_FILE, process.argv.slice(2).join(" ") + " " + process.env.TEMPORAL_ADDRESS);
     setInterval(() => {}, 1000);`,
  );
  const workers = await startWorkers({ home, address: engine.address, queues: [["cpu"], ["gpu"]], program });
  expect(workers.map((worker) => worker.queues)).toEqual([["cpu"], ["gpu"]]);
  expect(readFileSync(path.join(home, "workers/gpu/ready"), "utf8")).toBe(`--queues gpu ${engine.address}`);
});

it("says what the log ends with when a worker cannot start", async () => {
  const program = path.join(home, "brokenWorker.mjs");
  writeFileSync(program, `throw new Error("no device in sight");`);
  const start = startWorkers({ home, address: engine.address, program });
  await expect(start).rejects.toThrow(/ended with exit code 1; .*cpu-gpu\/log ends with:[\s\S]*no device in sight/);
});
