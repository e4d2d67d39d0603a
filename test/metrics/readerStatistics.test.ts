import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cohenKappa, fleissKappa } from "../../methods/metrics/kappa.ts";
import { signTest } from "../../methods/metrics/signTest.ts";
import { wilson } from "../../methods/metrics/summary.ts";

/** Pairs of answers from a table: `counts[i][j]` pairs (i, j). */
const pairsOf = (counts: number[][]): [string, string][] =>
  counts.flatMap((row, i) => row.flatMap((n, j) => Array.from({ length: n }, (): [string, string] => [`a${i}`, `a${j}`])));

describe("Cohen's kappa", () => {
  // statsmodels 0.14, inter_rater.cohens_kappa: kappa, kappa_low, kappa_upp
  test.each([
    [
      [
        [20, 5],
        [10, 15],
      ],
      0.3999999999999999,
      0.151092290476661,
      0.6489077095233389,
    ],
    [
      [
        [40, 6, 2, 1],
        [5, 30, 4, 3],
        [3, 2, 25, 2],
        [0, 4, 1, 12],
      ],
      0.6735905044510384,
      0.576570547713745,
      0.7706104611883318,
    ],
  ])("equals statsmodels'", (counts, kappa, low, high) => {
    const found = cohenKappa(pairsOf(counts));
    expect(found.kappa).toBeCloseTo(kappa, 12);
    expect(found.interval!.low).toBeCloseTo(low, 10);
    expect(found.interval!.high).toBeCloseTo(high, 10);
  });

  test("is undefined where both gave one and the same answer, and where nothing was answered", () => {
    expect(
      cohenKappa([
        ["accept", "accept"],
        ["accept", "accept"],
      ]),
    ).toEqual({ n: 2, agreement: 1, kappa: null, interval: null });
    expect(cohenKappa([])).toEqual({ n: 0, agreement: null, kappa: null, interval: null });
  });

  const answer = fc.constantFrom("a", "b", "c");
  test("lies within −1 and 1, does not change with the readers' order, and is 1 for equal answers of two kinds", () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(answer, answer), { minLength: 1, maxLength: 40 }), (pairs) => {
        const { kappa } = cohenKappa(pairs);
        const turned = cohenKappa(pairs.map(([a, b]) => [b, a] as const)).kappa;
        if (kappa === null) expect(turned).toBeNull();
        else {
          expect(turned).toBeCloseTo(kappa, 12);
          expect(Math.abs(kappa)).toBeLessThanOrEqual(1 + 1e-12);
        }
        const same = cohenKappa(pairs.map(([a]) => [a, a] as const)).kappa;
        if (same !== null) expect(same).toBeCloseTo(1, 12);
      }),
    ));
});

describe("Fleiss' kappa", () => {
  // Fleiss' table of 10 subjects and 14 raters; statsmodels 0.14: 0.20993070442195522
  const table = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
  ];
  test("equals statsmodels'", () => {
    const cases = table.map((row) => row.flatMap((n, j) => Array<string>(n).fill(`a${j}`)));
    expect(fleissKappa(cases).kappa).toBeCloseTo(0.20993070442195522, 12);
  });

  test("is undefined where everybody gave one answer", () => {
    expect(
      fleissKappa([
        ["a", "a", "a"],
        ["a", "a", "a"],
      ]),
    ).toEqual({ n: 2, agreement: 1, kappa: null, interval: null });
    expect(() => fleissKappa([["a", "a"], ["a"]])).toThrow(RangeError);
  });
});

describe("sign test", () => {
  // SciPy 1.x, binomtest(...).pvalue and proportion_ci(method="exact")
  test.each([
    [72, 269, 6.993072189087884e-28, 0.1690338783789699, 0.2583509196077683],
    [3, 9, 0.14599609375, 0.05486064452799241, 0.5718584618780997],
    [0, 5, 0.0625, 0, 0.5218237501049814],
    [6, 6, 1, 0.2109446382392967, 0.7890553617607032],
  ])("of %i against %i equals SciPy's (72 against 269 are the paper's)", (first, second, p, low, high) => {
    const found = signTest(first, second);
    expect(found.p! / p).toBeCloseTo(1, 9);
    expect(found.interval!.low).toBeCloseTo(low, 10);
    expect(found.interval!.high).toBeCloseTo(high, 10);
  });

  test("says nothing where nobody preferred anything, and turns with the sides", () => {
    expect(signTest(0, 0)).toEqual({ n: 0, share: null, interval: null, p: null });
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (a, b) => {
        fc.pre(a + b > 0);
        const [one, other] = [signTest(a, b), signTest(b, a)];
        expect(one.p).toBe(other.p);
        expect(one.interval!.low).toBeCloseTo(1 - other.interval!.high, 9);
        expect(one.interval!.low).toBeLessThanOrEqual(one.share!);
      }),
    );
  });
});

test("Wilson's interval of the paper's acceptance rates", () => {
  // statsmodels, proportion_confint(method="wilson")
  expect(wilson(924, 1000)!.low).toBeCloseTo(0.9059043568759517, 12);
  expect(wilson(924, 1000)!.high).toBeCloseTo(0.9388505519282977, 12);
  expect(wilson(987, 1000)!.low).toBeCloseTo(0.9778855576244203, 12);
});
