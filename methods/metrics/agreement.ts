import { chiSquareQuantile, studentQuantile } from "./distributions.ts";
import type { Interval } from "./summary.ts";

/** How one way of measuring agrees with another on the same lesions. */
export interface Agreement {
  readonly n: number;
  /** Mean difference measured − reference. */
  readonly bias: number;
  /** Sample standard deviation of the differences. */
  readonly sd: number;
  /** Limits of agreement: bias ± 1.96 sd, between which 95 % of the differences are expected. */
  readonly limits: Interval;
  readonly biasInterval: Interval;
  readonly lowInterval: Interval;
  readonly highInterval: Interval;
}

const Z = 1.959963984540054;

/**
 * Limits of agreement (Bland and Altman 1986) with confidence intervals of the bias and of the limits (Bland and Altman 1999,
 * 2.2: the variance of a limit is s² (1/n + z² / 2(n − 1))), by Student's t. Differences are taken for independent.
 *
 * @returns null where there are fewer than three differences.
 */
export function limitsOfAgreement(differences: readonly number[], level = 0.95): Agreement | null {
  const n = differences.length;
  if (n < 3) return null;
  const bias = differences.reduce((sum, d) => sum + d, 0) / n;
  const sd = Math.sqrt(differences.reduce((sum, d) => sum + (d - bias) ** 2, 0) / (n - 1));
  const t = studentQuantile((1 + level) / 2, n - 1);
  const around = (value: number, half: number): Interval => ({ low: value - half, high: value + half });
  const limits = around(bias, Z * sd);
  const halfOfLimit = t * sd * Math.sqrt(1 / n + Z ** 2 / (2 * (n - 1)));
  return {
    n,
    bias,
    sd,
    limits,
    biasInterval: around(bias, (t * sd) / Math.sqrt(n)),
    lowInterval: around(limits.low, halfOfLimit),
    highInterval: around(limits.high, halfOfLimit),
  };
}

/**
 * Limits of agreement of logarithms, turned back into ratios measured ÷ reference: for volumes, whose differences grow with
 * the lesions. `bias` is the geometric mean ratio and `sd` the standard deviation of the logarithms.
 *
 * @returns null where fewer than three ratios are given.
 * @throws RangeError for a ratio that is not positive: a volume of 0 has no logarithm, the caller counts it.
 */
export function ratiosOfAgreement(ratios: readonly number[], level = 0.95): Agreement | null {
  const wrong = ratios.find((ratio) => !(ratio > 0));
  if (wrong !== undefined) throw new RangeError(`a ratio of ${wrong} has no logarithm`);
  const logs = limitsOfAgreement(ratios.map(Math.log), level);
  if (logs === null) return null;
  const back = ({ low, high }: Interval): Interval => ({ low: Math.exp(low), high: Math.exp(high) });
  const { n, bias, sd, limits, biasInterval, lowInterval, highInterval } = logs;
  return {
    n,
    sd,
    bias: Math.exp(bias),
    limits: back(limits),
    biasInterval: back(biasInterval),
    lowInterval: back(lowInterval),
    highInterval: back(highInterval),
  };
}

/** How far two measurements of what has not changed lie apart. */
export interface Repeatability {
  /** Lesions that were measured more than once, and all their measurements. */
  readonly lesions: number;
  readonly measurements: number;
  /** Within-lesion standard deviation. */
  readonly sd: number;
  /** 1.96 √2 sd: two measurements differ by less in 95 % of the cases. */
  readonly coefficient: number;
  readonly interval: Interval;
}

/**
 * Repeatability coefficient from repeated measurements of the same lesions, the within-lesion variance pooled over them, with
 * its χ² interval (Bland and Altman 1999, 3). Give logarithms for what is measured in ratios.
 *
 * @param repeated measurements of each lesion; those with one only say nothing and are left out.
 * @returns null where no lesion was measured twice.
 */
export function repeatability(repeated: readonly (readonly number[])[], level = 0.95): Repeatability | null {
  const used = repeated.filter((values) => values.length > 1);
  if (used.length === 0) return null;
  let squares = 0;
  let degrees = 0;
  for (const values of used) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    squares += values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    degrees += values.length - 1;
  }
  const sd = Math.sqrt(squares / degrees);
  const coefficientOf = (variance: number): number => Z * Math.SQRT2 * Math.sqrt(variance);
  return {
    lesions: used.length,
    measurements: degrees + used.length,
    sd,
    coefficient: coefficientOf(sd ** 2),
    interval: {
      low: coefficientOf(squares / chiSquareQuantile((1 + level) / 2, degrees)),
      high: coefficientOf(squares / chiSquareQuantile((1 - level) / 2, degrees)),
    },
  };
}
