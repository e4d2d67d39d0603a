import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fc } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decisionsOf, logOf, metaOf } from "./decisions.ts";
import { until } from "./house.ts";
import { type Desk, openDesk, type Reading, refusal, tinyCases } from "./readingDesk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());

const open = (reading: Reading) => until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
describe("a shared reading", () => {
  test("waits, takes answers, and ends with what stands", async () => {
    const cases = await tinyCases(desk.store, 5);
    const reading = await desk.start("first/read", cases, {});
    expect(await open(reading)).toMatchObject({ campaign: "first", step: "read", layout: "single", count: 5, answered: 0 });
    expect(await reading.answer("Ada", { 0: "accept", 2: "reject" })).toEqual({ taken: 2, answered: 2 });
    expect(await reading.answer("Ada", { 2: null })).toEqual({ taken: 1, answered: 1 });
    expect(await refusal(reading.answer("Ada", { 5: "accept" }))).toBe("position 5 does not exist: there are 5, counted from 0");
    expect(await reading.state("Ada")).toMatchObject({ own: [[0, "accept"]], shared: [] });
    expect(await reading.state("Bo")).toMatchObject({ own: [], shared: [[0, "accept", 0]] });
    await reading.finish("Ada");
    const { outputs } = await reading.result();
    expect(await decisionsOf(desk.store, outputs.decisions)).toEqual([
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

  test("whatever arrives: the workflow goes on", async () => {
    const reading = await desk.start("anything/read", await tinyCases(desk.store, 4, "anything"), {});
    await open(reading);
    const client = desk.workflows.client.workflow.getHandle("anything/read");
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom("Ada", reading.cases, 0, 2 ** 53));
    const message = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { reader: fc.constant("Ada"), cases: fc.constant(reading.cases), entries: field, count: field },
        { requiredKeys: ["reader"] },
      ),
    );
    const property = fc.asyncProperty(fc.constantFrom("answer", "claim", "release", "finish"), message, async (update, value) => {
      const why = await refusal(client.executeUpdate(update, { args: [value] }));
      expect(why).toMatch(/^taken$|^[^\n]{5,500}$/);
      if (update === "finish") expect(why).not.toBe("taken");
    });
    await fc.assert(property, { numRuns: 60 });
    const { events } = await reading.handle.fetchHistory();
    expect(events!.filter((event) => event.workflowTaskFailedEventAttributes != null)).toEqual([]);
    await reading.finish("Ada");
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
    const answers = await decisionsOf(desk.store, (await reading.result()).outputs.decisions);
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
    expect((await reading.claim("Ada", 9)).positions).toEqual([2, 3, 4, 5, 0]);
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
    const second = await desk.start("kept/read", cases, { deadline: { hours: 0.002, outcome: "fail" }, remindHours: 1 });
    await open(second);
    expect((await second.state("Ada"))!.own).toEqual([[1, "accept"]]);
    await expect(second.result()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/was not finished within 0.002 h: 1 answer to 3 cases; they are kept/) },
    });
  });

  test("stand as they are when the deadline closes the reading", async () => {
    const reading = await desk.start("closing/read", await tinyCases(desk.store, 3, "closing"), {
      deadline: { hours: 0.004, outcome: "close" },
    });
    await open(reading);
    await reading.answer("Ada", { 2: "reject" });
    const { outputs } = await reading.result();
    expect(await decisionsOf(desk.store, outputs.decisions)).toMatchObject([{ case: "case-2", answer: "reject" }]);
    expect(await metaOf(desk.store, outputs.decisions)).toMatchObject({ closedBy: "deadline", decidedBy: "people" });
  });
});

describe("a reminder", () => {
  const told: Record<string, unknown>[] = [];
  const answers = [500, 204];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => (body += bytes));
    request.on("end", () => {
      told.push({ method: request.method, type: request.headers["content-type"], ...JSON.parse(body) });
      response.writeHead(answers[told.length - 1] ?? 204).end();
    });
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    process.env.RECIST3D_REMINDER_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    delete process.env.RECIST3D_REMINDER_URL;
    server.close();
  });

  test("says where people are waited for, again if it was not taken, and nothing of who they are", async () => {
    const cases = await tinyCases(desk.store, 4, "reminded");
    const reading = await desk.start("reminded/read", cases, { remindHours: 0.001 });
    await open(reading);
    await reading.answer("Ada", { 0: "accept" });
    await until("people were reminded", () => told.length >= 3);
    await reading.finish("Ada");
    const { outputs } = await reading.result();
    const said = {
      ...{ method: "POST", type: "application/json", campaign: "reminded", step: "read", title: "Which are good?" },
      ...{ layout: "single", round: 1, count: 4, answered: 1, deadline: null, since: expect.any(Number) },
    };
    expect(told.slice(0, 3)).toEqual([1, 1, 2].map((reminders) => ({ ...said, reminders })));
    const reminders = (await logOf(desk.store, outputs.decisions)).filter(({ event }) => event === "reminder");
    expect(reminders.length).toBeGreaterThanOrEqual(2);
  });

  test("that cannot be delivered holds up nobody", async () => {
    process.env.RECIST3D_REMINDER_URL = "http://127.0.0.1:9/";
    const reading = await desk.start("unreachable/read", await tinyCases(desk.store, 4, "unreachable"), { remindHours: 0.0005 });
    await open(reading);
    await until("people should have been reminded", async () => (await reading.waiting())!.reminders > 0);
    expect(await reading.answer("Ada", { 0: "accept" })).toEqual({ taken: 1, answered: 1 });
    await reading.finish("Ada");
    await reading.result();
  });
});
