import type { AnswerMessage, Protocol } from "../../schemas/reading.ts";

/** One thing that was taken, as it happened. */
type Taken =
  | { what: "entry"; reader: string; position: number; answer: string | null; at: number }
  | { what: "finish"; reader: string };

/**
 * A reading as simply as it can be said: the list of what was taken, from which everything follows, and who holds which
 * positions until when.
 */
export class BookModel {
  readonly #protocol: Protocol;
  readonly #length: number;
  readonly taken: Taken[] = [];
  readonly passed = new Set<number>();
  readonly claims = new Map<string, { positions: number[]; until: number }>();

  constructor(protocol: Protocol, length: number) {
    this.#protocol = protocol;
    this.#length = length;
  }

  get entries() {
    return this.taken.filter((one) => one.what === "entry");
  }

  get finished(): Set<string> {
    return new Set(this.taken.flatMap((one) => (one.what === "finish" ? [one.reader] : [])));
  }

  get closed(): boolean {
    return this.finished.size >= this.#protocol.finishedBy;
  }

  /** What a reader's last entry of each position says; nothing where it was taken back. */
  standing(
    reader: string,
    entries: { reader: string; position: number; answer: string | null }[] = this.entries,
  ): Map<number, string> {
    const standing = new Map<number, string>();
    for (const { position, answer } of entries.filter((one) => one.reader === reader))
      if (answer === null) standing.delete(position);
      else standing.set(position, answer);
    return standing;
  }

  get readers(): string[] {
    return [...new Set([...this.taken.map(({ reader }) => reader), ...this.claims.keys()])];
  }

  fresh({ reader, entries }: AnswerMessage): AnswerMessage["entries"] {
    const known = (p: number, at: number) => this.entries.some((e) => e.reader === reader && e.position === p && e.at === at);
    return entries.filter(
      ({ position, at }, i) =>
        !known(position, at) && entries.findIndex((other) => other.position === position && other.at === at) === i,
    );
  }

  takesAnswer(message: AnswerMessage, now: number): boolean {
    const fresh = this.fresh(message);
    if (fresh.length === 0) return true;
    if (!this.takesFrom(message.reader)) return false;
    const isOthers = (position: number): boolean =>
      [...this.claims].some(([who, claim]) => who !== message.reader && claim.until > now && claim.positions.includes(position));
    if (fresh.some(({ position }) => isOthers(position))) return false;
    const { atMost, mode } = this.#protocol;
    if (atMost === undefined || fresh.every(({ answer }) => answer !== atMost.answer)) return true;
    const after = [...this.entries, ...fresh.map((entry) => ({ ...entry, reader: message.reader }))];
    const whose = mode === "independent" ? [message.reader] : [...new Set([...this.readers, message.reader])];
    const limited = new Set(
      whose.flatMap((who) =>
        [...this.standing(who, after)].flatMap(([position, given]) => (given === atMost.answer ? [position] : [])),
      ),
    );
    return limited.size <= atMost.cases;
  }

  takesFrom(reader: string): boolean {
    return !this.closed && !this.finished.has(reader);
  }

  takesFinish(reader: string): boolean {
    if (this.finished.has(reader)) return true;
    return this.takesFrom(reader) && (this.#protocol.mode === "shared" || this.standing(reader).size === this.#length);
  }

  answer(message: AnswerMessage, now: number, leaseMs: number): void {
    const fresh = this.fresh(message);
    for (const { position, answer, at } of fresh)
      this.taken.push({ what: "entry", reader: message.reader, position, answer, at });
    const claim = this.claims.get(message.reader);
    if (claim !== undefined && fresh.length > 0) claim.until = now + leaseMs;
  }

  claim(reader: string, count: number, now: number, leaseMs: number): number[] {
    this.expire(now);
    const answered = new Set(this.readers.flatMap((who) => [...this.standing(who).keys()]));
    const held = [...(this.claims.get(reader)?.positions ?? [])];
    const others = [...this.claims].flatMap(([who, { positions }]) => (who === reader ? [] : positions));
    const free = [...Array(this.#length).keys()].filter((p) => !answered.has(p) && !others.includes(p) && !held.includes(p));
    free.sort((a, b) => Number(this.passed.has(a)) - Number(this.passed.has(b)) || a - b);
    const missing = Math.max(0, count - held.filter((position) => !answered.has(position)).length);
    const positions = [...held, ...free.slice(0, missing)];
    if (positions.length > 0) this.claims.set(reader, { positions, until: now + leaseMs });
    return positions;
  }

  release(reader: string): void {
    for (const position of this.claims.get(reader)?.positions ?? []) this.passed.add(position);
    this.claims.delete(reader);
  }

  finish(reader: string): void {
    if (this.finished.has(reader)) return;
    this.taken.push({ what: "finish", reader });
    this.claims.delete(reader);
  }

  expire(now: number): void {
    for (const [reader, { until }] of this.claims) if (until <= now) this.claims.delete(reader);
  }
}
