import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Digest } from "../../artifacts/store.ts";
import { decisionsOf, logOf } from "./decisions.ts";
import { until } from "./house.ts";
import { type Desk, openDesk, type Reading, tinyCases } from "./readingDesk.ts";
import { replayRun, runsOf } from "./workflowsAlone.ts";

/** A new run is suggested after so many events, or when half of the updates that the engine takes in a run have come. */
const SUGGESTED = 120;
const limits = { "history.maxTotalUpdates": 60, "history.maxTotalUpdates.suggestContinueAsNewThreshold": 0.5 };

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({ suggestNewRunAfter: SUGGESTED, limits });
});
afterAll(() => desk?.close());

async function opened(workflowId: string, cases: number, protocol: object = {}): Promise<Reading> {
  const reading = await desk.start(workflowId, await tinyCases(desk.store, cases, workflowId), protocol);
  await until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
  return reading;
}

/** Every run but the last was continued as new, none is long, and each replays. */
async function checkRuns(workflowId: string, last: string): Promise<number> {
  const runs = await runsOf(desk.workflows, workflowId);
  expect(runs.map(({ status }) => status)).toEqual([...Array(runs.length - 1).fill("CONTINUED_AS_NEW"), last]);
  // Ten updates may be under way when it is suggested; they and the last write add up to five events each.
  for (const { events } of runs) expect(events).toBeLessThan(SUGGESTED + 5 * 11);
  for (const run of runs) await replayRun(desk.workflows, workflowId, run);
  return runs.length;
}

describe("a reading of which the history grows long is continued as new", () => {
  test("one key after the other: no answer is refused, whatever the engine takes in one run", async () => {
    const reading = await opened("one-by-one/read", 200);
    for (let i = 0; i < 200; i++) expect(await reading.tell("Ada", { [i]: "accept" })).toEqual({ taken: 1, answered: i + 1 });
    await reading.finish("Ada");
    const { outputs } = await reading.result();
    expect(await decisionsOf(desk.store, outputs.decisions)).toHaveLength(200);
    expect(await checkRuns("one-by-one/read", "COMPLETED")).toBeGreaterThan(200 / 60);
  });

  test("eight people at once, who send everything twice: nothing is lost and nothing counts twice", async () => {
    const reading = await opened("crowd/read", 120);
    const at = Date.now();
    let taken = 0;
    const readAll = async (who: number): Promise<void> => {
      for (let i = who; i < 120; i += 8) {
        const receipts = await Promise.all(
          [0, 1].map(() => reading.tell(`R${who}`, { [i]: i % 3 === 0 ? "reject" : "accept" }, at)),
        );
        taken += receipts.reduce((sum, receipt) => sum + receipt.taken, 0);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, who) => readAll(who)));
    expect(taken).toBe(120);
    await reading.finish("R0");
    const { outputs } = await reading.result();
    const decisions = await decisionsOf(desk.store, outputs.decisions);
    expect(new Map(decisions.map((one) => [one.case, one.answer]))).toEqual(
      new Map(Array.from({ length: 120 }, (_, i) => [`case-${i}`, i % 3 === 0 ? "reject" : "accept"])),
    );
    const log = await logOf(desk.store, outputs.decisions);
    expect(log.filter(({ event }) => event === "answer")).toHaveLength(120);
    expect(await checkRuns("crowd/read", "COMPLETED")).toBeGreaterThan(240 / 60);
  });

  test("cancelled in the middle of it: everything acknowledged is there when it is tried again", async () => {
    const reading = await opened("cancelled/read", 2000);
    const acknowledged: number[] = [];
    let next = 0;
    const readOn = async (who: number): Promise<void> => {
      while (next < 2000) {
        const position = next++;
        const receipt = await reading.tell(`R${who}`, { [position]: "accept" }).catch(() => null);
        if (receipt === null) return;
        acknowledged.push(position);
      }
    };
    const readers = Promise.all(Array.from({ length: 12 }, (_, who) => readOn(who)));
    await until("a new run has begun", () => acknowledged.length > 70);
    await reading.handle.cancel();
    await expect(reading.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    await readers;
    expect(acknowledged.length).toBeLessThan(2000);
    expect(await checkRuns("cancelled/read", "CANCELLED")).toBeGreaterThan(1);
    const again = await desk.start("cancelled-again/read", reading.cases as Digest, {});
    await until("the reading is open", () => again.waiting().then((waiting) => waiting ?? undefined));
    const state = await again.state();
    expect(new Set(state!.shared.map(([position]) => position))).toEqual(new Set(acknowledged));
    await again.handle.cancel();
  });

  test("also while the store is away: people read on, and the log is whole when it is back", async () => {
    const reading = await opened("away/read", 2000);
    desk.trouble.storeIsAway = true;
    const entries = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [from + i, "accept"]));
    await reading.tell("Ada", entries(0, 500));
    for (let i = 500; i < 600; i++) expect((await reading.tell("Ada", { [i]: "accept" })).taken).toBe(1);
    desk.trouble.storeIsAway = false;
    await reading.finish("Ada");
    const { outputs } = await reading.result();
    expect(await decisionsOf(desk.store, outputs.decisions)).toHaveLength(600);
    expect(await checkRuns("away/read", "COMPLETED")).toBeGreaterThan(1);
  });

  test("unless its log can never be written: then the step fails and says why", async () => {
    const reading = await opened("damaged/read", 600);
    desk.trouble.logIsDamaged = true;
    await reading.tell("Ada", Object.fromEntries(Array.from({ length: 500 }, (_, i) => [i, "accept"])));
    await expect(reading.result()).rejects.toMatchObject({ cause: { cause: { message: "the log is damaged" } } });
    desk.trouble.logIsDamaged = false;
    await expect(reading.tell("Ada", { 500: "accept" })).rejects.toThrow("this reading has ended");
  });
});
