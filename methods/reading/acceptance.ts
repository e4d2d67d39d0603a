import { bootstrapMean } from "../metrics/bootstrap.ts";
import { type Agreement, cohenKappa, fleissKappa } from "../metrics/kappa.ts";
import { holm } from "../metrics/pairedComparison.ts";
import { type SignTest, signTest } from "../metrics/signTest.ts";
import { type Interval, wilson } from "../metrics/summary.ts";

/** A reader's answer to a case, with what the key says of the case. */
export interface StudyAnswer {
  /** Null where several people's answers were merged. */
  readonly reader: string | null;
  readonly case: string;
  readonly repeat: boolean;
  readonly answer: string;
  readonly tookMs: number;
  readonly lesion: string;
  readonly patient: string;
  readonly category: string;
}

/** An answer to one mask; `source` is where the mask came from. */
export interface AcceptanceAnswer extends StudyAnswer {
  readonly source: string;
}

export interface AcceptanceRow {
  readonly source: string;
  /** Null: all readers together. */
  readonly reader: string | null;
  /** Null: all categories together. */
  readonly category: string | null;
  /** Answers; `lesions` and `patients` say of how many. */
  readonly n: number;
  readonly lesions: number;
  readonly patients: number;
  readonly accepted: number;
  readonly rate: number | null;
  /** Wilson's, which takes answers for independent. */
  readonly interval: Interval | null;
  /** Percentile bootstrap in which whole patients are drawn, which allows for several lesions of a patient and several readers of a mask. */
  readonly clustered: Interval | null;
}

/** Answers of one reader to the masks of two sources of the same lesions: McNemar's exact test. */
export interface PairedAcceptance {
  readonly reader: string | null;
  readonly first: string;
  readonly second: string;
  readonly pairs: number;
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
  readonly test: SignTest;
  /** Of `test`, corrected by Holm over the pairs of sources of this reader; null where p is. */
  readonly pHolm: number | null;
}

const RESAMPLES = { level: 0.95, resamples: 2000 };

/** Acceptance rates of first showings: by source; by source and category; by source and reader. */
export function acceptanceRates(answers: readonly AcceptanceAnswer[], sources: readonly string[], seed: number): AcceptanceRow[] {
  const first = answers.filter(({ repeat }) => !repeat);
  const row = (source: string, reader: string | null, category: string | null): AcceptanceRow => {
    const own = first.filter(
      (one) =>
        one.source === source && (reader === null || one.reader === reader) && (category === null || one.category === category),
    );
    const accepted = own.filter(({ answer }) => answer === "accept").length;
    return {
      source,
      reader,
      category,
      n: own.length,
      lesions: new Set(own.map(({ lesion }) => lesion)).size,
      patients: new Set(own.map(({ patient }) => patient)).size,
      accepted,
      rate: own.length === 0 ? null : accepted / own.length,
      interval: wilson(accepted, own.length),
      clustered: bootstrapMean(
        own.map(({ answer }) => (answer === "accept" ? 1 : 0)),
        own.map(({ patient }) => patient),
        { ...RESAMPLES, seed },
      ),
    };
  };
  const categories = sorted(first.map(({ category }) => category));
  const readers = readersOf(answers);
  return sources.flatMap((source) => [
    row(source, null, null),
    ...categories.map((category) => row(source, null, category)),
    ...readers.map((reader) => row(source, reader, null)),
  ]);
}

/** Every two sources on the lesions of which a reader judged both masks. */
export function pairedAcceptance(answers: readonly AcceptanceAnswer[], sources: readonly string[]): PairedAcceptance[] {
  const first = answers.filter(({ repeat }) => !repeat);
  const whose = [...new Set(first.map(({ reader }) => reader))].sort();
  return whose.flatMap((reader) => {
    const pairs = pairsOf(sources).map(([one, other]) => pairedOf(reader, one, other, first));
    const tested = pairs.flatMap(({ test: { p } }) => (p === null ? [] : [p]));
    const corrected = holm(tested);
    return pairs.map((pair): PairedAcceptance => ({ ...pair, pHolm: pair.test.p === null ? null : corrected.shift()! }));
  });
}

/** One reader's answers to the masks of two sources of the same lesions. */
function pairedOf(
  reader: string | null,
  one: string,
  other: string,
  answers: readonly AcceptanceAnswer[],
): Omit<PairedAcceptance, "pHolm"> {
  const given = (source: string) =>
    new Map(answers.filter((a) => a.source === source && a.reader === reader).map((a) => [a.lesion, a.answer === "accept"]));
  const [ours, theirs] = [given(one), given(other)];
  const pairs = [...ours].flatMap(([lesion, yes]) => (theirs.has(lesion) ? [[yes, theirs.get(lesion)!] as const] : []));
  const count = (a: boolean, b: boolean): number => pairs.filter(([x, y]) => x === a && y === b).length;
  const [onlyFirst, onlySecond] = [count(true, false), count(false, true)];
  return {
    ...{ reader, first: one, second: other, pairs: pairs.length },
    ...{ both: count(true, true), onlyFirst, onlySecond, neither: count(false, false) },
    test: signTest(onlyFirst, onlySecond),
  };
}

export interface ReaderAgreement extends Agreement {
  /** One name: with oneself, first showing against second. Two: Cohen. More: Fleiss, over the cases that all answered. */
  readonly readers: readonly string[];
}

/** Every reader with oneself, every two readers, and all of more than two. Second showings count for the first only. */
export function agreements(answers: readonly StudyAnswer[]): ReaderAgreement[] {
  const readers = readersOf(answers);
  const given = (reader: string, repeat: boolean) =>
    new Map(answers.filter((a) => a.reader === reader && a.repeat === repeat).map((a) => [a.case, a.answer]));
  const both = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): [string, string][] =>
    [...a].flatMap(([id, answer]): [string, string][] => (b.has(id) ? [[answer, b.get(id)!]] : []));
  const within = readers.map((reader) => ({ readers: [reader], ...cohenKappa(both(given(reader, false), given(reader, true))) }));
  const between = pairsOf(readers).map((two) => ({
    readers: two,
    ...cohenKappa(both(given(two[0], false), given(two[1], false))),
  }));
  if (readers.length < 3) return [...within, ...between];
  const all = readers.map((reader) => given(reader, false));
  const common = [...all[0].keys()].filter((id) => all.every((one) => one.has(id)));
  return [...within, ...between, { readers, ...fleissKappa(common.map((id) => all.map((one) => one.get(id)!))) }];
}

export function readersOf(answers: readonly StudyAnswer[]): string[] {
  return sorted(answers.flatMap(({ reader }) => (reader === null ? [] : [reader])));
}

export function sorted(words: readonly string[]): string[] {
  return [...new Set(words)].sort();
}

function pairsOf<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((one, i) => list.slice(i + 1).map((other): [T, T] => [one, other]));
}
