/**
 * Counts of predicted probabilities, split by the truth, in equal bins from 0 to 1: what is in bin k or above is predicted
 * at the threshold k by the number of bins. Plain data, so that shards can be counted apart and merged.
 */
export interface ProbabilityHistogram {
  /** Pixels inside the reference, per bin. */
  readonly positives: readonly number[];
  /** Pixels outside it. */
  readonly negatives: readonly number[];
}

export interface PrecisionRecallPoint {
  /** Pixels with probability ≥ threshold are predicted. */
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
}

/** A point with F = 2PR / (P + R). */
export type FMeasure = PrecisionRecallPoint & { readonly f: number };

export interface PrecisionRecall {
  /** From the highest threshold to the lowest; thresholds at which nothing is predicted are left out. */
  readonly curve: readonly PrecisionRecallPoint[];
  /** The point with the largest F, the figure in the legends of Figs 5 and 11; null where nothing is positive. */
  readonly best: FMeasure | null;
  /** The point at threshold ½; null where nothing is positive, or nothing predicted there. */
  readonly half: FMeasure | null;
}

/**
 * Histogram of probabilities quantised to 8 bits (Ŷ × 255, rounded) against their reference (0 or not 0), one bin per
 * level; ½ lies between 127 and 128.
 *
 * @throws RangeError where lengths differ.
 */
export function quantisedHistogram(levels: Uint8Array, reference: Uint8Array): ProbabilityHistogram {
  if (levels.length !== reference.length) {
    throw new RangeError(`${levels.length} probabilities do not match ${reference.length} reference pixels`);
  }
  const counts = [new Float64Array(256), new Float64Array(256)];
  for (let i = 0; i < levels.length; i++) counts[reference[i] === 0 ? 0 : 1][levels[i]]++;
  return { positives: [...counts[1]], negatives: [...counts[0]] };
}

/** Sum of histograms with the same number of bins: the pixels of a whole data set, as in the paper's curves. */
export function mergeHistograms(histograms: readonly ProbabilityHistogram[]): ProbabilityHistogram {
  if (histograms.length === 0) throw new RangeError("no histogram to merge");
  const bins = histograms[0].positives.length;
  if (histograms.some((h) => h.positives.length !== bins)) throw new RangeError("histograms differ in their number of bins");
  const sum = (part: "positives" | "negatives"): number[] =>
    Array.from({ length: bins }, (_, k) => histograms.reduce((total, h) => total + h[part][k], 0));
  return { positives: sum("positives"), negatives: sum("negatives") };
}

/** Precision-recall curve over the histogram's bin edges. Empty where the reference is empty. */
export function precisionRecall({ positives, negatives }: ProbabilityHistogram): PrecisionRecall {
  const bins = positives.length;
  const total = positives.reduce((sum, v) => sum + v, 0);
  const curve: PrecisionRecallPoint[] = [];
  let best: FMeasure | null = null;
  let half: FMeasure | null = null;
  if (total === 0) return { curve, best, half };
  let tp = 0;
  let fp = 0;
  for (let k = bins - 1; k >= 0; k--) {
    tp += positives[k];
    fp += negatives[k];
    if (tp + fp === 0) continue;
    const point = { threshold: k / bins, precision: tp / (tp + fp), recall: tp / total };
    curve.push(point);
    const f = (2 * tp) / (tp + fp + total);
    if (best === null || f > best.f) best = { ...point, f };
    if (2 * k === bins) half = { ...point, f };
  }
  return { curve, best, half };
}
