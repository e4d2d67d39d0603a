import { describe, expect, test } from "vitest";
import { rankCorrelation } from "../../methods/metrics/rankCorrelation.ts";

describe("Spearman's rank correlation", () => {
  test("equals scipy.stats.spearmanr, ties included", () => {
    expect(rankCorrelation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
    expect(rankCorrelation([1, 1, 2, 7, 7, 7, -3, 0], [2, 2, 2, 9, 1, 8, 0, -5])).toBeCloseTo(0.7044164475972787, 12);
  });

  test("is 1 for whatever ascends together, and −1 where one descends", () => {
    const values = [0.1, 7, 3, 11, 2];
    expect(rankCorrelation(values, values.map(Math.exp))).toBeCloseTo(1, 12);
    expect(
      rankCorrelation(
        values,
        values.map((value) => -value),
      ),
    ).toBeCloseTo(-1, 12);
  });

  test("is not defined where one does not vary; both need one value each", () => {
    expect(rankCorrelation([1, 2, 3], [4, 4, 4])).toBeNull();
    expect(() => rankCorrelation([1, 2], [1])).toThrow("2 values beside 1");
  });
});
