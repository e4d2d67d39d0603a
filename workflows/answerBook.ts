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
  maskProblem,
  type Protocol,
  type ReaderBook,
  type ReadingEvent,
  type ReadingState,
  type ReleaseMessage,
  releaseMessageSchema,
} from "../schemas/reading.ts";
import { ReaderAnswers } from "./readerAnswers.ts";

/** A reader's clock may be ahead of the engine's by so much. */
const CLOCK_AHEAD_MS = 3_600_000;

/** What a book is about: digest of the cases, the length of a reader's sequence of them, and since when it is open. */
export interface BookSubject {
  readonly cases: string;
  readonly length: number;
  readonly since: number;
}

/** A message that is not taken: its validator throws, and nothing of it stays in the history. */
export const refused = (why: string): ApplicationFailure => ApplicationFailure.nonRetryable(why, "Refused");

/**
 * Who answered what. `check…` throw what is wrong with a message and change nothing; their namesakes take messages that were
 * checked. Knows no engine: time is handed in, in milliseconds since the epoch.
 */
export class AnswerBook {
  readonly protocol: Protocol;
  readonly subject: BookSubject;
  /** What has happened and is not yet in the store. */
  unwritten: ReadingEvent[] = [];
  closedBy: "readers" | "deadline" | null = null;
  readonly #words: string[];
  readonly #byName: Map<string, ReaderAnswers>;

  constructor(protocol: Protocol, subject: BookSubject, books: readonly ReaderBook[] = []) {
    this.protocol = protocol;
    this.subject = subject;
    this.#words = protocol.answers.map(({ answer }) => answer);
    this.#byName = new Map(books.map((book) => [book.reader, ReaderAnswers.restored(book)]));
  }

