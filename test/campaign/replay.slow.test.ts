import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, Worker } from "@temporalio/worker";
import { DeterminismViolationError } from "@temporalio/workflow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workflowBundle } from "../../worker/bundle.ts";

const folder = fileURLToPath(new URL("./histories", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
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

describe("workflow code that does something else than it did", () => {
  const changed = mkdtempSync(path.join(root, ".build", "changed-"));
  afterAll(() => rmSync(changed, { recursive: true, force: true }));

  test("is found out by the replay", async () => {
    const sharded = readFileSync(path.join(root, "workflows/sharded.ts"), "utf8");
    const other = sharded.replace(
      "return actions.cpu.runAction(action);",
      "await ledger.countParts(action);\n  return actions.cpu.runAction(action);",
    );
    expect(other).not.toBe(sharded);
    for (const file of readdirSync(path.join(root, "workflows"))) {
      const text = file === "sharded.ts" ? other : readFileSync(path.join(root, "workflows", file), "utf8");
      writeFileSync(path.join(changed, file), text.replaceAll('from "../', 'from "../../'));
    }
    const { code } = await bundleWorkflowCode({ workflowsPath: path.join(changed, "index.ts"), logger: silent });
    await expect(
      Worker.runReplayHistory({ workflowBundle: { code }, replayName: "changed" }, history("sharded"), workflowId("sharded")),
    ).rejects.toThrow(DeterminismViolationError);
  });
});

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, log() {} };
