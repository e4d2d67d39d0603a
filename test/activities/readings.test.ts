import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fc } from "@fast-check/vitest";
import { afterAll, describe, expect, test } from "vitest";
import { decisionTables } from "../../activities/decisionTables.ts";
import { readLog } from "../../activities/readingLog.ts";
import { createReadings } from "../../activities/readings.ts";
import { MissingBlobError } from "../../artifacts/errors.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { readCsvTable } from "../../methods/datasets/csvTable.ts";
import { decodeSafetensors } from "../../methods/networks/safetensors.ts";
import type { Action } from "../../schemas/messages.ts";
import type { Protocol } from "../../schemas/reading.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { AnswerBook } from "../../workflows/answerBook.ts";
import { decisionsOf, logOf } from "../campaign/decisions.ts";
import { correction, drawnOn, questions, tinyCases } from "../campaign/readingDesk.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-readings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(folder);
const readings = createReadings(store, async () => "none");
const since = Date.UTC(2026, 0, 1);
let made = 0;

async function readingOf(more: object = {}): Promise<{ action: Action; cases: Digest; protocol: Protocol }> {
  const cases = await tinyCases(store, 4, `reading ${made++}`);
  const params = stepKinds.reading.params.parse({ ...questions, ...more });
  const action: Action = {
    kind: "reading",
    version: 1,
    params: params as Action["params"],
    inputs: { cases: { artifact: cases } },
  };
  return { action, cases, protocol: params };
}

