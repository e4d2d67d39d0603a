import type { Interval } from "./summary.ts";

/** Preference of the first of two over the second. */
export interface SignTest {
  /** Cases in which one of both was preferred; ties do not count. */
  readonly n: number;
  /** Share of those in which the first was; null where n is 0. */
  readonly share: number | null;
  /** Clopper and Pearson's exact interval of the share, 95 %. */
  readonly interval: Interval | null;
  /** Exact two-sided p value of equal preference; null where n is 0. */
  readonly p: number | null;
}

/**
 * The sign test: `first` cases speak for the first of two, `second` for the second. On the discordant pairs of two yes/no
 * answers it is McNemar's exact test. Cases are taken for independent.
 *
 * @throws RangeError where a count is not a whole number ≥ 0.
 */
export function signTest(first: number, second: number): SignTest {
  for (const count of [first, second])
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${count} is not a number of cases`);
  const n = first + second;
  if (n === 0) return { n, share: null, interval: null, p: null };
  const p = Math.min(1, 2 * atMost(Math.min(first, second), n, 0.5));
  const tail = 0.025;
  const low = first === 0 ? 0 : solved((share) => 1 - atMost(first - 1, n, share) - tail);
  const high = second === 0 ? 1 : solved((share) => tail - atMost(first, n, share));
  return { n, share: first / n, interval: { low, high }, p };
}

/** P(X ≤ k) of a binomial X of `n` trials, share in (0, 1). */
function atMost(k: number, n: number, share: number): number {
  const odds = Math.log(share) - Math.log1p(-share);
  let logTerm = n * Math.log1p(-share);
  let sum = 0;
  for (let i = 0; i <= k; i++) {
    sum += Math.exp(logTerm);
    logTerm += Math.log(n - i) - Math.log(i + 1) + odds;
  }
  return Math.min(1, sum);
}

/** The share at which an ascending function is 0, by bisection. */
function solved(ascending: (share: number) => number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (ascending(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
