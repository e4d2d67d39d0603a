import { randomStream } from "../random.ts";

/** What of a protocol decides on the order of cases. */
export interface SequenceProtocol {
  readonly mode: "independent" | "shared";
  readonly order: "given" | "shuffled";
  readonly seed: number;
  readonly repeats: number;
}

/** One showing of a case. */
export interface Showing {
  /** Counts from 0 in the cases as given. */
  readonly case: number;
  /** Whether the same reader was shown it before. */
  readonly repeat: boolean;
}

/** Number of showings of `cases` cases to one reader. */
export function sequenceLength({ repeats }: Pick<SequenceProtocol, "repeats">, cases: number): number {
  return cases + Math.round(repeats * cases);
}

/**
 * The order in which `reader` is shown `cases` cases: a pure function of seed and reader, in mode shared of the seed alone,
 * so that everybody's positions mean the same. Second showings come half of the cases and more after the first ones,
 * among the remaining first showings and after them; up to half of the cases they are drawn from the reader's first half.
 */
export function sequenceOf(protocol: SequenceProtocol, reader: string, cases: number): Showing[] {
  const { mode, order, seed, repeats } = protocol;
  const whose = mode === "shared" ? "everybody" : `reader ${reader}`;
  const first = order === "given" ? [...Array(cases).keys()] : [...randomStream(seed, `order of ${whose}`).permutation(cases)];
  const random = randomStream(seed, `repeats of ${whose}`);
  const half = cases / 2;
  const shown = first.map((index, place) => ({ case: index, repeat: false, place }));
  const repeated = Math.round(repeats * cases);
  const drawn = [...random.permutation(Math.max(repeated, Math.floor(half)))].slice(0, repeated);
  for (const place of drawn) shown.push({ case: first[place], repeat: true, place: place + half + random.uniform() * half });
  // Sorting is stable, and first showings stand first: at equal places a repetition comes later.
  return shown.sort((a, b) => a.place - b.place).map(({ case: index, repeat }) => ({ case: index, repeat }));
}
