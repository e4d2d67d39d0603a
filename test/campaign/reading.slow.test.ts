import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { until } from "./house.ts";
import { type Desk, openDesk, type Reading, refusal, tinyCases } from "./readingDesk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());

const open = (reading: Reading) => until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
const answersOf = async (digest: string): Promise<Record<string, unknown>[]> => {
  const manifest = await getManifest(desk.store, digest as Digest);
  const text = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
};

describe("a shared reading", () => {
  test("waits, takes answers, and ends with what stands", async () => {
    const cases = await tinyCases(desk.store, 5);
    const reading = await desk.start("first/read", cases, {});
    expect(await open(reading)).toMatchObject({ campaign: "first", step: "read", layout: "single", count: 5, answered: 0 });
    expect(await reading.answer("Ada", { 0: "accept", 2: "reject" })).toEqual({ taken: 2, answered: 2 });
    expect(await reading.answer("Ada", { 2: null })).toEqual({ taken: 1, answered: 1 });
    expect(await refusal(reading.answer("Ada", { 5: "accept" }))).toBe("position 5 does not exist: there are 5, counted from 0");
    expect(await reading.state("Ada")).toMatchObject({ own: [[0, "accept"]], shared: [[0, "accept", 0]] });
    await reading.finish("Ada");
    const { outputs } = await reading.result();
    expect(await answersOf(outputs.decisions)).toEqual([
      { case: "case-0", repeat: false, reader: null, answer: "accept", at: expect.any(Number), tookMs: 100 },
    ]);
  });
});

describe("a message that cannot be taken is refused with a reason, and leaves no trace", () => {
  test("whatever is wrong with it", async () => {
    const reading = await desk.start("refusing/read", await tinyCases(desk.store, 4), {
      readers: ["Ada", "Bo"],
      finishedBy: 2,
      atMost: { answer: "accept", cases: 2 },
      verdicts: [{ verdict: "good", label: "Good" }],
    });
    await open(reading);
    const before = (await reading.handle.describe()).historyLength;
    const at = Date.now();
    const entries = [{ position: 0, answer: null, at, tookMs: 0 }];
    const reasons: [() => Promise<unknown>, string | RegExp][] = [
      [() => reading.answer("Cy", { 0: "accept" }), '"Cy" does not read here; readers are Ada, Bo'],
      [() => reading.answer("Ada", { 0: "maybe" }), '"maybe" is no answer here; there are accept, reject'],
      [() => reading.answer("Ada", { 4: "accept" }), "position 4 does not exist: there are 4, counted from 0"],
      [() => reading.answer("Ada", { 0: "accept", 1: "accept", 2: "accept" }), /^at most 2 cases .* it would be 3$/],
      [() => reading.answer("Ada", { 0: "accept" }, at + 7_200_000), /more than an hour ahead/],
      [() => reading.send("answer", { cases: "0".repeat(64), reader: "Ada", entries }), /about other cases/],
      [() => reading.send("answer", { reader: "Ada", entries: [] }), /^entries: /],
      [() => reading.send("answer", { reader: "<script>", entries }), /^reader: must be a name/],
      [() => reading.finish("Ada"), "finish with a verdict: good"],
      [() => reading.finish("Ada", { verdict: "bad" }), '"bad" is no verdict here; there are good'],
    ];
    for (const [update, reason] of reasons) expect(await refusal(update())).toMatch(reason);
    expect((await reading.handle.describe()).historyLength).toBe(before);
    await reading.finish("Ada", { verdict: "good" });
    expect(await refusal(reading.answer("Ada", { 0: "accept" }))).toBe("Ada has finished this reading already");
    expect(await refusal(reading.finish("Ada", { verdict: "good" }))).toBe("taken");
    await reading.finish("Bo", { verdict: "good" });
    await reading.result();
  });

  test("while readers are independent: unanswered cases, claims; nobody sees another's answers", async () => {
    const reading = await desk.start("independent/read", await tinyCases(desk.store, 4), { mode: "independent", repeats: 0.5 });
    await open(reading);
    await reading.answer("Ada", { 0: "accept", 1: "accept" });
    expect(await refusal(reading.finish("Ada"))).toBe("4 of 6 cases are not answered yet");
    expect(await refusal(reading.claim("Ada", 2))).toMatch(/everyone reads every case/);
    expect(await reading.state("Bo")).toMatchObject({ own: [], shared: [] });
    await reading.answer("Ada", { 2: "accept", 3: "accept", 4: "accept", 5: "reject" });
    await reading.finish("Ada");
    const answers = await answersOf((await reading.result()).outputs.decisions);
    expect(answers).toHaveLength(6);
    expect(answers.filter(({ repeat }) => repeat)).toHaveLength(2);
  });
});

describe("answers", () => {
  test("sent again change nothing; a claim keeps others away until its lease is over", async () => {
    const reading = await desk.start("again/read", await tinyCases(desk.store, 6), { claimMinutes: 0.2 });
    await open(reading);
    const at = Date.now();
    expect(await reading.answer("Ada", { 0: "accept" }, at)).toEqual({ taken: 1, answered: 1 });
    expect(await reading.answer("Ada", { 0: null }, at + 1)).toEqual({ taken: 1, answered: 0 });
    expect(await reading.answer("Ada", { 0: "accept" }, at)).toEqual({ taken: 0, answered: 0 });
    expect((await reading.claim("Ada", 2)).positions).toEqual([0, 1]);
    expect((await reading.claim("Ada", 2)).positions).toEqual([0, 1]);
    expect((await reading.claim("Bo", 3)).positions).toEqual([2, 3, 4]);
    expect(await refusal(reading.answer("Bo", { 1: "reject" }))).toMatch(/^position 1 is claimed by Ada until /);
    await reading.release("Ada");
    expect(await refusal(reading.answer("Bo", { 1: "reject" }))).toBe("taken");
    await until("Bo's lease is over", async () => (await reading.state("Bo"))!.claim === null, 30_000);
    expect((await reading.claim("Ada", 9)).positions).toEqual([0, 2, 3, 4, 5]);
    await reading.finish("Ada");
    await reading.result();
  });

  test("are kept when the step is cancelled or fails at its deadline: the next attempt goes on from them", async () => {
    const cases = await tinyCases(desk.store, 3, "kept");
    const protocol = { deadline: { hours: 0.004, outcome: "fail" } };
    const first = await desk.start("kept/read", cases, protocol);
    await open(first);
    await first.answer("Ada", { 1: "accept" });
    await first.handle.cancel();
    await expect(first.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    const second = await desk.start("kept/read", cases, protocol);
    await open(second);
    expect((await second.state("Ada"))!.own).toEqual([[1, "accept"]]);
    await expect(second.result()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/was not finished within 0.004 h: 1 answer to 3 cases; they are kept/) },
    });
  });

  test("stand as they are when the deadline closes the reading", async () => {
    const reading = await desk.start("closing/read", await tinyCases(desk.store, 3, "closing"), {
      deadline: { hours: 0.004, outcome: "close" },
    });
    await open(reading);
    await reading.answer("Ada", { 2: "reject" });
    const { outputs } = await reading.result();
    expect(await answersOf(outputs.decisions)).toMatchObject([{ case: "case-2", answer: "reject" }]);
    const { meta } = await getManifest(desk.store, outputs.decisions as Digest);
    expect(meta).toMatchObject({ closedBy: "deadline", decidedBy: "people" });
  });
});
