import { commitAction } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { type Answer, merged } from "../methods/reading/decisions.ts";
import { sequenceLength, sequenceOf } from "../methods/reading/sequence.ts";
import type { CasesMeta } from "../schemas/cases.ts";
import type { Action, ActionResult } from "../schemas/messages.ts";
import type {
  Decision,
  DecisionsMeta,
  LogLine,
  Protocol,
  ReaderBook,
  ReadingEntry,
  ReadingEvent,
  Waiting,
} from "../schemas/reading.ts";
import { type StepParams, stepKinds } from "../schemas/stepKinds.ts";
import { type FingerprintOf, keyOf, recordOf } from "./actionRecords.ts";
import { drawnOnShape, openCases } from "./cases.ts";
import { openDecisions } from "./decisions.ts";
import { drawnMaskFiles, drawnMaskObjection } from "./drawnMasks.ts";
import { appendToLog, putDecisions, readLog } from "./readingLog.ts";
import { parseInput } from "./steps/index.ts";

/** Parameters that say how people are waited for, not what they are asked. */
const HOW_LONG = new Set(["deadline", "remindHours", "claimMinutes", "decide", "policy"]);

/** Activities of a reading: what the store knows of it, and what is written down. */
export function createReadings(store: Store, fingerprintOf: FingerprintOf) {
  /**
   * Where the newest chunk of a reading's log is named. Who is asked the same about the same cases goes on from there: after
   * the workflow was lost, with a later deadline, in another campaign.
   */
  const pointerOf = async (action: Action): Promise<string> => {
    const asked = Object.fromEntries(Object.entries(action.params).filter(([param]) => !HOW_LONG.has(param)));
    const key = keyOf({ ...action, params: asked }, await fingerprintOf(action));
    return `readings/${key.slice(0, 2)}/${key}`;
  };
  const newestChunk = async (pointer: string): Promise<Digest | null> =>
    ((await store.getPointer(pointer)) as { log: Digest } | undefined)?.log ?? null;
  const casesOf = (action: Action) => openCases(store, action.inputs.cases.artifact as Digest);
  const protocolOf = (action: Action): Protocol => parseInput(action).params as Protocol;

  return {
    /** What is read, and what people answered before if this reading was broken off. */
    async openReading({ action, since }: { action: Action; since: number }): Promise<OpenedReading> {
      const { cases, meta } = await casesOf(action);
      const protocol = protocolOf(action);
      if (cases.length === 0 && protocol.layout !== "edit" && meta.mayBeEmpty !== true)
        throw new InputError("there is nothing to look at", meta.title, "no case came in");
      checkAnswers(protocol, meta);
      const head = await newestChunk(await pointerOf(action));
      const lines = head === null ? [] : (await readLog(store, head)).lines;
      return {
        count: cases.length,
        length: sequenceLength(protocol, cases.length),
        head,
        readers: books(protocol, lines, since),
        passed: passedPositions(lines),
      };
    },

    /** Why the masks that come with a reader's answers cannot be taken, in words for who sent them; null where nothing is wrong. */
    async maskObjection({ action, reader, entries }: MaskRequest): Promise<string | null> {
      const { cases, digest, manifest } = await casesOf(action);
      const sequence = sequenceOf(protocolOf(action), reader, cases.length);
      for (const { position, mask } of entries) {
        if (mask === undefined) continue;
        const one = cases[sequence[position].case];
        const of = { cases: digest, case: one.id, author: reader, shape: await drawnOnShape(store, manifest, one) };
        const objection = await drawnMaskObjection(store, mask, of);
        if (objection !== null) return objection;
      }
      return null;
    },

    /** Adds to the log and gives the digest of its newest chunk. */
    async writeReading({ action, previous, events }: WriteRequest): Promise<string> {
      const { cases, digest } = await casesOf(action);
      const protocol = protocolOf(action);
      const sequences = new Map<string, ReturnType<typeof sequenceOf>>();
      const shown = (reader: string, position: number): { case: string; repeat: boolean } => {
        const sequence = sequences.get(reader) ?? sequenceOf(protocol, reader, cases.length);
        sequences.set(reader, sequence);
        return { case: cases[sequence[position].case].id, repeat: sequence[position].repeat };
      };
      const lines = events.map((event) =>
        event.event === "answer" ? { ...event, ...shown(event.reader, event.position) } : event,
      );
      const pointer = await pointerOf(action);
      const newest = await newestChunk(pointer);
      const log = await appendToLog(store, digest, { previous: previous as Digest | null, newest }, lines);
      if (log !== newest) await store.setPointer(pointer, { log });
      return log;
    },

    /** The action with which a policy decides on a reading's cases. */
    async policyOf({ params, inputs }: Action): Promise<Action> {
      const { policy } = params as StepParams<"reading">;
      const { kind, version } = stepKinds["reading.policy"];
      return { kind, version, params: policy as Action["params"], inputs: { cases: inputs.cases } };
    },

    /**
     * The decisions as they stand, with the log that they follow from, and the record of the reading.
     *
     * @throws InputError where another campaign recorded other decisions first.
     */
    async recordReading({ action, log, policy, started }: RecordRequest): Promise<ActionResult> {
      const { cases, digest, meta } = await casesOf(action);
      const protocol = protocolOf(action);
      const written = log === null ? { bytes: Buffer.alloc(0), lines: [] } : await readLog(store, log as Digest);
      const about = { title: protocol.title, cases: digest };
      let decisions: Digest;
      let decided: Decision[];
      if (policy === undefined) {
        decided = standing(protocol, written.lines, new Map(cases.map(({ id }, i) => [id, i])));
        const closedBy = written.lines.findLast((line) => line.event === "close")?.by ?? "readers";
        const people = { ...about, decidedBy: "people", readers: finishedReaders(written.lines), closedBy } as const;
        decisions = await putDecisions(store, decided, written, people, await drawnMaskFiles(store, digest, decided));
      } else {
        const ruling = await openDecisions(store, policy.decisions as Digest);
        decided = [...ruling.decisions];
        const scores = ruling.manifest.blobs.filter(({ path }) => path === "scores.jsonl");
        const ruled = {
          ...about,
          decidedBy: "policy",
          policy: ruling.meta.policy,
          readers: finishedReaders(written.lines),
          closedBy: "policy",
        } as const;
        decisions = await putDecisions(store, decided, written, ruled, scores);
      }
      const fingerprint = await fingerprintOf(action);
      const key = keyOf(action, fingerprint);
      const parts = policy === undefined ? [] : [policy.record as Digest];
      const executed = { action, key, fingerprint, outputs: { decisions }, parts, started: new Date(started), attempt: 1 };
      const committed = await commitAction(store, key, recordOf(executed));
      if (committed.record.outputs.decisions !== decisions)
        throw new InputError(
          "another campaign asked the same about these cases and has ended with other decisions, which stand",
          protocol.title,
          `retry goes on with them; what was answered here is kept in the log ${log ?? "(nothing was)"}`,
        );
      return {
        record: committed.digest,
        outputs: committed.record.outputs,
        cached: false,
        summary: { decisions: decided.length, cases: meta.cases, decided: policy === undefined ? "people" : "policy" },
      };
    },

    /** Says to RECIST3D_REMINDER_URL, if there is one, that people are waited for. @throws when that could not be said */
    async remind(waiting: Waiting): Promise<void> {
      const url = process.env.RECIST3D_REMINDER_URL;
      if (url === undefined || url === "") return;
      const { readers: _, ...said } = waiting;
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(said),
        signal: AbortSignal.timeout(10_000),
      }).catch((error: Error) => {
        throw new Error(`RECIST3D_REMINDER_URL does not answer: ${error.message}`, { cause: error });
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`RECIST3D_REMINDER_URL answers ${response.status}`);
    },
  };
}

