import type { HuWindow } from "../imaging/volume.ts";

const BINS = 128;
/** Bandwidth of the kernel density estimates, in bins: 1/32 of the window (12 HU of 400). */
const BANDWIDTH_BINS = 4;
/** A level that one class never shows counts at most e³ to 1 for the other. */
const LARGEST_LOG_RATIO = 3;
/** This share of every class may have any level. */
const ANYTHING = 0.02;

const REACH_BINS = 4 * BANDWIDTH_BINS;
const KERNEL = Float64Array.from({ length: 2 * REACH_BINS + 1 }, (_, i) =>
  Math.exp(-((i - REACH_BINS) ** 2) / (2 * BANDWIDTH_BINS ** 2)),
);

/** The bin of each HU value; what lies beyond the window falls into its first or last bin. */
export function huBins(hu: Float32Array, { low, high }: HuWindow): Uint8Array {
  const scale = (BINS - 1) / (high - low);
  return Uint8Array.from(hu, (value) => Math.round((Math.min(Math.max(value, low), high) - low) * scale));
}

/**
 * Kernel density estimate of the HU of a class, per bin, from pixels that count by the given weights ≥ 0. Levels far
 * from the lesion's own, such as bone at its edge, stay peaks of their own, so no mean is pulled towards them. At the
 * window's ends the kernel is cut off and counts for what is left of it. Without any weight every level is as likely.
 */
export function huDensity(bins: Uint8Array, weights: Float32Array): Float64Array {
  const histogram = new Float64Array(BINS);
  for (let i = 0; i < bins.length; i++) histogram[bins[i]] += weights[i];
  const smooth = histogram.map((_, bin) => {
    let [sum, weight] = [0, 0];
    for (let other = Math.max(0, bin - REACH_BINS); other <= Math.min(BINS - 1, bin + REACH_BINS); other++) {
      const k = KERNEL[other - bin + REACH_BINS];
      sum += k * histogram[other];
      weight += k;
    }
    return sum / weight;
  });
  const total = smooth.reduce((sum, value) => sum + value, 0);
  return smooth.map((value) => (total === 0 ? 1 / BINS : ((1 - ANYTHING) * value) / total + ANYTHING / BINS));
}

/** ln p(HU | lesion) / p(HU | surroundings) for every bin, within ± 3. */
export function logRatios(lesion: Float64Array, surroundings: Float64Array): Float64Array {
  return lesion.map((p, bin) => Math.min(Math.max(Math.log(p / surroundings[bin]), -LARGEST_LOG_RATIO), LARGEST_LOG_RATIO));
}
