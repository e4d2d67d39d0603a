import { describe, expect, it } from "vitest";
import { mergeHistograms, precisionRecall, quantisedHistogram } from "../../methods/metrics/precisionRecall.ts";
import { randomStream } from "../../methods/random.ts";

describe("precision-recall", () => {
  it("by hand: four pixels, four bins", () => {
    // Of probabilities 1, 0.6, 0.3 and 0, the first and the third inside the reference.
    const { curve, best, half } = precisionRecall({ positives: [0, 1, 0, 1], negatives: [1, 0, 1, 0] });
    expect(curve).toEqual([
      { threshold: 0.75, precision: 1, recall: 0.5 },
      { threshold: 0.5, precision: 0.5, recall: 0.5 },
      { threshold: 0.25, precision: 2 / 3, recall: 1 },
      { threshold: 0, precision: 0.5, recall: 1 },
    ]);
    expect(best).toEqual({ threshold: 0.25, precision: 2 / 3, recall: 1, f: 0.8 });
    expect(half).toEqual({ threshold: 0.5, precision: 0.5, recall: 0.5, f: 0.5 });
  });

  it("equals counting at each threshold", () => {
    const random = randomStream(5, "test");
    const levels = Uint8Array.from({ length: 500 }, () => random.integer(256));
    const reference = Uint8Array.from(levels, (level) => (255 * random.uniform() < level ? 1 : 0));
    const { curve } = precisionRecall(quantisedHistogram(levels, reference));
    expect(curve.length).toBeGreaterThan(200);
    for (const { threshold, precision, recall } of curve) {
      const predicted = levels.map((level) => (level >= 256 * threshold ? 1 : 0));
      const tp = predicted.reduce((n, p, i) => n + p * reference[i], 0);
      expect(precision).toBeCloseTo(tp / predicted.reduce((n, p) => n + p, 0), 12);
      expect(recall).toBeCloseTo(tp / reference.reduce((n, r) => n + r, 0), 12);
    }
  });

  it("merging histograms equals one histogram of everything", () => {
    const a = quantisedHistogram(Uint8Array.of(25, 230), Uint8Array.of(0, 1));
    const b = quantisedHistogram(Uint8Array.of(230, 51), Uint8Array.of(0, 0));
    expect(mergeHistograms([a, b])).toEqual(quantisedHistogram(Uint8Array.of(25, 230, 230, 51), Uint8Array.of(0, 1, 0, 0)));
  });

  it("counts quantised probabilities by their level, so that ½ predicts the levels from 128", () => {
    const found = quantisedHistogram(Uint8Array.of(0, 127, 128, 255), Uint8Array.of(0, 1, 0, 1));
    expect([found.positives[127], found.positives[255], found.negatives[0], found.negatives[128]]).toEqual([1, 1, 1, 1]);
    expect(precisionRecall(found).half).toEqual({ threshold: 0.5, precision: 0.5, recall: 0.5, f: 0.5 });
  });

  it("has no curve where nothing is positive", () => {
    expect(precisionRecall(quantisedHistogram(Uint8Array.of(128), Uint8Array.of(0)))).toEqual({
      curve: [],
      best: null,
      half: null,
    });
  });

  it("refuses probabilities and a reference that do not match", () => {
    expect(() => quantisedHistogram(Uint8Array.of(1, 2), Uint8Array.of(1))).toThrow(
      "2 probabilities do not match 1 reference pixels",
    );
  });
});
