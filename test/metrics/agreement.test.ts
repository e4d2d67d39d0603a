import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { limitsOfAgreement, ratiosOfAgreement, repeatability } from "../../methods/metrics/agreement.ts";
import { chiSquareQuantile, studentQuantile } from "../../methods/metrics/distributions.ts";
import { linearFit } from "../../methods/metrics/linearFit.ts";
import { randomStream } from "../../methods/random.ts";

/** Written by test/oracles/agreement.py with SciPy, statsmodels and pingouin. */
const fixture: {
  quantiles: { p: number; df: number; t: number; chiSquare: number }[];
  reference: number[];
  measured: number[];
  bias: number;
  sd: number;
  biasInterval: { low: number; high: number };
  pingouinLines: number[];
  line: { slope: number; intercept: number; rSquared: number };
  repeated: number[][];
  withinMeanSquare: number;
  withinDegrees: number;
} = JSON.parse(readFileSync(new URL("../fixtures/agreement.json", import.meta.url), "utf8"));

const relative = (found: number, expected: number) => Math.abs(found - expected) / Math.max(Math.abs(expected), 1e-300);

describe("quantiles", () => {
  it("are SciPy's, from 1 to 2500 degrees of freedom", () => {
    for (const { p, df, t, chiSquare } of fixture.quantiles) {
      if (p !== 0.5) expect(relative(studentQuantile(p, df), t), `t ${p} ${df}`).toBeLessThan(1e-9);
      expect(relative(chiSquareQuantile(p, df), chiSquare), `χ² ${p} ${df}`).toBeLessThan(1e-9);
    }
    expect(studentQuantile(0.5, 7)).toBe(0);
  });

  it("are undefined at 0 and 1", () => {
    expect(() => studentQuantile(1, 3)).toThrow(RangeError);
    expect(() => chiSquareQuantile(0, 3)).toThrow(RangeError);
  });
});

describe("limitsOfAgreement", () => {
  const differences = fixture.measured.map((value, i) => value - fixture.reference[i]);

  it("has pingouin's bias and limits, and statsmodels' interval of the bias", () => {
    const { bias, sd, limits, biasInterval } = limitsOfAgreement(differences)!;
    expect(bias).toBeCloseTo(fixture.bias, 12);
    expect(sd).toBeCloseTo(fixture.sd, 12);
    for (const [i, value] of [limits.low, bias, limits.high].entries()) expect(value).toBeCloseTo(fixture.pingouinLines[i], 10);
    expect(biasInterval.low).toBeCloseTo(fixture.biasInterval.low, 9);
    expect(biasInterval.high).toBeCloseTo(fixture.biasInterval.high, 9);
  });

  it("has intervals of the limits that hold the true limits 95 times in 100", () => {
    const random = randomStream(3, "coverage");
    const runs = 2000;
    let held = 0;
    for (let run = 0; run < runs; run++) {
      const { highInterval } = limitsOfAgreement(Array.from({ length: 22 }, () => 2 + 3 * random.normal()))!;
      const truth = 2 + 1.959963984540054 * 3;
      if (highInterval.low <= truth && truth <= highInterval.high) held++;
    }
    expect(held / runs).toBeGreaterThan(0.93);
    expect(held / runs).toBeLessThan(0.97);
  });

  test.prop([
    fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 3, maxLength: 30 }),
    fc.double({ min: -9, max: 9, noNaN: true }),
  ])("moves with what is added to every difference", (values, shift) => {
    const [before, after] = [limitsOfAgreement(values)!, limitsOfAgreement(values.map((value) => value + shift))!];
    expect(after.limits.high).toBeCloseTo(before.limits.high + shift, 6);
    expect(after.lowInterval.low).toBeCloseTo(before.lowInterval.low + shift, 6);
  });

  it("needs three lesions", () => {
    expect(limitsOfAgreement([1, 2])).toBeNull();
  });
});

describe("ratiosOfAgreement", () => {
  it("says for any unit the same, and for doubled volumes twice the ratio", () => {
    const ratios = fixture.measured.map((value, i) => value / fixture.reference[i]);
    const one = ratiosOfAgreement(ratios)!;
    const two = ratiosOfAgreement(ratios.map((ratio) => 2 * ratio))!;
    expect(two.bias).toBeCloseTo(2 * one.bias, 12);
    expect(two.limits.low).toBeCloseTo(2 * one.limits.low, 12);
    expect(two.sd).toBeCloseTo(one.sd, 12);
    expect(one.bias).toBeCloseTo(ratios.reduce((product, ratio) => product * ratio, 1) ** (1 / ratios.length), 12);
  });

  it("refuses a volume of nothing", () => {
    expect(() => ratiosOfAgreement([1, 0, 2])).toThrow(RangeError);
  });
});

describe("repeatability", () => {
  it("pools the within-lesion variance as a one-way ANOVA does", () => {
    const { sd, lesions, measurements, coefficient } = repeatability(fixture.repeated)!;
    expect(sd ** 2).toBeCloseTo(fixture.withinMeanSquare, 9);
    expect(measurements - lesions).toBe(fixture.withinDegrees);
    expect(coefficient).toBeCloseTo(1.959963984540054 * Math.SQRT2 * sd, 12);
  });

  it("has an interval that holds the true coefficient 95 times in 100", () => {
    const random = randomStream(5, "coverage");
    const truth = 1.959963984540054 * Math.SQRT2 * 0.8;
    let held = 0;
    for (let run = 0; run < 2000; run++) {
      const values = Array.from({ length: 15 }, () => [0.8 * random.normal(), 0.8 * random.normal()]);
      const { interval } = repeatability(values)!;
      if (interval.low <= truth && truth <= interval.high) held++;
    }
    expect(held / 2000).toBeGreaterThan(0.935);
    expect(held / 2000).toBeLessThan(0.965);
  });

  it("is unknown where nothing was measured twice", () => {
    expect(repeatability([[1], [2]])).toBeNull();
  });
});

describe("linearFit", () => {
  it("is statsmodels' least squares", () => {
    const found = linearFit(fixture.reference.map((x, i) => [x, fixture.measured[i]] as const))!;
    for (const key of ["slope", "intercept", "rSquared"] as const) expect(found[key]).toBeCloseTo(fixture.line[key], 10);
  });
});
