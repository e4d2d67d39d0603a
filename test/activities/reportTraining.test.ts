import { describe, expect, it } from "vitest";
import { harvestCounts } from "../../activities/reportTraining.ts";

describe("the harvest's table", () => {
  const harvest = (outcomes: Record<string, Record<string, number>>, unlabelled: Record<string, number> = {}) =>
    harvestCounts({ method: "self-paced", round: 2, slices: 0, outcomes, unlabelled });

  it("has a row for each τ and a column for each way that a label came about", () => {
    const rows = harvest(
      {
        grabcut: { "0": 9, "-1": 7 },
        "marks-only": { "-1": 1 },
        "ignored-fallback": { "0": 1 },
        "beyond the marks": { "-1": 2 },
      },
      { "τ = -1: not-harvested": 3, "τ = 1: not-harvested": 4, "no reference mask": 5 },
    );
    const none = { grabcut: 0, priorCut: 0, marksOnly: 0, ignoredFallback: 0, beyondMarks: 0, notHarvested: 0 };
    expect(rows).toEqual([
      { ...none, round: 2, offset: -1, grabcut: 7, marksOnly: 1, beyondMarks: 2, notHarvested: 3 },
      { ...none, round: 2, offset: 0, grabcut: 9, ignoredFallback: 1 },
      { ...none, round: 2, offset: 1, notHarvested: 4 },
    ]);
  });

  it("refuses a way that it has no column for", () => {
    expect(() => harvest({ guessed: { "0": 1 } })).toThrow(/no column for labels by "guessed"/);
  });
});
