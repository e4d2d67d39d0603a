import { describe, expect, it } from "vitest";
import { bootstrapMean, bootstrapMeans } from "../../methods/metrics/bootstrap.ts";
import { linearFit } from "../../methods/metrics/linearFit.ts";
import { summarize, wilson } from "../../methods/metrics/summary.ts";
import { wilcoxon } from "../../methods/metrics/wilcoxon.ts";
import { randomStream } from "../../methods/random.ts";
import { fixture } from "./fixture.ts";

describe("summarize", () => {
  it("equals NumPy", () => {
    const { values, ...expected } = fixture.summary;
    const found = summarize(values);
    for (const [name, value] of Object.entries(expected))
      expect(found[name as keyof typeof expected], name).toBeCloseTo(value, 12);
  });

  it("counts undefined scores and never takes them as 0", () => {
    expect(summarize([null, 0.5, null, 1])).toEqual({
      n: 2,
      undefined: 2,
      mean: 0.75,
      sd: Math.SQRT1_2 / 2,
      median: 0.75,
      q1: 0.625,
      q3: 0.875,
      minimum: 0.5,
      maximum: 1,
    });
  });

  it("says null where there is nothing to say", () => {
    expect(summarize([0.4])).toMatchObject({ n: 1, mean: 0.4, sd: null });
    expect(summarize([null])).toMatchObject({ n: 0, undefined: 1, mean: null, median: null });
  });
});

describe("intervals", () => {
  it.each(fixture.wilson)("Wilson's for $successes of $trials equals SciPy's", ({ successes, trials, low, high }) => {
    const found = wilson(successes, trials);
    expect(found?.low).toBeCloseTo(low, 10);
    expect(found?.high).toBeCloseTo(high, 10);
  });
});

describe("the bootstrap", () => {
  const settings = { seed: 1, level: 0.95, resamples: 2000 };
  const width = (interval: { low: number; high: number } | null): number => interval!.high - interval!.low;

  it("approaches mean ± 1.96 standard errors for many normal values", () => {
    const random = randomStream(3, "test");
    const values = Array.from({ length: 2000 }, () => random.normal());
    const { mean, sd } = summarize(values) as { mean: number; sd: number };
    const found = bootstrapMean(values, null, settings);
    const half = (1.96 * sd) / Math.sqrt(values.length);
    expect(Math.abs((found?.low as number) - (mean - half))).toBeLessThan(0.1 * half);
    expect(Math.abs((found?.high as number) - (mean + half))).toBeLessThan(0.1 * half);
  });

  it("over patients is as wide as over the patients' means, not as over their lesions", () => {
    const random = randomStream(4, "test");
    const means = Array.from({ length: 60 }, () => random.normal());
    // five lesions of each patient, all alike
    const values = means.flatMap((mean) => new Array<number>(5).fill(mean));
    const patients = values.map((_, i) => `p${Math.floor(i / 5)}`);
    const clustered = bootstrapMean(values, patients, settings);
    expect(clustered?.low).toBeCloseTo(bootstrapMean(means, null, settings)?.low as number, 12);
    expect(clustered?.high).toBeCloseTo(bootstrapMean(means, null, settings)?.high as number, 12);
    expect(width(bootstrapMean(values, null, settings)) / width(clustered)).toBeLessThan(0.55); // 1 / √5 = 0.45
  });

  it("by hand: two patients, drawn alike or one of each", () => {
    // means of the draws: 0 (¼), (0 + 3) / 4 (½), 1 (¼)
    expect(bootstrapMean([0, 1, 1, 1], ["a", "b", "b", "b"], settings)).toEqual({ low: 0, high: 1 });
    expect(bootstrapMean([0, 1, 1, 1], ["a", "b", "b", "b"], { ...settings, level: 0.4 })).toEqual({ low: 0.75, high: 0.75 });
  });

  it("leaves undefined scores out and needs two patients", () => {
    const columns = [
      [0.25, null, 0.5],
      [null, null, 0.5],
    ];
    const [first, second] = bootstrapMeans(columns, ["a", "b", "c"], settings);
    expect(first).toEqual({ low: 0.25, high: 0.5 });
    expect(second).toBeNull();
    expect(bootstrapMean([0.2, 0.4], ["a", "a"], settings)).toBeNull();
    expect(bootstrapMean([0.2, 0.4], null, { ...settings, resamples: 0 })).toBeNull();
  });

  it("gives a column the same interval alone and beside others", () => {
    const { values } = fixture.summary;
    expect(bootstrapMeans([fixture.second, values], null, settings)[1]).toEqual(bootstrapMean(values, null, settings));
  });

  it("is a function of the seed", () => {
    const { values } = fixture.summary;
    expect(bootstrapMean(values, null, settings)).toEqual(bootstrapMean([...values], null, settings));
    expect(bootstrapMean(values, null, settings)).not.toEqual(bootstrapMean(values, null, { ...settings, seed: 5 }));
  });
});

describe("Wilcoxon's signed-rank test", () => {
  it.each(fixture.wilcoxon.map((w, n) => ({ n, ...w })))("equals SciPy on sample $n", ({ first, second, p }) => {
    const found = wilcoxon(first, second).p;
    expect(Math.abs(found - p)).toBeLessThan(1e-9 * Math.max(p, 1e-3));
  });

  it("by hand: five pairs, all in one direction, give 2 / 2⁵", () => {
    expect(wilcoxon([1, 2, 3, 4, 5], [0.9, 1.8, 2.6, 3.5, 4.4])).toEqual({ n: 5, rankSum: 15, p: 1 / 16 });
  });

  it("one pair that differs among equal ones proves nothing", () => {
    expect(wilcoxon([1, 2, 3], [1, 2, 4])).toEqual({ n: 1, rankSum: 0, p: 1 });
  });

  it("equal lists do not differ", () => {
    expect(wilcoxon([1, 2], [1, 2])).toEqual({ n: 0, rankSum: 0, p: 1 });
    expect(wilcoxon([0, 0], [0, 0])).toEqual({ n: 0, rankSum: 0, p: 1 });
  });

  it("shares ranks between differences that are equal in decimals, whatever subtraction leaves of them", () => {
    // 0.3 − 0.1, 0.9 − 0.7 and 0.6 − 0.8 differ in their last bits.
    expect(wilcoxon([0.3, 0.9, 0.6, 0.55], [0.1, 0.7, 0.8, 0.5])).toEqual(wilcoxon([2, 2, 0, 0.5], [0, 0, 2, 0]));
  });
});

describe("linearFit", () => {
  it("equals SciPy's linregress", () => {
    const found = linearFit(fixture.summary.values.map((x, i) => [x, fixture.second[i]] as const));
    expect(found?.slope).toBeCloseTo(fixture.line.slope, 12);
    expect(found?.intercept).toBeCloseTo(fixture.line.intercept, 12);
    expect(found?.rSquared).toBeCloseTo(fixture.line.rSquared, 12);
  });

  it("is undefined where x does not vary", () => {
    expect(
      linearFit([
        [1, 2],
        [1, 3],
      ]),
    ).toBeNull();
  });
});
