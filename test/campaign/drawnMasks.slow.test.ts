import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { putDrawnMask } from "../../activities/drawnMasks.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { protocolSchema } from "../../schemas/reading.ts";
import { AnswerBook } from "../../workflows/answerBook.ts";
import { until } from "./house.ts";
import { type Desk, openDesk, type Reading, refusal, tinyCases } from "./readingDesk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({ suggestNewRunAfter: 60 });
});
afterAll(() => desk?.close());

const protocol = {
  layout: "edit",
  answers: [
    { answer: "edited", key: "s", label: "Corrected", mask: true },
    { answer: "unchanged", key: "k", label: "Leave it" },
  ],
};
const open = (reading: Reading) => until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
const drawn = (cases: Digest, index: number, author = "Ada", at = 1): Promise<Digest> =>
  putDrawnMask(desk.store, {
    meta: { cases, case: `case-${index}`, author, at, from: cases },
    shape: [1, 1, 1],
    data: Uint8Array.of(1),
  });
let clock = Date.now();
const tell = (reading: Reading, position: number, answer: string, mask?: string, reader = "Ada") => {
  const entry = { position, answer, at: clock++, tookMs: 1, ...(mask === undefined ? {} : { mask }) };
  return reading.send("answer", { reader, entries: [entry] });
};
const decisionsOf = async (reading: Reading) => {
  const { outputs } = await reading.result();
  const manifest = await getManifest(desk.store, outputs.decisions as Digest);
  const lines = (await readFile(desk.store, manifest, "answers.jsonl")).toString("utf8").trimEnd().split("\n");
  return { manifest, answers: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe("a reading of layout edit", () => {
  test("takes a mask by its digest with the answer that asks for one, and with no other", async () => {
    const cases = await tinyCases(desk.store, 2);
    const reading = await desk.start("edits/refusing", cases, protocol);
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

  test("hands masks over as they stand", () => {
    const parsed = protocolSchema.parse({ title: "t", question: "q", mode: "shared", ...protocol });
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
    const first = await desk.start("edits/kept", cases, protocol);
    await open(first);
    const masks = [await drawn(cases, 0), await drawn(cases, 1)];
    await tell(first, 0, "edited", masks[0]);
    await first.handle.cancel();
    await expect(first.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });

    const second = await desk.start("edits/kept", cases, protocol);
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
    const reading = await desk.start("edits/twice", cases, protocol);
    await open(reading);
    const [early, late] = [await drawn(cases, 0, "Ada"), await drawn(cases, 0, "Bo")];
    await tell(reading, 0, "edited", early, "Ada");
    await tell(reading, 0, "edited", late, "Bo");
    await reading.finish("Ada");
    expect((await decisionsOf(reading)).answers).toMatchObject([{ case: "case-0", answer: "edited", mask: late }]);
  });
});
