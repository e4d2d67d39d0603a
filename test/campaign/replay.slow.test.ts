import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "@temporalio/worker";
import { DeterminismViolationError } from "@temporalio/workflow";
import { beforeAll, describe, expect, test } from "vitest";
import { workflowBundle } from "../../worker/bundle.ts";
import { changedWorkflows } from "./changedWorkflows.ts";

const folder = fileURLToPath(new URL("./histories", import.meta.url));
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
const history = (name: string): unknown => JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8"));
/** Children's ids follow from their parent's, so a history is replayed under the id that it had. */
const workflowId = (name: string): string => {
  const { events } = history(name) as { events: { workflowExecutionStartedEventAttributes: { workflowId: string } }[] };
  return events[0].workflowExecutionStartedEventAttributes.workflowId;
};
let codePath: string;

beforeAll(async () => {
  codePath = await workflowBundle();
});

describe("histories that campaigns have left behind", () => {
  test.each(names)("%s replays with today's workflow code", async (name) => {
    await Worker.runReplayHistory({ workflowBundle: { codePath }, replayName: name }, history(name), workflowId(name));
  });

  test.each(names)("%s holds references, never pixels: no payload above 32 kB", (name) => {
    const sizes: number[] = [];
    JSON.stringify(history(name), (key, value: unknown) => {
      if (key === "data" && typeof value === "string") sizes.push(Buffer.from(value, "base64").length);
      return value;
    });
    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBeLessThan(32_768);
  });
});

test("workflow code that does something else than it did is found out by the replay", async () => {
  const gather = "return actions.cpu.runAction(action);";
  const { code } = await changedWorkflows("sharded.ts", gather, `await ledger.countParts(action);\n  ${gather}`);
  await expect(
    Worker.runReplayHistory({ workflowBundle: { code }, replayName: "changed" }, history("sharded"), workflowId("sharded")),
  ).rejects.toThrow(DeterminismViolationError);
});
