import { ApplicationFailure } from "@temporalio/common";
import type { z } from "zod";
import {
  type AnswerMessage,
  type AnswerReceipt,
  answerMessageSchema,
  type Claim,
  type ClaimMessage,
  claimMessageSchema,
  type FinishMessage,
  finishMessageSchema,
  MOST_ENTRIES,
  type Protocol,
  type ReaderBook,
  type ReadingEvent,
  type ReleaseMessage,
  releaseMessageSchema,
} from "../schemas/reading.ts";

/** A reader's clock may be ahead of the engine's by so much. */
const CLOCK_AHEAD_MS = 3_600_000;

interface Reader {
  readonly name: string;
  finished: number | null;
  verdict: string | null;
  note: string | null;
  /** By position: the answer's index (−1: taken back), and the `at` of every entry, by which it is known when sent again. */
  readonly given: Map<number, { answer: number; ats: number[] }>;
  /** In the order in which they came, as `ReaderBook.entries`. */
  readonly entries: number[];
  claim: Claim | null;
}

/** What a book is about: digest of the cases, the length of a reader's sequence of them, and since when it is open. */
export interface BookSubject {
  readonly cases: string;
  readonly length: number;
  readonly since: number;
}

/** A message that is not taken: the update is refused by its validator and leaves no trace. */
export const refused = (why: string): ApplicationFailure => ApplicationFailure.nonRetryable(why, "Refused");

/**
 * Who answered what. `check…` throw what is wrong with a message and change nothing; the others take messages that were
 * checked. Knows no engine: time is handed in, in milliseconds since the epoch.
 */
export class AnswerBook {
  readonly protocol: Protocol;
  readonly subject: BookSubject;
  /** What has happened and is not yet in the store. */
  unwritten: ReadingEvent[] = [];
  /** By whom the reading was closed. */
  closedBy: "readers" | "deadline" | null = null;
  readonly #answers: string[];
  readonly #readers = new Map<string, Reader>();
  #entries = 0;

  constructor(protocol: Protocol, subject: BookSubject, readers: readonly ReaderBook[] = []) {
    this.protocol = protocol;
    this.subject = subject;
    this.#answers = protocol.answers.map(({ answer }) => answer);
    for (const { reader, finished, verdict, note, entries, claim } of readers) {
      const restored: Reader = { name: reader, finished, verdict, note, given: new Map(), entries: [], claim };
      this.#readers.set(reader, restored);
      for (let i = 0; i < entries.length; i += 3) this.#give(restored, entries[i], entries[i + 1], entries[i + 2]);
    }
  }

