/** What a table says about a column of scores. Everything is null where no score is defined. */
export interface Summary {
  /** Defined scores. */
  readonly n: number;
  /** Scores that are undefined (null), e.g. a distance to an empty mask: counted, never taken as 0. */
  readonly undefined: number;
  readonly mean: number | null;
  /** Sample standard deviation (n − 1); null where n < 2. */
  readonly sd: number | null;
  readonly median: number | null;
  /** First and third quartile, linear between order statistics. */
  readonly q1: number | null;
  readonly q3: number | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
}

/** Mean, spread and order statistics of scores, where null means undefined. */
export function summarize(scores: readonly (number | null)[]): Summary {
  const defined = Float64Array.from(scores.filter((s) => s !== null)).sort();
  const n = defined.length;
  const missing = scores.length - n;
  if (n === 0) {
    return { n, undefined: missing, mean: null, sd: null, median: null, q1: null, q3: null, minimum: null, maximum: null };
  }
  const mean = meanOf(defined);
  const squares = defined.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return {
    n,
    undefined: missing,
    mean,
    sd: n < 2 ? null : Math.sqrt(squares / (n - 1)),
    median: quantile(defined, 0.5),
    q1: quantile(defined, 0.25),
    q3: quantile(defined, 0.75),
    minimum: defined[0],
    maximum: defined[n - 1],
  };
}

/** Quantile of ascending values, linear between order statistics (the default of NumPy and R). `p` in [0, 1]. */
export function quantile(ascending: Float64Array, p: number): number {
  if (ascending.length === 0) throw new RangeError("the quantile of no values is undefined");
  const position = p * (ascending.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (position - below) * (ascending[above] - ascending[below]);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson score interval of a proportion, e.g. of accepted masks in a reader study (Wilson 1927).
 *
 * @param z standard normal quantile; 1.959964 is 95 %.
 * @returns null where `trials` is 0.
 */
export function wilson(successes: number, trials: number, z = 1.959963984540054): Interval | null {
  if (trials === 0) return null;
  if (successes < 0 || successes > trials) throw new RangeError(`${successes} of ${trials} is not a proportion`);
  const share = successes / trials;
  const centre = (share + (z * z) / (2 * trials)) / (1 + (z * z) / trials);
  const half = (z / (1 + (z * z) / trials)) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