export interface OpenedReading {
  count: number;
  length: number;
  /** Digest of the log's newest chunk. */
  head: string | null;
  readers: ReaderBook[];
  passed: number[];
}

interface MaskRequest {
  action: Action;
  reader: string;
  entries: Pick<ReadingEntry, "position" | "mask">[];
}

interface WriteRequest {
  action: Action;
  previous: string | null;
  events: ReadingEvent[];
}

interface RecordRequest {
  action: Action;
  /** Newest chunk of the people's log; null where nobody was asked. */
  log: string | null;
  /** What the policy gave, where it decided. */
  policy?: { decisions: string; record: string };
  started: number;
}

type AnswerLine = Extract<LogLine, { event: "answer" }>;
const answerLines = (lines: readonly LogLine[]): AnswerLine[] => lines.filter((line) => line.event === "answer");

/** @throws InputError where the protocol asks for answers that nothing can be made of later. */
function checkAnswers({ answers }: Protocol, { answers: understood, title }: CasesMeta): void {
  const strange = understood === undefined ? [] : answers.filter(({ answer }) => !understood.includes(answer));
  if (strange.length > 0)
    throw new InputError(
      `the answers ${strange.map(({ answer }) => answer).join(", ")} would mean nothing to the study's evaluation`,
      title,
      `it understands ${understood!.join(", ")}: give the reading the study's own \`protocol\``,
    );
}

