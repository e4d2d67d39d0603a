import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../artifacts/openStore.ts";
import type { Store } from "../../artifacts/store.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { listCampaigns } from "../../client/campaigns.ts";
import { decisionsOf, logOf, metaOf } from "./decisions.ts";
import { engineProcess, type House, openHouse, until, workerProcess } from "./house.ts";
import { readingOf } from "./readingDesk.ts";

const pipeline = fileURLToPath(new URL("./waiting.yaml", import.meta.url));
let house: House;
let store: Store;
beforeAll(async () => {
  house = await openHouse();
  store = await openStore();
});
afterAll(() => house?.close());

/** The command line, on this house. */
const run = (...words: string[]) =>
  promisify(execFile)("bin/recist3d", words, { env: { ...process.env, RECIST3D_SETUP: "none" } });

async function killed(what: "worker" | "engine"): Promise<void> {
  const find = what === "worker" ? workerProcess : engineProcess;
  const victim = find(house)!;
  process.kill(victim.pid, "SIGKILL");
  await until(`a new ${what} runs`, () => (find(house)?.pid ?? victim.pid) !== victim.pid);
}

describe("a campaign that waits for people", () => {
  test("keeps every answer that it acknowledged, whatever is killed, and takes answers while it is paused", async () => {
    await house.start("killed", {}, pipeline);
    let reading = await readingOf(house.engine, "killed");
    expect(await reading.tell("Ada", { 0: "accept" })).toEqual({ taken: 1, answered: 1 });
    await killed("worker");
    expect(await reading.tell("Ada", { 1: "reject" })).toEqual({ taken: 1, answered: 2 });
    await killed("engine");
    await house.reconnect();
    reading = await readingOf(house.engine, "killed");
    expect((await reading.state("Ada"))!.own).toEqual([
      [0, "accept"],
      [1, "reject"],
    ]);

    const campaign = house.engine.client.workflow.getHandle("killed");
    await campaign.signal("pause", true);
    await until("the campaign is paused", async () => (await house.snapshot("killed")).phase === "paused");
    expect(await reading.tell("Ada", { 2: "accept" })).toEqual({ taken: 1, answered: 3 });
    const at = Date.now();
    expect(await reading.tell("Ada", { 2: null }, at)).toEqual({ taken: 1, answered: 2 });
    await killed("worker");
    expect(await reading.tell("Ada", { 2: null }, at)).toEqual({ taken: 0, answered: 2 });
    await reading.finish("Ada");
    await campaign.signal("pause", false);
    const { answers } = await house.result("killed");
    expect((await decisionsOf(store, answers.decisions)).map(({ answer }) => answer)).toEqual(["accept", "reject"]);
    const given = (await logOf(store, answers.decisions)).flatMap((line) =>
      line.event === "answer" ? [[line.position, line.answer]] : [],
    );
    expect(given).toEqual([
      [0, "accept"],
      [1, "reject"],
      [2, "accept"],
      [2, null],
    ]);
    expect((await verifyCampaign(store, "killed")).problems).toEqual([]);
  });

  test("says so on the command line; cancelled and tried again it goes on from the answers", async () => {
    await house.start("cancelled", { seed: "4" }, pipeline);
    const first = await readingOf(house.engine, "cancelled");
    await first.tell("Ada", { 1: "reject" });
    expect((await run("status", "cancelled")).stdout).toMatch(
      /answers +waits for Ada: "Which are good\?" · 1 answer, 3 cases · since .* until .* UTC — recist3d review/,
    );
    expect(await listCampaigns(house.engine.client)).toContainEqual(
      expect.objectContaining({ campaign: "cancelled", waitsForPeople: true }),
    );
    await run("cancel", "cancelled");
    await run("retry", "cancelled");
    const second = await readingOf(house.engine, "cancelled");
    expect((await second.state("Ada"))!.own).toEqual([[1, "reject"]]);
    expect(await second.tell("Ada", { 0: "accept" })).toEqual({ taken: 1, answered: 2 });
    await second.finish("Ada");
    const { answers } = await house.result("cancelled");
    expect(await decisionsOf(store, answers.decisions)).toHaveLength(2);
  });
});

describe("a policy", () => {
  test("decides where it is to: nobody is asked, and what stands is the rule's, with its scores", async () => {
    await house.start("ruled", { decide: "policy" }, pipeline);
    const { answers, rule } = await house.result("ruled");
    expect(await metaOf(store, answers.decisions)).toMatchObject({ decidedBy: "policy", policy: "edge-gain", readers: [] });
    const decided = await decisionsOf(store, answers.decisions);
    expect(decided).toEqual(await decisionsOf(store, rule.decisions));
    expect(decided.map(({ answer }) => answer).sort()).toEqual(["accept", "accept", "reject"]);
  });

  test("decides at the deadline where people have not finished; their answers stay in the log", async () => {
    await house.start("late", { seed: "5", decide: "people-then-policy", deadlineHours: "0.003" }, pipeline);
    const reading = await readingOf(house.engine, "late");
    await reading.tell("Ada", { 0: "reject", 1: "reject", 2: "reject" });
    const { answers } = await house.result("late");
    expect(await metaOf(store, answers.decisions)).toMatchObject({
      decidedBy: "policy",
      closedBy: "policy",
      readers: [{ reader: "Ada", verdict: null, note: null }],
    });
    expect((await decisionsOf(store, answers.decisions)).map(({ answer }) => answer).sort()).toEqual([
      "accept",
      "accept",
      "reject",
    ]);
    const events = (await logOf(store, answers.decisions)).map(({ event }) => event);
    expect(events).toEqual(["chunk", "answer", "answer", "answer", "close"]);
  });
});
