import { afterAll, beforeAll, expect, test } from "vitest";
import { countedParts, DAMAGED_PART, openWorkflows, replayRun, runSharded, type WorkflowsAlone } from "./workflowsAlone.ts";

const SUGGESTED = 40;
const WINDOW = 8;
const { seen, activities } = countedParts();
let house: WorkflowsAlone;

beforeAll(async () => {
  house = await openWorkflows(activities, { suggestNewRunAfter: SUGGESTED });
});
afterAll(() => house?.close());

test("a history that grows long is continued as new: every part runs once, and the histories stay short", async () => {
  const { runs, failure } = await runSharded(house, "long");
  expect(failure).toBeUndefined();
  const parts = seen.started.filter((part) => part !== "gather");
  expect(parts.toSorted((a, b) => a - b)).toEqual([...Array(seen.parts).keys()]);
  expect(seen.started.indexOf("gather")).toBe(seen.parts);
  expect(seen.started).toHaveLength(seen.parts + 1);
  expect(seen.counted).toBe(1);
  expect(seen.mostUnderWay).toBe(WINDOW);

  expect(runs.length).toBeGreaterThan(2);
  expect(runs.map(({ status }) => status)).toEqual([...Array(runs.length - 1).fill("CONTINUED_AS_NEW"), "COMPLETED"]);
  // Parts under way when the engine suggests it add up to six events each.
  for (const { events } of runs) expect(events).toBeLessThan(SUGGESTED + 6 * (WINDOW + 1));
  for (const one of runs) await replayRun(house, "long", one);
});

test("a part that fails for good ends the step with its reason: parts under way are waited for, none is started", async () => {
  seen.started = [];
  seen.damaged = true;
  const { runs, failure } = await runSharded(house, "damaged");
  expect(failure).toMatchObject({
    cause: { cause: { message: `lesion of part ${DAMAGED_PART} cannot be read`, type: "InputError" } },
  });
  expect(seen.underWay).toBe(0);
  expect(seen.started).not.toContain("gather");
  expect(seen.started.filter((part) => part === DAMAGED_PART)).toHaveLength(1);
  expect(seen.started.length).toBeLessThan(DAMAGED_PART + 2 * WINDOW);
  expect(runs.map(({ status }) => status)).toEqual(["FAILED"]);
  await replayRun(house, "damaged", runs[0]);
});
