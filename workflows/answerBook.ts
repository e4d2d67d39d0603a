import type {
  AnswerMessage,
  AnswerReceipt,
  Claim,
  ClaimMessage,
  FinishMessage,
  Protocol,
  ReaderBook,
  ReadingState,
  ReleaseMessage,
} from "../schemas/reading.ts";
import { ReaderAnswers } from "./readerAnswers.ts";
import { type CarriedLog, UnwrittenLog } from "./unwrittenLog.ts";

/** What a book is about: digest of the cases, the length of a reader's sequence of them, and since when it is open. */
export interface BookSubject {
  readonly cases: string;
  readonly length: number;
  readonly since: number;
}

/** What one run of a reading's workflow hands to the next. */
export interface CarriedBook {
  readers: ReaderBook[];
  /** Positions that somebody held and gave back. */
  passed?: number[];
  log?: CarriedLog;
}

/**
 * Who answered what. Messages were admitted before (admission.ts). Knows no engine: time is handed in, in milliseconds since
 * the epoch.
 */
export class AnswerBook {
  readonly protocol: Protocol;
  readonly subject: BookSubject;
  readonly log: UnwrittenLog;
  /** Words of the answers, in the protocol's order. */
  readonly words: readonly string[];
  closedBy: "readers" | "deadline" | "stop" | null = null;
  readonly #byName: Map<string, ReaderAnswers>;
  readonly #passed: Set<number>;

  constructor(protocol: Protocol, subject: BookSubject, { readers, passed, log }: CarriedBook = { readers: [] }) {
    this.protocol = protocol;
    this.subject = subject;
    this.log = new UnwrittenLog(log);
    this.words = protocol.answers.map(({ answer }) => answer);
    this.#passed = new Set(passed);
    this.#byName = new Map(readers.map((book) => [book.reader, ReaderAnswers.restored(book)]));
  }

  answer(message: AnswerMessage, now: number): AnswerReceipt {
    this.expireClaims(now);
    const fresh = this.fresh(message);
    const reader = this.#readerOf(message.reader);
    for (const entry of fresh) {
      const { position, answer, at, mask } = entry;
      reader.give(position, answer === null ? -1 : this.words.indexOf(answer), at - this.subject.since, mask);
      this.log.add({ event: "answer", received: now, reader: reader.name, ...entry });
    }
    if (reader.claim !== null && fresh.length > 0) reader.claim = { ...reader.claim, until: now + this.#leaseMs };
    return { taken: fresh.length, answered: reader.answered };
  }

  claim({ reader: name, count }: ClaimMessage, now: number): Claim {
    this.expireClaims(now);
    const reader = this.#readerOf(name);
    const answered = this.#answeredByAny();
    const taken = new Set([...answered, ...this.readers.flatMap(({ claim }) => claim?.positions ?? [])]);
    const held = reader.claim?.positions ?? [];
    const missing = count - held.filter((position) => !answered.has(position)).length;
    const free = [...Array(this.subject.length).keys()].filter((position) => !taken.has(position));
    const next = [false, true].flatMap((passed) => free.filter((position) => this.#passed.has(position) === passed));
    const positions = [...held, ...next.slice(0, Math.max(0, missing))];
    const claim = { positions, until: now + this.#leaseMs };
    reader.claim = positions.length === 0 ? null : claim;
    this.log.add({ event: "claim", received: now, reader: name, ...claim });
    return claim;
  }

  release({ reader: name }: ReleaseMessage, now: number): void {
    const reader = this.reader(name);
    if (reader === undefined || reader.claim === null) return;
    for (const position of reader.claim.positions) this.#passed.add(position);
    reader.claim = null;
    this.log.add({ event: "release", received: now, reader: name });
  }

  finish({ reader: name, verdict, note }: FinishMessage, now: number): void {
    const reader = this.#readerOf(name);
    if (reader.finished !== null) return;
    Object.assign(reader, { finished: now, verdict: verdict ?? null, claim: null });
    this.log.add({ event: "finish", received: now, reader: name, verdict: verdict ?? null, note: note ?? null });
    this.closeWhenFinished(now);
  }

  closeWhenFinished(now: number): void {
    const finished = this.readers.filter((reader) => reader.finished !== null).length;
    if (finished >= this.protocol.finishedBy) this.close("readers", now);
  }

  close(by: "readers" | "deadline", now: number): void {
    if (this.closedBy !== null) return;
    this.closedBy = by;
    this.log.add({ event: "close", received: now, by });
  }

  /** Takes nothing more, since the workflow ends before the readers have: not part of the log, a retry goes on from it. */
  stop(): void {
    this.closedBy ??= "stop";
  }

  /** Claims whose time is over are given back. */
  expireClaims(now: number): void {
    for (const reader of this.readers) if (reader.claim !== null && reader.claim.until <= now) reader.claim = null;
  }

  /** When the next claim expires; Infinity if there is none. */
  get nextExpiry(): number {
    return Math.min(Infinity, ...this.readers.map(({ claim }) => claim?.until ?? Infinity));
  }

  /** Number of cases that somebody has answered; where readers are independent, of all their showings. */
  get answered(): number {
    if (this.protocol.mode === "shared") return this.#answeredByAny().size;
    return this.readers.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Everybody who has sent something, in the order in which they came. */
  get readers(): ReaderAnswers[] {
    return [...this.#byName.values()];
  }

  reader(name: string): ReaderAnswers | undefined {
    return this.#byName.get(name);
  }

  /** Who takes part and how far each is. */
  get roll(): ReadingState["readers"] {
    return this.readers.map(({ name: reader, answered, finished, verdict }) => ({ reader, answered, finished, verdict }));
  }

  /** What stands of one reader, and what that reader holds. */
  own(name: string): Pick<ReadingState, "own" | "masks" | "claim"> {
    const reader = this.reader(name);
    return {
      own: (reader?.standing ?? []).map(([position, answer]) => [position, this.words[answer]]),
      masks: reader?.masks ?? [],
      claim: reader?.claim ?? null,
    };
  }

  /** What stands of everybody else, for readers who are not blind to each other; for a reader's own see `own`. */
  sharedWith(reader: string | null): ReadingState["shared"] {
    return this.readers.flatMap(({ name, standing }, i) =>
      name === reader ? [] : standing.map(([position, answer]): [number, string, number] => [position, this.words[answer], i]),
    );
  }

  /** The entries that are not known yet, each once. */
  fresh({ reader: name, entries }: AnswerMessage): AnswerMessage["entries"] {
    const reader = this.reader(name);
    const seen = new Set<string>();
    return entries.filter(({ position, at }) => {
      const key = `${position} ${at}`;
      const known = seen.has(key) || reader?.knows(position, at - this.subject.since) === true;
      seen.add(key);
      return !known;
    });
  }

  get carried(): CarriedBook {
    return { readers: this.readers.map(({ book }) => book), passed: [...this.#passed], log: this.log.carried };
  }

  get #leaseMs(): number {
    return Math.round(this.protocol.claimMinutes * 60_000);
  }

  #answeredByAny(): Set<number> {
    return new Set(this.readers.flatMap(({ standing }) => standing.map(([position]) => position)));
  }

  #readerOf(name: string): ReaderAnswers {
    const reader = this.reader(name) ?? new ReaderAnswers(name);
    this.#byName.set(name, reader);
    return reader;
  }
}
