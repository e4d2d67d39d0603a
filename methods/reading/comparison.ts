import { bootstrapMean } from "../metrics/bootstrap.ts";
import { type SignTest, signTest } from "../metrics/signTest.ts";
import type { Interval } from "../metrics/summary.ts";
import { readersOf, type StudyAnswer, sorted } from "./acceptance.ts";

/** An answer (left, right, both or neither) to two masks, with the sources that were left and right. */
export interface ComparisonAnswer extends StudyAnswer {
  readonly left: string;
  readonly right: string;
}

export interface ComparisonRow {
  readonly reader: string | null;
  readonly category: string | null;
  readonly n: number;
  readonly patients: number;
  readonly first: number;
  readonly second: number;
  readonly both: number;
  readonly neither: number;
  readonly test: SignTest;
  /** Of the share that prefers the first, whole patients drawn; null where it cannot be said. */
  readonly clustered: Interval | null;
}

/** Which source an answer prefers; itself where it prefers none. */
export function unblinded({ answer, left, right }: Pick<ComparisonAnswer, "answer" | "left" | "right">): string {
  return answer === "left" ? left : answer === "right" ? right : answer;
}

/**
 * First showings, all together, by category and by reader. Several readers of one case are not independent, so that rows of
 * all readers have a p value only where there is one reader.
 */
export function comparisonRows(
  answers: readonly ComparisonAnswer[],
  [one, other]: readonly [string, string],
  seed: number,
): ComparisonRow[] {
  const shown = answers.filter(({ repeat }) => !repeat);
  const readers = readersOf(answers);
  const row = (reader: string | null, category: string | null): ComparisonRow => {
    const own = shown.filter((a) => (reader === null || a.reader === reader) && (category === null || a.category === category));
    const count = (what: string): number => own.filter((a) => unblinded(a) === what).length;
    const [first, second] = [count(one), count(other)];
    const test = signTest(first, second);
    const isPooled = reader === null && readers.length > 1;
    return {
      reader,
      category,
      n: own.length,
      patients: new Set(own.map(({ patient }) => patient)).size,
      first,
      second,
      both: own.filter(({ answer }) => answer === "both").length,
      neither: own.filter(({ answer }) => answer === "neither").length,
      test: isPooled ? { ...test, interval: null, p: null } : test,
      clustered: bootstrapMean(
        own.map((a) => (unblinded(a) === one ? 1 : unblinded(a) === other ? 0 : null)),
        own.map(({ patient }) => patient),
        { level: 0.95, resamples: 2000, seed },
      ),
    };
  };
  return [
    row(null, null),
    ...sorted(shown.map(({ category }) => category)).map((category) => row(null, category)),
    ...readers.map((reader) => row(reader, null)),
  ];
}

/** Whether a reader prefers a side, whatever is on it. */
export function sidePreference(
  answers: readonly ComparisonAnswer[],
): { reader: string; left: number; right: number; test: SignTest }[] {
  return readersOf(answers).map((reader) => {
    const own = answers.filter((a) => a.reader === reader && !a.repeat);
    const count = (side: string): number => own.filter(({ answer }) => answer === side).length;
    const [left, right] = [count("left"), count("right")];
    return { reader, left, right, test: signTest(left, right) };
  });
}
