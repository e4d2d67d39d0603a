import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEngine, stopEngine } from "../../engine/localEngine.ts";
import { runTogether } from "../../worker/runTogether.ts";

const home = mkdtempSync(path.join(tmpdir(), "recist3d-together-"));
let connection: NativeConnection;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger("ERROR") });
  connection = await NativeConnection.connect({ address: (await startEngine({ home })).address });
});
afterAll(async () => {
  await stopEngine(home);
  rmSync(home, { recursive: true, force: true });
});

const worker = (taskQueue: string): Promise<Worker> =>
  Worker.create({ connection, taskQueue, activities: { nothing: async () => {} } });

test("when one worker fails the others are shut down, and the connection can be closed", async () => {
  const others = [await worker("one"), await worker("other")];
  const broken = new Error("the worker is poisoned");
  const failing = { run: () => Promise.reject(broken), shutdown: () => {}, getState: () => "FAILED" as const };
  const told: unknown[] = [];
  await expect(runTogether([others[0], failing, others[1]], (error) => told.push(error))).rejects.toBe(broken);
  expect(told).toEqual([broken]);
  expect(others.map((other) => other.getState())).toEqual(["STOPPED", "STOPPED"]);
  await connection.close();
});
