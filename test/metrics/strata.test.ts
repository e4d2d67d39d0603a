import { describe, expect, it } from "vitest";
import { holm, pairedComparison } from "../../methods/metrics/pairedComparison.ts";
import { Strata, sizeNames } from "../../methods/metrics/strata.ts";

const bootstrap = { unit: "patient", seed: 1, level: 0.95, resamples: 500 } as const;

describe("strata", () => {
  const strata = new Strata({ sizesMm: [10, 20], bootstrap });
  const lesions = [
    { patient: "a", category: "lung", longMm: 9.9, dice: 0.5, avdMm: null },
    { patient: "a", category: "liver", longMm: 10, dice: 0.7, avdMm: 2 },
    { patient: "b", category: "lung", longMm: 25, dice: 0.9, avdMm: 1 },
  ];
  for (const { dice, avdMm, ...lesion } of lesions) strata.addLesion({ ...lesion, scores: { dice, avdMm } });
  for (const [patient, offset, dice, inReference] of [
    ["a", -1, 0.4, true],
    ["a", 1, 0.6, true],
    ["b", 1, 0.8, true],
    ["b", -1, 0, false],
    ["b", 0, 1, true],
    ["b", 2, 0, false],
  ] as const)
    strata.addSlice({ patient, offset, inReference, scores: { dice } });
  const found = strata.summaries();

  it("are all lesions, categories by name, sizes and offsets ascending; only what occurs", () => {
    expect(found.map(({ by, value, observations, patients }) => [by, value, observations, patients])).toEqual([
      ["all", "all", 3, 2],
      ["category", "liver", 1, 1],
      ["category", "lung", 2, 2],
      ["size", "< 10", 1, 1],
      ["size", "10–20", 1, 1], // 10 mm begins the next size
      ["size", "≥ 20", 1, 1],
      ["offset", "0", 1, 1],
      ["offset", "1", 3, 2], // above and below are pooled
    ]);
  });

  it("summarise every column, undefined scores counted, by hand", () => {
    expect(found[0].scores.dice).toMatchObject({ n: 3, undefined: 0, mean: expect.closeTo(0.7, 12), median: 0.7 });
    expect(found[0].scores.avdMm).toMatchObject({ n: 2, undefined: 1, mean: 1.5 });
    // draws of two patients: a a = 0.6, b b = 0.9, a b = (0.5 + 0.7 + 0.9) / 3
    expect(found[0].scores.dice.interval).toEqual({ low: expect.closeTo(0.6, 12), high: expect.closeTo(0.9, 12) });
    expect(found[1].scores.dice.interval).toBeNull();
    expect(found[7].scores.dice).toMatchObject({ n: 3, mean: expect.closeTo(0.6, 12) });
  });

  it("count slices without lesion that a mask reaches apart from their scores", () => {
    expect(found.filter(({ by }) => by === "offset").map(({ value, beyond }) => [value, beyond])).toEqual([
      ["0", 0],
      ["1", 1],
    ]);
  });

  it("hold no size where no edge is given", () => {
    expect(sizeNames([])).toEqual([]);
    const without = new Strata({ sizesMm: [], bootstrap });
    without.addLesion({ patient: "a", category: "lung", longMm: 5, scores: { dice: 1 } });
    expect(without.summaries().map(({ by }) => by)).toEqual(["all", "category"]);
  });

  it("refuse a column that earlier lesions lack", () => {
    expect(() => strata.addLesion({ ...lesions[0], scores: { dice: 1, iou: 1 } })).toThrow(/column iou/);
  });
});

describe("paired comparison", () => {
  const scored = (...values: (number | null)[]) => values.map((value, i) => ({ lesion: `l${i}`, patient: `p${i}`, value }));

  it("takes the lesions that both have a score for", () => {
    const found = pairedComparison(scored(0.5, 0.75, null, 1), scored(0.25, 0.25, 0.5), bootstrap);
    expect(found).toMatchObject({ pairs: 2, meanDifference: 0.375, interval: { low: 0.25, high: 0.5 }, p: 0.5 });
    expect(pairedComparison(scored(1), [], bootstrap)).toBeNull();
  });

  it("is quick and without overflow for as many lesions as DeepLesion has", () => {
    const many = (shift: number) =>
      Array.from({ length: 32_735 }, (_, i) => ({
        lesion: `l${i}`,
        patient: `p${i % 4427}`,
        value: 0.8 + 0.1 * Math.sin(i) + shift * Math.cos(7 * i),
      }));
    const start = performance.now();
    const equal = pairedComparison(many(0.01), many(0), bootstrap);
    const better = pairedComparison(
      many(0.01).map((score) => ({ ...score, value: score.value + 0.02 })),
      many(0),
      bootstrap,
    );
    expect(performance.now() - start).toBeLessThan(5000);
    expect(equal?.p).toBeGreaterThan(0.05);
    expect(better?.p).toBeLessThan(1e-300);
    expect(better?.interval?.low).toBeGreaterThan(0.019);
  });
});

describe("Holm's correction", () => {
  it("by hand", () => {
    // 3 × 0.01, then max(0.03, 2 × 0.02), then max(0.04, 0.03)
    expect(holm([0.03, 0.01, 0.02])).toEqual([0.04, 0.03, 0.04]);
    expect(holm([0.6, 0.7])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