  checkAnswer(value: unknown, now: number): void {
    const message = this.#parsed(answerMessageSchema, value);
    const reader = this.#readers.get(message.reader);
    const fresh = this.#fresh(message);
    for (const { position, answer } of message.entries) {
      this.#checkPosition(position);
      if (answer !== null && !this.#answers.includes(answer))
        throw refused(`"${answer}" is no answer here; there are ${this.#answers.join(", ")}`);
    }
    if (fresh.length === 0) return;
    this.#checkOpen(reader);
    if (this.#entries + fresh.length > MOST_ENTRIES)
      throw refused(`this reading is full: it holds ${MOST_ENTRIES} answers, taken back or not`);
    for (const { position, at } of fresh) {
      if (at > now + CLOCK_AHEAD_MS)
        throw refused(
          `the clock of this answer (${new Date(at).toISOString()}) is more than an hour ahead; set the computer's clock`,
        );
      this.#checkClaim(position, message.reader, now);
    }
    this.#checkAtMost(message.reader, fresh);
  }

  answer(message: AnswerMessage, now: number): AnswerReceipt {
    const fresh = this.#fresh(message);
    const reader = this.#readerOf(message.reader);
    for (const { position, answer, at, tookMs } of fresh) {
      this.#give(reader, position, answer === null ? -1 : this.#answers.indexOf(answer), at - this.subject.since);
      this.unwritten.push({ event: "answer", received: now, reader: reader.name, position, answer, at, tookMs });
    }
    if (reader.claim !== null && fresh.length > 0) reader.claim.until = now + this.#leaseMs;
    return { taken: fresh.length, answered: answered(reader) };
  }

  checkClaim(value: unknown): void {
    const message = this.#parsed(claimMessageSchema, value);
    this.#checkShared("claimed");
    this.#checkOpen(this.#readers.get(message.reader));
  }

  claim({ reader: name, count }: ClaimMessage, now: number): Claim {
    this.expireClaims(now);
    const reader = this.#readerOf(name);
    const taken = new Set([...this.#readers.values()].flatMap(({ claim }) => claim?.positions ?? []));
    const answeredByAny = new Set([...this.#readers.values()].flatMap(standing));
    const positions = [...(reader.claim?.positions ?? [])];
    let missing = count - positions.filter((position) => !answeredByAny.has(position)).length;
    for (let position = 0; position < this.subject.length && missing > 0; position++) {
      if (taken.has(position) || answeredByAny.has(position)) continue;
      positions.push(position);
      missing--;
    }
    const until = now + this.#leaseMs;
    reader.claim = positions.length === 0 ? null : { positions, until };
    this.unwritten.push({ event: "claim", received: now, reader: name, positions: [...positions], until });
    return { positions: [...positions], until };
  }

  checkRelease(value: unknown): void {
    const message = this.#parsed(releaseMessageSchema, value);
    this.#checkShared("released");
    this.#checkOpen(this.#readers.get(message.reader));
  }

  release({ reader: name }: ReleaseMessage, now: number): void {
    const reader = this.#readers.get(name);
    if (reader === undefined || reader.claim === null) return;
    reader.claim = null;
    this.unwritten.push({ event: "release", received: now, reader: name });
  }

  checkFinish(value: unknown): void {
    const { reader: name, verdict } = this.#parsed(finishMessageSchema, value);
    const { mode, verdicts } = this.protocol;
    const words = verdicts.map((one) => one.verdict);
    if (verdict !== undefined && !words.includes(verdict))
      throw refused(
        `"${verdict}" is no verdict here; ${words.length === 0 ? "none is asked for" : `there are ${words.join(", ")}`}`,
      );
    const reader = this.#readers.get(name);
    if (reader != null && reader.finished !== null && reader.verdict === (verdict ?? null)) return;
    this.#checkOpen(reader);
    if (verdict === undefined && words.length > 0) throw refused(`finish with a verdict: ${words.join(" or ")}`);
    const missing = this.subject.length - (reader === undefined ? 0 : answered(reader));
    if (mode === "independent" && missing > 0)
      throw refused(`${missing} of ${this.subject.length} cases ${missing === 1 ? "is" : "are"} not answered yet`);
  }

  finish({ reader: name, verdict, note }: FinishMessage, now: number): void {
    const reader = this.#readerOf(name);
    if (reader.finished !== null) return;
    Object.assign(reader, { finished: now, verdict: verdict ?? null, note: note ?? null, claim: null });
    this.unwritten.push({ event: "finish", received: now, reader: name, verdict: reader.verdict, note: reader.note });
    this.closeWhenFinished(now);
  }

  closeWhenFinished(now: number): void {
    const finished = [...this.#readers.values()].filter((one) => one.finished !== null).length;
    if (finished >= this.protocol.finishedBy) this.close("readers", now);
  }

  close(by: "readers" | "deadline", now: number): void {
    this.closedBy = by;
    this.unwritten.push({ event: "close", received: now, by });
  }

  /** Claims whose time is over are given back. */
  expireClaims(now: number): void {
    for (const reader of this.#readers.values()) if (reader.claim !== null && reader.claim.until <= now) reader.claim = null;
  }

  /** When the next claim expires; Infinity if there is none. */
  get nextExpiry(): number {
    return Math.min(Infinity, ...[...this.#readers.values()].flatMap(({ claim }) => (claim === null ? [] : [claim.until])));
  }

  /** Number of cases that somebody has answered (independent: showings, over all readers). */
  get answered(): number {
    const readers = [...this.#readers.values()];
    if (this.protocol.mode === "shared") return new Set(readers.flatMap(standing)).size;
    return readers.reduce((sum, reader) => sum + answered(reader), 0);
  }

  get readers(): { reader: string; answered: number; finished: number | null; verdict: string | null }[] {
    return [...this.#readers.values()].map((reader) => ({
      reader: reader.name,
      answered: answered(reader),
      finished: reader.finished,
      verdict: reader.verdict,
    }));
  }

  /** What stands of one reader. */
  own(name: string): { own: [number, string][]; claim: Claim | null } {
    const reader = this.#readers.get(name);
    if (reader === undefined) return { own: [], claim: null };
    return { own: standing(reader).map((position) => [position, this.#wordAt(reader, position)]), claim: reader.claim };
  }

  /** What stands of everybody, for readers who are not blind to each other. */
  get shared(): [number, string, number][] {
    return [...this.#readers.values()].flatMap((reader, i) =>
      standing(reader).map((position): [number, string, number] => [position, this.#wordAt(reader, position), i]),
    );
  }

  /** Everything that the next run needs. */
  get books(): ReaderBook[] {
    return [...this.#readers.values()].map(({ name, finished, verdict, note, entries, claim }) => ({
      reader: name,
      finished,
      verdict,
      note,
      entries,
      claim,
    }));
  }

  get #leaseMs(): number {
    return Math.round(this.protocol.claimMinutes * 60_000);
  }

  #wordAt(reader: Reader, position: number): string {
    return this.#answers[reader.given.get(position)!.answer];
  }

  #readerOf(name: string): Reader {
    const known = this.#readers.get(name);
    if (known !== undefined) return known;
    const reader = { name, finished: null, verdict: null, note: null, given: new Map(), entries: [], claim: null };
    this.#readers.set(name, reader);
    return reader;
  }

  #give(reader: Reader, position: number, answer: number, sinceMs: number): void {
    const ats = reader.given.get(position)?.ats ?? [];
    ats.push(sinceMs);
    reader.given.set(position, { answer, ats });
    reader.entries.push(position, answer, sinceMs);
    this.#entries++;
  }

  /** The entries that are not known yet, each once. */
  #fresh({ reader, entries }: AnswerMessage): AnswerMessage["entries"] {
    const given = this.#readers.get(reader)?.given;
    const seen = new Set<string>();
    return entries.filter(({ position, at }) => {
      const key = `${position} ${at}`;
      if (seen.has(key) || given?.get(position)?.ats.includes(at - this.subject.since)) return false;
      seen.add(key);
      return true;
    });
  }

  #parsed<T extends { reader: string; cases: string }>(schema: z.ZodType<T>, value: unknown): T {
    const { data, error } = schema.safeParse(value);
    if (error !== undefined) {
      const [{ path, message }] = error.issues;
      throw refused(path.length === 0 ? message : `${path.join(".")}: ${message}`);
    }
    const { readers } = this.protocol;
    if (data.cases !== this.subject.cases)
      throw refused("this is about other cases than those that are read now, e.g. of an earlier round; load the page again");
    if (readers.length > 0 && !readers.includes(data.reader))
      throw refused(`"${data.reader}" does not read here; readers are ${readers.join(", ")}`);
    return data;
  }

  #checkOpen(reader: Reader | undefined): void {
    if (this.closedBy !== null) throw refused("the reading is closed");
    if (reader != null && reader.finished !== null) throw refused(`${reader.name} has finished this reading already`);
  }

  #checkShared(what: string): void {
    if (this.protocol.mode !== "shared")
      throw refused(`nothing is ${what} here: in this reading everyone reads every case (mode independent)`);
  }

  #checkPosition(position: number): void {
    if (position >= this.subject.length)
      throw refused(`position ${position} does not exist: there are ${this.subject.length}, counted from 0`);
  }

  #checkClaim(position: number, name: string, now: number): void {
    for (const { name: other, claim } of this.#readers.values()) {
      if (other === name || claim === null || claim.until <= now || !claim.positions.includes(position)) continue;
      throw refused(`position ${position} is claimed by ${other} until ${new Date(claim.until).toISOString()}`);
    }
  }

  /** Counts what would stand after the entries: of this reader if independent, of everybody if shared. */
  #checkAtMost(name: string, entries: AnswerMessage["entries"]): void {
    const { atMost, mode } = this.protocol;
    if (atMost === undefined) return;
    const others = [...this.#readers.values()].filter((reader) => mode === "shared" && reader.name !== name);
    const own = this.#readers.get(name);
    const had = own === undefined ? [] : standing(own).filter((position) => this.#wordAt(own, position) === atMost.answer);
    const chosen = new Set(had);
    for (const { position, answer } of entries)
      if (answer === atMost.answer) chosen.add(position);
      else chosen.delete(position);
    if (chosen.size <= had.length) return;
    for (const other of others)
      for (const position of standing(other)) if (this.#wordAt(other, position) === atMost.answer) chosen.add(position);
    if (chosen.size > atMost.cases)
      throw refused(`at most ${atMost.cases} cases may be answered "${atMost.answer}"; with these it would be ${chosen.size}`);
  }
}

const standing = ({ given }: Reader): number[] => [...given].flatMap(([position, { answer }]) => (answer < 0 ? [] : [position]));
const answered = (reader: Reader): number => standing(reader).length;
