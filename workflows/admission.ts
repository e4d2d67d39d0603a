import { ApplicationFailure } from "@temporalio/common";
import type { z } from "zod";
import {
  type AnswerMessage,
  answerMessageSchema,
  claimMessageSchema,
  finishMessageSchema,
  MASK_ENTRIES,
  MOST_ENTRIES,
  MOST_READERS,
  maskProblem,
  type Protocol,
  releaseMessageSchema,
} from "../schemas/reading.ts";
import type { AnswerBook } from "./answerBook.ts";
import type { ReaderAnswers } from "./readerAnswers.ts";

/** A reader's clock may be ahead of the engine's by so much. */
const CLOCK_AHEAD_MS = 3_600_000;

/** A message that is not taken: its validator throws, and nothing of it stays in the history. */
export const refused = (why: string): ApplicationFailure => ApplicationFailure.nonRetryable(why, "Refused");

/**
 * What a book takes: each method throws what is wrong with a message, in words for the person who sent it, and changes
 * nothing. `value` is whatever arrived; `now` is in milliseconds since the epoch.
 */
export class Admission {
  readonly #book: AnswerBook;

  constructor(book: AnswerBook) {
    this.#book = book;
  }

  get #protocol(): Protocol {
    return this.#book.protocol;
  }

  answer(value: unknown, now: number): void {
    const message = this.#parsed(answerMessageSchema, value);
    const { length } = this.#book.subject;
    const words = this.#book.words;
    for (const entry of message.entries) {
      const { position, answer } = entry;
      if (position >= length) throw refused(`position ${position} does not exist: there are ${length}, counted from 0`);
      if (answer !== null && !words.includes(answer))
        throw refused(`"${answer}" is no answer here; there are ${words.join(", ")}`);
      const problem = maskProblem(this.#protocol, entry);
      if (problem !== null) throw refused(problem);
    }
    const fresh = this.#book.fresh(message);
    if (fresh.length === 0) return;
    this.#open(message.reader);
    const held = this.#book.readers.reduce((sum, { entries, masks }) => sum + entries + MASK_ENTRIES * masks.length, 0);
    const more = fresh.reduce((sum, { mask }) => sum + (mask === undefined ? 1 : 1 + MASK_ENTRIES), 0);
    if (held + more > MOST_ENTRIES)
      throw refused(`this reading is full: it holds ${MOST_ENTRIES} answers, those taken back among them, or fewer with masks`);
    for (const { position, at } of fresh) {
      if (at > now + CLOCK_AHEAD_MS)
        throw refused(`the time of an answer, ${iso(at)}, is more than an hour ahead of ${iso(now)}: set this computer's clock`);
      this.#unclaimed(position, message.reader, now);
    }
    this.#atMost(message.reader, fresh);
  }

  claim(value: unknown): void {
    const { reader } = this.#parsed(claimMessageSchema, value);
    this.#shared();
    this.#open(reader);
  }

  release(value: unknown): void {
    const { reader } = this.#parsed(releaseMessageSchema, value);
    this.#shared();
    this.#open(reader);
  }

  finish(value: unknown): void {
    const message = this.#parsed(finishMessageSchema, value);
    const { reader: name } = message;
    const verdict = message.verdict ?? null;
    const verdicts = this.#protocol.verdicts.map((one) => one.verdict);
    if (verdict !== null && !verdicts.includes(verdict))
      throw refused(
        `"${verdict}" is no verdict here; ${verdicts.length === 0 ? "none is asked for" : `there are ${verdicts.join(", ")}`}`,
      );
    const reader = this.#book.reader(name);
    if (reader !== undefined && reader.finished !== null && reader.verdict === verdict) return;
    this.#open(name);
    if (verdict === null && verdicts.length > 0) throw refused(`finish with a verdict: ${verdicts.join(" or ")}`);
    const { length } = this.#book.subject;
    const missing = length - (reader?.answered ?? 0);
    if (this.#protocol.mode === "independent" && missing > 0)
      throw refused(`${missing} of ${length} cases ${missing === 1 ? "is" : "are"} not answered yet`);
  }

  #parsed<T extends { reader: string; cases: string }>(schema: z.ZodType<T>, value: unknown): T {
    const { data, error } = schema.safeParse(value);
    if (error !== undefined) {
      const [{ path, message }] = error.issues;
      throw refused(path.length === 0 ? message : `${path.join(".")}: ${message}`);
    }
    const { readers } = this.#protocol;
    if (data.cases !== this.#book.subject.cases)
      throw refused("this is about other cases than those that are read now, e.g. of an earlier round: load the page again");
    if (readers.length > 0 && !readers.includes(data.reader))
      throw refused(`"${data.reader}" does not read here; readers are ${readers.join(", ")}`);
    return data;
  }

  #open(name: string): void {
    const { closedBy } = this.#book;
    if (closedBy === "stop") throw refused("the reading has been stopped; what was answered is kept");
    if (closedBy !== null) throw refused("the reading is closed");
    const reader = this.#book.reader(name);
    if ((reader?.finished ?? null) !== null) throw refused(`${name} has finished this reading already`);
    if (reader === undefined && this.#book.readers.length >= MOST_READERS)
      throw refused(`this reading is full: ${MOST_READERS} people take part`);
  }

  #shared(): void {
    if (this.#protocol.mode !== "shared") throw refused("nothing is claimed here: everyone reads every case (mode independent)");
  }

  #unclaimed(position: number, name: string, now: number): void {
    for (const { name: other, claim } of this.#book.readers) {
      if (other === name || claim === null || claim.until <= now || !claim.positions.includes(position)) continue;
      throw refused(`position ${position} is claimed by ${other} until ${iso(claim.until)}`);
    }
  }

  /** Counts the cases that would have the limited answer: from this reader if independent, from anybody if shared. */
  #atMost(name: string, entries: AnswerMessage["entries"]): void {
    const { atMost, mode } = this.#protocol;
    if (atMost === undefined) return;
    const limited = this.#book.words.indexOf(atMost.answer);
    const chosenBy = (one: ReaderAnswers): number[] =>
      one.standing.flatMap(([position, answer]) => (answer === limited ? [position] : []));
    const { readers } = this.#book;
    const chosen = new Set(readers.filter((one) => one.name === name).flatMap(chosenBy));
    for (const { position, answer } of entries)
      if (answer === atMost.answer) chosen.add(position);
      else chosen.delete(position);
    if (mode === "shared")
      for (const position of readers.filter((one) => one.name !== name).flatMap(chosenBy)) chosen.add(position);
    const adds = entries.some(({ answer }) => answer === atMost.answer);
    if (adds && chosen.size > atMost.cases)
      throw refused(`at most ${atMost.cases} cases may be answered "${atMost.answer}"; with these it would be ${chosen.size}`);
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