/** Who has answered or finished so far, as the workflow keeps it. */
function books({ answers }: Protocol, lines: readonly LogLine[], since: number): ReaderBook[] {
  const byReader = new Map<string, ReaderBook>();
  const bookOf = (reader: string): ReaderBook => {
    const book = byReader.get(reader) ?? { reader, finished: null, verdict: null, entries: [], claim: null };
    byReader.set(reader, book);
    return book;
  };
  for (const line of lines) {
    if (line.event === "answer") {
      const answer = answers.findIndex((one) => one.answer === line.answer);
      const book = bookOf(line.reader);
      book.entries.push(line.position, answer, line.at - since);
      const others = (book.masks ?? []).filter(([position]) => position !== line.position);
      const masks = line.mask === undefined ? others : [...others, [line.position, line.mask] as [number, string]];
      if (masks.length > 0) book.masks = masks;
      else delete book.masks;
    } else if (line.event === "finish") {
      Object.assign(bookOf(line.reader), { finished: line.received, verdict: line.verdict });
    }
  }
  return [...byReader.values()];
}

/** Positions that somebody held and gave back. */
function passedPositions(lines: readonly LogLine[]): number[] {
  const held = new Map<string, readonly number[]>();
  const passed = new Set<number>();
  for (const line of lines)
    if (line.event === "claim") held.set(line.reader, line.positions);
    else if (line.event === "release") for (const position of held.get(line.reader) ?? []) passed.add(position);
  return [...passed];
}

function finishedReaders(lines: readonly LogLine[]): DecisionsMeta["readers"] {
  const readers = new Map(answerLines(lines).map(({ reader }) => [reader, { reader, verdict: null, note: null }]));
  const finished = lines.filter((line) => line.event === "finish");
  return [
    ...new Map([
      ...readers,
      ...finished.map(({ reader, verdict, note }) => [reader, { reader, verdict, note }] as const),
    ]).values(),
  ];
}

/** What stands at the end of a log: one decision a showing if readers are independent, one a case if it is shared. */
function standing({ mode, merge, answers }: Protocol, lines: readonly LogLine[], place: ReadonlyMap<string, number>): Decision[] {
  const last = new Map<string, AnswerLine>();
  for (const line of answerLines(lines)) last.set(`${line.reader}\n${line.position}`, line);
  const standing = [...last.values()].flatMap((line) => (line.answer === null ? [] : [{ ...line, answer: line.answer }]));
  if (mode === "independent") {
    const ordered = standing.sort((a, b) => (a.reader === b.reader ? a.position - b.position : a.reader < b.reader ? -1 : 1));
    return ordered.map(({ case: id, repeat, reader, answer, at, tookMs }) => ({ case: id, repeat, reader, answer, at, tookMs }));
  }
  const byCase = new Map<string, (Answer & { mask?: string })[]>();
  for (const line of standing) byCase.set(line.case, [...(byCase.get(line.case) ?? []), line]);
  const words = answers.map(({ answer }) => answer);
  return [...byCase]
    .sort(([a], [b]) => place.get(a)! - place.get(b)!)
    .flatMap(([id, given]): Decision[] => {
      const stands = merged(merge, words, given);
      if (stands === null) return [];
      const mask = given.findLast(({ answer, at }) => answer === stands.answer && at === stands.at)?.mask;
      return [{ case: id, repeat: false, reader: null, ...stands, ...(mask === undefined ? {} : { mask }) }];
    });
}
