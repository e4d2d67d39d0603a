import { describe, expect, it } from "vitest";
import {
  mergeHistograms,
  precisionRecall,
  probabilityHistogram,
  quantisedHistogram,
} from "../../methods/metrics/precisionRecall.ts";
import { randomStream } from "../../methods/random.ts";

describe("precision-recall", () => {
  it("by hand: four pixels, four bins", () => {
    const { curve, best, half } = precisionRecall(
      probabilityHistogram(Float32Array.of(1, 0.6, 0.3, 0), Uint8Array.of(1, 0, 1, 0), 4),
    );
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
    const probability = Float32Array.from({ length: 500 }, () => random.uniform());
    const reference = Uint8Array.from(probability, (p) => (random.uniform() < p ? 1 : 0));
    for (const { threshold, precision, recall } of precisionRecall(probabilityHistogram(probability, reference, 32)).curve) {
      const predicted = probability.map((p) => (p >= threshold ? 1 : 0));
      const tp = predicted.reduce((n, p, i) => n + p * reference[i], 0);
      expect(precision).toBeCloseTo(tp / predicted.reduce((n, p) => n + p, 0), 12);
      expect(recall).toBeCloseTo(tp / reference.reduce((n, r) => n + r, 0), 12);
    }
  });

  it("merging histograms equals one histogram of everything", () => {
    const a = probabilityHistogram(Float32Array.of(0.1, 0.9), Uint8Array.of(0, 1));
    const b = probabilityHistogram(Float32Array.of(0.9, 0.2), Uint8Array.of(0, 0));
    expect(mergeHistograms([a, b])).toEqual(probabilityHistogram(Float32Array.of(0.1, 0.9, 0.9, 0.2), Uint8Array.of(0, 1, 0, 0)));
  });

  it("counts quantised probabilities by their level, so that ½ predicts the levels from 128", () => {
    const levels = Uint8Array.of(0, 127, 128, 255);
    const found = quantisedHistogram(levels, Uint8Array.of(0, 1, 0, 1));
    expect([found.positives[127], found.positives[255], found.negatives[0], found.negatives[128]]).toEqual([1, 1, 1, 1]);
    expect(found).toEqual(
      probabilityHistogram(
        Float32Array.from(levels, (v) => v / 255),
        Uint8Array.of(0, 1, 0, 1),
      ),
    );
    expect(precisionRecall(found).half).toEqual({ threshold: 0.5, precision: 0.5, recall: 0.5, f: 0.5 });
  });

  it("has no curve where nothing is positive", () => {
    expect(precisionRecall(probabilityHistogram(Float32Array.of(0.5), Uint8Array.of(0)))).toEqual({
      curve: [],
      best: null,
      half: null,
    });
  });

  it.each([Number.NaN, 1.5, -0.1])("refuses the probability %f", (p) => {
    expect(() => probabilityHistogram(Float32Array.of(p), Uint8Array.of(1))).toThrow(/not between 0 and 1/);
  });
});