const message = fc.record({
  reader: fc.constantFrom("Ada", "Bo"),
  entries: fc.array(
    fc.record({
      position: fc.nat({ max: 3 }),
      answer: fc.constantFrom("accept", "reject", null),
      at: fc.nat({ max: 9 }).map((ms) => since + ms),
      tookMs: fc.nat({ max: 9 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  written: fc.boolean(),
  claims: fc.nat({ max: 2 }),
});

describe("a reading's log", () => {
  test("gives back everything that the workflow held, and the decisions that stood", async () => {
    const property = fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), async (messages) => {
      const { action, cases, protocol } = await readingOf({ merge: "majority" });
      const opened = await readings.openReading({ action, since });
      expect(opened).toEqual({ count: 4, length: 4, head: null, readers: [], passed: [] });
      const book = new AnswerBook(protocol, { cases, length: 4, since }, opened);
      let head = opened.head;
      const write = async (): Promise<void> => {
        if (book.log.events === 0) return;
        head = await readings.writeReading({ action, previous: head, events: book.log.chunk() });
        book.log.written();
      };
      let now = since;
      for (const { reader, entries, written, claims } of messages) {
        book.answer({ cases, reader, entries }, ++now);
        if (claims > 0) book.claim({ cases, reader, count: claims }, ++now);
        book.release({ cases, reader }, ++now);
        if (written) await write();
      }
      book.finish({ cases, reader: "Ada" }, ++now);
      await write();
      const again = await readings.openReading({ action, since });
      expect(again).toMatchObject({ count: 4, length: 4, head });
      expect(new AnswerBook(protocol, { cases, length: 4, since }, again).carried).toEqual(book.carried);

      const { outputs } = await readings.recordReading({ action, log: head, started: since });
      const decided = new Map((await decisionsOf(store, outputs.decisions)).map((one) => [one.case, one.answer]));
      for (let position = 0; position < 4; position++) {
        const given = ["Ada", "Bo"].flatMap((name) => new Map(book.own(name).own).get(position) ?? []);
        const all = new Set(given).size === 1 ? given[0] : undefined;
        expect(decided.get(`case-${position}`)).toBe(all);
      }
      const lines = await logOf(store, outputs.decisions);
      expect(lines.filter(({ event }) => event === "answer")).toHaveLength(
        book.readers.reduce((sum, { entries }) => sum + entries, 0),
      );
    });
    await fc.assert(property, { numRuns: 25 });
  });

  test("is found again where people are waited for otherwise, and not where they are asked something else", async () => {
    const { action, cases, protocol } = await readingOf();
    const book = new AnswerBook(protocol, { cases, length: 4, since });
    book.answer({ cases, reader: "Ada", entries: [{ position: 1, answer: "accept", at: since, tookMs: 0 }] }, since);
    const head = await readings.writeReading({ action, previous: null, events: book.log.chunk() });
    const asked = (params: object): Action => ({ ...action, params: { ...action.params, ...params } });
    const later = asked({ deadline: { hours: 3, outcome: "close" }, remindHours: 1, claimMinutes: 5 });
    expect(await readings.openReading({ action: later, since })).toMatchObject({ head, readers: [{ reader: "Ada" }] });
    const ruled = asked({
      ...later.params,
      decide: "people-then-policy",
      policy: { rule: "edge-gain", revision: 2, answer: "accept", above: 0 },
    });
    expect(await readings.openReading({ action: ruled, since })).toMatchObject({ head, readers: [{ reader: "Ada" }] });
    const other = asked({ question: "Is it bad?" });
    expect(await readings.openReading({ action: other, since })).toMatchObject({ head: null, readers: [] });
  });

  test("that two campaigns write at once loses nobody's answers, whatever attempts are made again", async () => {
    const step = fc.record({ campaign: fc.nat({ max: 1 }), position: fc.nat({ max: 3 }), again: fc.boolean() });
    const property = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
      const { action, cases, protocol } = await readingOf();
      const campaigns = ["Ada", "Bo"].map((reader) => ({
        reader,
        book: new AnswerBook(protocol, { cases, length: 4, since }),
        head: null as string | null,
      }));
      let now = since;
      let last: Parameters<typeof readings.writeReading>[0] | undefined;
      for (const { campaign, position, again } of steps) {
        const { reader, book, head } = campaigns[campaign];
        book.answer({ cases, reader, entries: [{ position, answer: "accept", at: ++now, tookMs: 0 }] }, now);
        const request = { action, previous: head, events: book.log.chunk() };
        campaigns[campaign].head = await readings.writeReading(request);
        book.log.written();
        // An attempt whose end was lost, or one of long ago that still lived.
        if (again) for (const late of [request, last ?? request]) await readings.writeReading(late);
        last = request;
      }
      const { head, readers } = await readings.openReading({ action, since });
      const answered = readers.map(({ reader, entries }) => [reader, entries.length / 3]);
      expect(Object.fromEntries(answered)).toEqual(
        Object.fromEntries(
          campaigns.flatMap(({ reader }, i) => {
            const count = steps.filter(({ campaign }) => campaign === i).length;
            return count === 0 ? [] : [[reader, count]];
          }),
        ),
      );
      for (const { head: own, reader } of campaigns) {
        if (own === null) continue;
        const lines = (await readLog(store, own as Digest)).lines.filter(
          (line) => line.event === "answer" && line.reader === reader,
        );
        expect(lines).toHaveLength(Object.fromEntries(answered)[reader] as number);
      }
      expect(head).not.toBeNull();
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test("is not recorded with other decisions than a campaign that ended first has recorded", async () => {
    const { action, cases, protocol } = await readingOf();
    const [first, second] = [1, 2].map(() => new AnswerBook(protocol, { cases, length: 4, since }));
    const answer = (book: AnswerBook, reader: string, position: number): void =>
      void book.answer({ cases, reader, entries: [{ position, answer: "accept", at: since, tookMs: 0 }] }, since);
    answer(first, "Ada", 0);
    const head = await readings.writeReading({ action, previous: null, events: first.log.chunk() });
    const recorded = await readings.recordReading({ action, log: head, started: since });
    expect(await readings.recordReading({ action, log: head, started: since })).toMatchObject({ record: recorded.record });
    answer(second, "Bo", 1);
    const later = await readings.writeReading({ action, previous: null, events: second.log.chunk() });
    await expect(readings.recordReading({ action, log: later, started: since })).rejects.toThrow(
      new RegExp(`another campaign .* ended with other decisions, which stand .*log ${later}`),
    );
  });

  test("of which a chunk is gone is not taken for a shorter one", async () => {
    const { action, cases, protocol } = await readingOf();
    const book = new AnswerBook(protocol, { cases, length: 4, since });
    const heads: string[] = [];
    for (const position of [0, 1, 2]) {
      book.answer({ cases, reader: "Ada", entries: [{ position, answer: "accept", at: since, tookMs: 0 }] }, since);
      heads.push(await readings.writeReading({ action, previous: heads.at(-1) ?? null, events: book.log.chunk() }));
      book.log.written();
    }
    rmSync(path.join(folder, "sha256", heads[1].slice(0, 2), heads[1].slice(2)), { force: true });
    await expect(readings.openReading({ action, since })).rejects.toThrow(MissingBlobError);
    await expect(readings.recordReading({ action, log: heads[2], started: since })).rejects.toThrow(MissingBlobError);
  });
});

describe("tables of a correction's decisions", () => {
  test("name every drawn mask by its digest, under which the exported files hold it with its author", async () => {
    const { action, cases, protocol } = await readingOf(correction);
    const masks = [
      await drawnOn(store, cases, 0, "Ada"),
      await drawnOn(store, cases, 0, "Bo"),
      await drawnOn(store, cases, 2, "Bo"),
    ];
    const book = new AnswerBook(protocol, { cases, length: 4, since });
    const entry = (position: number, answer: string, at: number, mask?: string) => ({ position, answer, at, tookMs: 1, mask });
    book.answer({ cases, reader: "Ada", entries: [entry(0, "edited", since, masks[0]), entry(1, "unchanged", since)] }, since);
    book.answer(
      { cases, reader: "Bo", entries: [entry(0, "edited", since + 1, masks[1]), entry(2, "edited", since, masks[2])] },
      since,
    );
    const log = await readings.writeReading({ action, previous: null, events: book.log.chunk() });
    const { outputs } = await readings.recordReading({ action, log, started: since });
    const manifest = await getManifest(store, outputs.decisions as Digest);
    const tables: Record<string, Record<string, string>[]> = {};
    for await (const { path: name, bytes } of decisionTables(store, manifest)) {
      const { header, rows } = readCsvTable(Buffer.from(bytes).toString("utf8"), name);
      tables[name] = rows.map((row) => Object.fromEntries(row.map(({ text }, i) => [header[i].text, text])));
    }
    expect(tables["answers.csv"].map((row) => [row.case, row.answer, row.mask])).toEqual([
      ["case-0", "edited", masks[1]],
      ["case-1", "unchanged", ""],
      ["case-2", "edited", masks[2]],
    ]);
    expect(tables["log.csv"].map((row) => [row.reader, row.case, row.mask])).toEqual([
      ["Ada", "case-0", masks[0]],
      ["Ada", "case-1", ""],
      ["Bo", "case-0", masks[1]],
      ["Bo", "case-2", masks[2]],
    ]);
    for (const { case: id, mask } of tables["answers.csv"].filter((row) => row.mask !== "")) {
      const { meta } = JSON.parse((await readFile(store, manifest, `masks/${mask}.json`)).toString("utf8"));
      expect(meta).toMatchObject({ case: id, author: "Bo" });
      const { tensors } = decodeSafetensors(await readFile(store, manifest, `masks/${mask}.safetensors`), id);
      expect(tensors.mask.shape).toEqual([1, 1, 1]);
    }
  });
});
