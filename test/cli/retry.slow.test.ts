import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectEngine } from "../../engine/connection.ts";
import { startEngine, stopEngine } from "../../engine/localEngine.ts";
import { openRefusingDoor, type RefusingDoor } from "../engine/refusingDoor.ts";

const home = mkdtempSync(path.join(tmpdir(), "recist3d-retry-"));
let door: RefusingDoor;
beforeAll(async () => {
  const { address } = await startEngine({ home });
  const engine = await connectEngine({ TEMPORAL_ADDRESS: address });
  await engine.client.workflow.start("campaign", { taskQueue: "no-worker", workflowId: "running" });
  await engine.close();
  door = await openRefusingDoor(address, "UpdateWorkflowExecution");
});
afterAll(async () => {
  door?.close();
  await stopEngine(home);
  rmSync(home, { recursive: true, force: true });
});

test("an engine that does not pass the question on is no fault of the input: exit code 1", async () => {
  const env = { ...process.env, RECIST3D_SETUP: "none", RECIST3D_HOME: home, TEMPORAL_ADDRESS: door.address };
  const [code, stderr] = await new Promise<[number, string]>((resolve) => {
    execFile("bin/recist3d", ["retry", "running"], { env }, (error, _, said) => resolve([Number(error?.code ?? 0), said]));
  });
  expect(door.refused()).toBe(1);
  expect(stderr).toMatch(/^recist3d: /);
  expect(code).toBe(1);
});