  checkAnswer(value: unknown, now: number): void {
    const message = this.#parsed(answerMessageSchema, value);
    const { length } = this.subject;
    for (const entry of message.entries) {
      const { position, answer } = entry;
      if (position >= length) throw refused(`position ${position} does not exist: there are ${length}, counted from 0`);
      if (answer !== null && !this.#words.includes(answer))
        throw refused(`"${answer}" is no answer here; there are ${this.#words.join(", ")}`);
      const problem = maskProblem(this.protocol, entry);
      if (problem !== null) throw refused(problem);
    }
    const fresh = this.#fresh(message);
    if (fresh.length === 0) return;
    this.#checkOpen(message.reader);
    const held = this.#all.reduce((sum, { entries }) => sum + entries, 0);
    if (held + fresh.length > MOST_ENTRIES)
      throw refused(`this reading is full: it holds ${MOST_ENTRIES} answers, those taken back among them`);
    for (const { position, at } of fresh) {
      if (at > now + CLOCK_AHEAD_MS)
        throw refused(`the time of an answer, ${iso(at)}, is more than an hour ahead of ${iso(now)}: set this computer's clock`);
      this.#checkUnclaimed(position, message.reader, now);
    }
    this.#checkAtMost(message.reader, fresh);
  }

  answer(message: AnswerMessage, now: number): AnswerReceipt {
    const fresh = this.#fresh(message);
    const reader = this.#readerOf(message.reader);
    for (const entry of fresh) {
      const { position, answer, at, mask } = entry;
      reader.give(position, answer === null ? -1 : this.#words.indexOf(answer), at - this.subject.since, mask);
      this.unwritten.push({ event: "answer", received: now, reader: reader.name, ...entry });
    }
    if (reader.claim !== null && fresh.length > 0) reader.claim = { ...reader.claim, until: now + this.#leaseMs };
    return { taken: fresh.length, answered: reader.answered };
  }

  checkClaim(value: unknown): void {
    const { reader } = this.#parsed(claimMessageSchema, value);
    this.#checkShared();
    this.#checkOpen(reader);
  }

  claim({ reader: name, count }: ClaimMessage, now: number): Claim {
    this.expireClaims(now);
    const reader = this.#readerOf(name);
    const answered = this.#answeredByAny();
    const taken = new Set([...answered, ...this.#all.flatMap(({ claim }) => claim?.positions ?? [])]);
    const positions = [...(reader.claim?.positions ?? [])];
    let missing = count - positions.filter((position) => !answered.has(position)).length;
    for (let position = 0; position < this.subject.length && missing > 0; position++) {
      if (taken.has(position)) continue;
      positions.push(position);
      missing--;
    }
    const claim = { positions, until: now + this.#leaseMs };
    reader.claim = positions.length === 0 ? null : claim;
    this.unwritten.push({ event: "claim", received: now, reader: name, ...claim });
    return claim;
  }

  checkRelease(value: unknown): void {
    const { reader } = this.#parsed(releaseMessageSchema, value);
    this.#checkShared();
    this.#checkOpen(reader);
  }

  release({ reader: name }: ReleaseMessage, now: number): void {
    const reader = this.#byName.get(name);
    if (reader === undefined || reader.claim === null) return;
    reader.claim = null;
    this.unwritten.push({ event: "release", received: now, reader: name });
  }

  checkFinish(value: unknown): void {
    const message = this.#parsed(finishMessageSchema, value);
    const { reader: name } = message;
    const verdict = message.verdict ?? null;
    const verdicts = this.protocol.verdicts.map((one) => one.verdict);
    if (verdict !== null && !verdicts.includes(verdict))
      throw refused(
        `"${verdict}" is no verdict here; ${verdicts.length === 0 ? "none is asked for" : `there are ${verdicts.join(", ")}`}`,
      );
    const reader = this.#byName.get(name);
    if (reader !== undefined && reader.finished !== null && reader.verdict === verdict) return;
    this.#checkOpen(name);
    if (verdict === null && verdicts.length > 0) throw refused(`finish with a verdict: ${verdicts.join(" or ")}`);
    const { length } = this.subject;
    const missing = length - (reader?.answered ?? 0);
    if (this.protocol.mode === "independent" && missing > 0)
      throw refused(`${missing} of ${length} cases ${missing === 1 ? "is" : "are"} not answered yet`);
  }

  finish({ reader: name, verdict, note }: FinishMessage, now: number): void {
    const reader = this.#readerOf(name);
    if (reader.finished !== null) return;
    const said = { verdict: verdict ?? null, note: note ?? null };
    Object.assign(reader, { finished: now, ...said, claim: null });
    this.unwritten.push({ event: "finish", received: now, reader: name, ...said });
    this.closeWhenFinished(now);
  }

  closeWhenFinished(now: number): void {
    const finished = this.#all.filter((reader) => reader.finished !== null).length;
    if (finished >= this.protocol.finishedBy) this.close("readers", now);
  }

  close(by: "readers" | "deadline", now: number): void {
    this.closedBy = by;
    this.unwritten.push({ event: "close", received: now, by });
  }

  /** Claims whose time is over are given back. */
  expireClaims(now: number): void {
    for (const reader of this.#all) if (reader.claim !== null && reader.claim.until <= now) reader.claim = null;
  }

  /** When the next claim expires; Infinity if there is none. */
  get nextExpiry(): number {
    return Math.min(Infinity, ...this.#all.map(({ claim }) => claim?.until ?? Infinity));
  }

  /** Number of cases that somebody has answered; where readers are independent, of all their showings. */
  get answered(): number {
    if (this.protocol.mode === "shared") return this.#answeredByAny().size;
    return this.#all.reduce((sum, { answered }) => sum + answered, 0);
  }

  get readers(): ReadingState["readers"] {
    return this.#all.map(({ name: reader, answered, finished, verdict }) => ({ reader, answered, finished, verdict }));
  }

  /** What stands of one reader, and what that reader holds. */
  own(name: string): Pick<ReadingState, "own" | "masks" | "claim"> {
    const reader = this.#byName.get(name);
    return {
      own: (reader?.standing ?? []).map(([position, answer]) => [position, this.#words[answer]]),
      masks: reader?.masks ?? [],
      claim: reader?.claim ?? null,
    };
  }

  /** What stands of everybody, for readers who are not blind to each other. */
  get shared(): ReadingState["shared"] {
    return this.#all.flatMap(({ standing }, i) =>
      standing.map(([position, answer]): [number, string, number] => [position, this.#words[answer], i]),
    );
  }

  /** Everything that the next run needs. */
  get books(): ReaderBook[] {
    return this.#all.map(({ book }) => book);
  }

  get #all(): ReaderAnswers[] {
    return [...this.#byName.values()];
  }

  get #leaseMs(): number {
    return Math.round(this.protocol.claimMinutes * 60_000);
  }

  #answeredByAny(): Set<number> {
    return new Set(this.#all.flatMap(({ standing }) => standing.map(([position]) => position)));
  }

  #readerOf(name: string): ReaderAnswers {
    const reader = this.#byName.get(name) ?? new ReaderAnswers(name);
    this.#byName.set(name, reader);
    return reader;
  }

  /** The entries that are not known yet, each once. */
  #fresh({ reader: name, entries }: AnswerMessage): AnswerMessage["entries"] {
    const reader = this.#byName.get(name);
    const seen = new Set<string>();
    return entries.filter(({ position, at }) => {
      const key = `${position} ${at}`;
      const known = seen.has(key) || reader?.knows(position, at - this.subject.since) === true;
      seen.add(key);
      return !known;
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
      throw refused("this is about other cases than those that are read now, e.g. of an earlier round: load the page again");
    if (readers.length > 0 && !readers.includes(data.reader))
      throw refused(`"${data.reader}" does not read here; readers are ${readers.join(", ")}`);
    return data;
  }

  #checkOpen(name: string): void {
    if (this.closedBy !== null) throw refused("the reading is closed");
    if ((this.#byName.get(name)?.finished ?? null) !== null) throw refused(`${name} has finished this reading already`);
  }

  #checkShared(): void {
    if (this.protocol.mode !== "shared") throw refused("nothing is claimed here: everyone reads every case (mode independent)");
  }

  #checkUnclaimed(position: number, name: string, now: number): void {
    for (const { name: other, claim } of this.#all) {
      if (other === name || claim === null || claim.until <= now || !claim.positions.includes(position)) continue;
      throw refused(`position ${position} is claimed by ${other} until ${iso(claim.until)}`);
    }
  }

  /** Counts the cases that would have the limited answer: from this reader if independent, from anybody if shared. */
  #checkAtMost(name: string, entries: AnswerMessage["entries"]): void {
    const { atMost, mode } = this.protocol;
    if (atMost === undefined) return;
    const limited = this.#words.indexOf(atMost.answer);
    const chosenBy = (one: ReaderAnswers): number[] =>
      one.standing.flatMap(([position, answer]) => (answer === limited ? [position] : []));
    const chosen = new Set(this.#all.filter((one) => one.name === name).flatMap(chosenBy));
    for (const { position, answer } of entries)
      if (answer === atMost.answer) chosen.add(position);
      else chosen.delete(position);
    if (mode === "shared")
      for (const position of this.#all.filter((one) => one.name !== name).flatMap(chosenBy)) chosen.add(position);
    const adds = entries.some(({ answer }) => answer === atMost.answer);
    if (adds && chosen.size > atMost.cases)
      throw refused(`at most ${atMost.cases} cases may be answered "${atMost.answer}"; with these it would be ${chosen.size}`);
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
