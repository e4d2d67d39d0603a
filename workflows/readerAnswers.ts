import type { Claim, ReaderBook } from "../schemas/reading.ts";

/** What one reader has answered, taken back, claimed and said at the end. Answers are indices in the protocol's list. */
export class ReaderAnswers {
  readonly name: string;
  finished: number | null = null;
  verdict: string | null = null;
  claim: Claim | null = null;
  /** In the order in which they came, three numbers each, as `ReaderBook.entries`. */
  readonly #entries: number[] = [];
  /** By position: what stands (−1: taken back), and the time of every entry, by which it is known when it is sent again. */
  readonly #given = new Map<number, { answer: number; ats: number[] }>();
  /** Digests of drawn masks by position, of answers that stand and come with one. */
  readonly #masks = new Map<number, string>();

  constructor(name: string) {
    this.name = name;
  }

  static restored({ reader, entries, masks = [], ...said }: ReaderBook): ReaderAnswers {
    const restored = new ReaderAnswers(reader);
    Object.assign(restored, said);
    for (let i = 0; i < entries.length; i += 3) restored.give(entries[i], entries[i + 1], entries[i + 2]);
    for (const [position, mask] of masks) restored.#masks.set(position, mask);
    return restored;
  }

  /** @param at milliseconds since the reading began, by the reader's clock */
  give(position: number, answer: number, at: number, mask?: string): void {
    const ats = this.#given.get(position)?.ats ?? [];
    ats.push(at);
    this.#given.set(position, { answer, ats });
    this.#entries.push(position, answer, at);
    if (mask === undefined) this.#masks.delete(position);
    else this.#masks.set(position, mask);
  }

  knows(position: number, at: number): boolean {
    return this.#given.get(position)?.ats.includes(at) ?? false;
  }

  /** Positions and what stands there; what was taken back is not among them. */
  get standing(): [position: number, answer: number][] {
    return [...this.#given].flatMap(([position, { answer }]): [number, number][] => (answer < 0 ? [] : [[position, answer]]));
  }

  get masks(): [position: number, mask: string][] {
    return [...this.#masks];
  }

  get answered(): number {
    return this.standing.length;
  }

  /** Number of entries ever given. */
  get entries(): number {
    return this.#entries.length / 3;
  }

  get book(): ReaderBook {
    const { name: reader, finished, verdict, claim } = this;
    const masks = this.#masks.size === 0 ? {} : { masks: this.masks };
    return { reader, finished, verdict, entries: this.#entries, ...masks, claim };
  }
}
