import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { NotNowError, tellReading } from "../../client/readings.ts";
import { type AnswerReceipt, protocolSchema } from "../../schemas/reading.ts";
import { AnswerBook } from "../../workflows/answerBook.ts";
import { until } from "./house.ts";
import { correction, type Desk, drawnOn, openDesk, type Reading, refusal, tinyCases } from "./readingDesk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({ suggestNewRunAfter: 60 });
});
afterAll(() => desk?.close());

const open = (reading: Reading) => until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
const drawn = (cases: Digest, index: number, author = "Ada"): Promise<Digest> => drawnOn(desk.store, cases, index, author);
let clock = Date.now();
const entryOf = (position: number, answer: string, mask?: string) => ({
  ...{ position, answer, at: clock++, tookMs: 1 },
  ...(mask === undefined ? {} : { mask }),
});
const tell = (reading: Reading, position: number, answer: string, mask?: string, reader = "Ada") =>
  reading.send<AnswerReceipt>("answer", { reader, entries: [entryOf(position, answer, mask)] });
const decisionsOf = async (reading: Reading) => {
  const { outputs } = await reading.result();
  const manifest = await getManifest(desk.store, outputs.decisions as Digest);
  const lines = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trimEnd().split("\n");
  return { manifest, answers: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe("a reading of layout edit", () => {
  test("takes a mask by its digest with the answer that asks for one, and with no other", async () => {
    const cases = await tinyCases(desk.store, 2);
    const reading = await desk.start("edits/refusing", cases, correction);
    await open(reading);
    const mask = await drawn(cases, 0);
    expect(await refusal(tell(reading, 0, "edited"))).toBe('"edited" comes with the mask that was drawn');
    expect(await refusal(tell(reading, 0, "unchanged", mask))).toBe('no mask comes with "unchanged"');
    expect(await refusal(tell(reading, 0, "edited", "no digest"))).toMatch(/^entries\.0\.mask: /);
    await tell(reading, 0, "edited", mask);
    expect((await reading.state("Ada"))!.masks).toEqual([[0, mask]]);
    expect((await reading.state("Bo"))!.masks).toEqual([]);
    // Another answer takes the mask away.
    await tell(reading, 0, "unchanged");
    expect((await reading.state("Ada"))!.masks).toEqual([]);
    await reading.finish("Ada");
    expect((await decisionsOf(reading)).answers).toMatchObject([{ case: "case-0", answer: "unchanged" }]);
  });

  test("refuses a mask that is not in the store, or not of this case, its size and reader, at once and in words; the reading goes on", async () => {
    const cases = await tinyCases(desk.store, 2, "lost");
    const reading = await desk.start("edits/lost", cases, correction);
    await open(reading);
    const lost = "0123456789abcdef".repeat(4);
    expect(await refusal(tell(reading, 0, "edited", lost))).toBe(`${lost}: the store has no such mask`);
    expect(await refusal(tell(reading, 0, "edited", cases))).toBe(`${cases}: the store has no such mask`);
    expect(await refusal(tell(reading, 0, "edited", await drawn(cases, 1)))).toMatch(/was drawn on another case$/);
    expect(await refusal(tell(reading, 0, "edited", await drawn(cases, 0, "Bo")))).toMatch(/was drawn by Bo$/);
    const large = await drawnOn(desk.store, cases, 0, "Ada", [1, 2, 3]);
    expect(await refusal(tell(reading, 0, "edited", large))).toMatch(/has 1 × 2 × 3 voxels, z first, and its case 1 × 1 × 1$/);
    const other = await drawn(await tinyCases(desk.store, 2, "other"), 0);
    expect(await refusal(tell(reading, 0, "edited", other))).toMatch(/was drawn on other cases$/);
    // One of several: none of the message is taken.
    const entries = [entryOf(1, "unchanged"), entryOf(0, "edited", lost)];
    expect(await refusal(reading.send("answer", { reader: "Ada", entries }))).toMatch(/no such mask$/);
    expect((await reading.state("Ada"))!.own).toEqual([]);
    expect((await reading.waiting())!.answered).toBe(0);
    const mask = await drawn(cases, 0);
    expect(await tell(reading, 0, "edited", mask)).toEqual({ taken: 1, answered: 1 });
    await reading.finish("Ada");
    expect((await decisionsOf(reading)).answers).toMatchObject([{ case: "case-0", answer: "edited", mask }]);
  });

  test("takes messages in the order in which they came, although some wait for the store", async () => {
    const cases = await tinyCases(desk.store, 2, "order");
    const reading = await desk.start("edits/order", cases, correction);
    await open(reading);
    const mask = await drawn(cases, 0);
    const entries = [entryOf(0, "edited", mask), entryOf(1, "edited", await drawn(cases, 1)), entryOf(1, "unchanged")];
    desk.trouble.lookupMs = 1000;
    const sent: Promise<unknown>[] = [];
    for (const entry of entries) {
      sent.push(reading.send("answer", { reader: "Ada", entries: [entry] }));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await Promise.all([...sent, reading.finish("Ada")]);
    desk.trouble.lookupMs = 0;
    expect((await decisionsOf(reading)).answers.map(({ answer, mask: named }) => [answer, named])).toEqual([
      ["edited", mask],
      ["unchanged", undefined],
    ]);
  });

  test("asks to send an answer again while the store does not say whether it has the mask; what it holds is not lost", async () => {
    const cases = await tinyCases(desk.store, 2, "away");
    const reading = await desk.start("edits/away", cases, correction);
    await open(reading);
    const mask = await drawn(cases, 0);
    await tell(reading, 1, "unchanged");
    const message = { cases, reader: "Ada", entries: [entryOf(0, "edited", mask)] };
    const { client } = desk.workflows;
    desk.trouble.storeIsAway = true;
    await expect(tellReading(client, "edits/away", "answer", message)).rejects.toThrow(NotNowError);
    desk.trouble.storeIsAway = false;
    expect(await tellReading(client, "edits/away", "answer", message)).toEqual({ taken: 1, answered: 2 });
    expect(await tellReading(client, "edits/away", "answer", message)).toEqual({ taken: 0, answered: 2 });
    await reading.finish("Ada");
    expect((await decisionsOf(reading)).answers).toMatchObject([
      { case: "case-0", answer: "edited", mask },
      { case: "case-1", answer: "unchanged" },
    ]);
  });

  test("hands masks over as they stand", () => {
    const parsed = protocolSchema.parse({ title: "t", question: "q", mode: "shared", ...correction });
    const subject = { cases: "c".repeat(64), length: 3, since: 0 };
    const book = new AnswerBook(parsed, subject);
    const entry = (position: number, at: number, mask: string) => ({ position, answer: "edited", at, tookMs: 1, mask });
    const entries = [entry(0, 1, "a".repeat(64)), entry(1, 2, "b".repeat(64)), entry(0, 3, "d".repeat(64))];
    book.answer({ reader: "Ada", cases: subject.cases, entries }, 5);
    const next = new AnswerBook(parsed, subject, JSON.parse(JSON.stringify(book.carried)));
    expect(next.own("Ada")).toEqual(book.own("Ada"));
    expect(Object.fromEntries(next.own("Ada").masks)).toEqual({ 0: "d".repeat(64), 1: "b".repeat(64) });
  });

  test("keeps masks when the step is cancelled, from one run of its workflow to the next, and into the decisions", async () => {
    const cases = await tinyCases(desk.store, 3, "kept");
    const first = await desk.start("edits/kept", cases, correction);
    await open(first);
    const masks = [await drawn(cases, 0), await drawn(cases, 1, "Bo")];
    await tell(first, 0, "edited", masks[0]);
    await first.handle.cancel();
    await expect(first.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });

    const second = await desk.start("edits/kept", cases, correction);
    await open(second);
    expect((await second.state("Ada"))!.masks).toEqual([[0, masks[0]]]);
    await tell(second, 1, "edited", masks[1], "Bo");
    const { runId } = await second.handle.describe();
    for (let i = 0; (await second.handle.describe()).runId === runId; i++) {
      expect(i).toBeLessThan(60);
      await tell(second, 2, "unchanged");
    }
    await until("the next run answers", async () => (await second.state("Bo"))!.masks.length === 1);
    expect((await second.state("Ada"))!.masks).toEqual([[0, masks[0]]]);
    await second.finish("Ada");
    const { manifest, answers } = await decisionsOf(second);
    expect(answers.map(({ case: id, answer, mask }) => [id, answer, mask])).toEqual([
      ["case-0", "edited", masks[0]],
      ["case-1", "edited", masks[1]],
      ["case-2", "unchanged", undefined],
    ]);
    const files = manifest.blobs.map(({ path }) => path).filter((path) => path.startsWith("masks/"));
    expect(files).toEqual(masks.flatMap((mask) => [`masks/${mask}.json`, `masks/${mask}.safetensors`]).sort());
  });

  test("ends with the mask that was drawn last, where two people corrected one", async () => {
    const cases = await tinyCases(desk.store, 1, "twice");
    const reading = await desk.start("edits/twice", cases, correction);
    await open(reading);
    const [early, late] = [await drawn(cases, 0, "Ada"), await drawn(cases, 0, "Bo")];
    await tell(reading, 0, "edited", early, "Ada");
    await tell(reading, 0, "edited", late, "Bo");
    await reading.finish("Ada");
    expect((await decisionsOf(reading)).answers).toMatchObject([{ case: "case-0", answer: "edited", mask: late }]);
  });
});
