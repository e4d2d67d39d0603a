import { extremes, gradientEnergy, smoothed } from "../imaging/sliceFilters.ts";
import type { Slice } from "../imaging/volume.ts";

/** Both pictures are compared after a Gaussian of this standard deviation, in pixels of the slice: finer things it does not resolve. */
const RESOLVED_PX = 0.5;
/** What that blur leaves of white noise in the slice, as a share of what `noiseOf` measures of it at zooms from 2 to 5. */
const NOISE_LEFT = 0.75;
/** By how much more than the enhanced picture the original may be blurred, in pixels of the slice (§3.4: up to 3). */
const BLURS_PX = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3] as const;
/** A steeper edge may take grey values from so far away, in pixels of the slice. */
const REACH_PX = 2;
/** Noise that hardly shows, as a share of the contrast: what lies far below it counts as none. */
const UNSEEN = 0.2;
/** Standard deviation in fractions of the window, and share of the contrast, that counts as none. */
const FLAT = 1e-6;
/**
 * What a doubling of noise, strange structure and overshoot cost, in doublings of steepness (`npx tsx bench/edgeGain.ts`). Less noise
 * is worth less than more of it costs: smoothing alone is little merit.
 */
const NOISE_COST = 0.75;
const NOISE_WORTH = 0.25;
const STRUCTURE_COST = 4;

/**
 * How good an enhanced picture is beside its original, without a reference. The contrast of the two is matched first: to
 * raise it is what an enhancer is for, and neither a merit nor a fault here.
 */
export interface EdgeGain {
  /** gain − ¾ noise (¼ where it became less) − 4 structure − overshoot; null where the original is flat. */
  readonly score: number | null;
  /** By what factor the contrast (standard deviation) was raised. */
  readonly contrast: number | null;
  /** Doublings (log₂) of the root mean square gradient at the original's edges, overshoot cut off, less what homogeneous regions have of it. */
  readonly gain: number | null;
  /** Doublings of the noise in homogeneous regions; below 0 where it became less. */
  readonly noise: number | null;
  /** √(1 − ρ² − ν²), at least 0: ρ is the largest correlation with the original that a blur reaches, ν the noise of the original beside its contrast. */
  readonly structure: number | null;
  /** Root mean square of what lies beyond the original's grey values within two of its pixels, as a share of the contrast. */
  readonly overshoot: number | null;
}

/** Of a picture that cannot be judged. */
export const undefinedGain: EdgeGain = {
  ...{ score: null, contrast: null, gain: null, noise: null, structure: null, overshoot: null },
};

/**
 * Steepness that the edges of a picture gained by its enhancement, less noise, structure that the original does not have, and
 * overshoot. The original is a blurred picture of the truth with noise on it: an enhanced picture that is true turns into the
 * original by some blur, but for contrast and noise. What no blur explains was invented, or has been lost.
 *
 * @param original enlarged to the grid of `enhanced`; both `[y, x]`, fractions of the display window.
 * @param zoom pixels of that grid per pixel of the slice.
 * @throws RangeError where the two pictures differ in size.
 */
export function edgeGain(original: Slice, enhanced: Slice, zoom: number): EdgeGain {
  const { width, height } = original;
  if (enhanced.width !== width || enhanced.height !== height)
    throw new RangeError(
      `an enhanced picture of ${enhanced.width} × ${enhanced.height} pixels beside one of ${width} × ${height}`,
    );
  const smooth = smoothed(original, RESOLVED_PX * zoom);
  const own = likeness(smooth, smooth);
  const range = Math.sqrt(own.variance);
  const { edges, calm } = regions(smoothed(original, zoom));
  const before = steepness(original, edges, calm);
  if (range < FLAT || before === 0) return undefinedGain;

  const match = bestBlur(enhanced, smooth, zoom);
  const contrast = Math.max(Math.sqrt(match.variance) / range, FLAT);
  const noiseBefore = noiseOf(original, zoom, calm) / range;
  const noiseAfter = noiseOf(enhanced, zoom, calm) / (range * contrast);
  const noise = Math.log2((noiseAfter + UNSEEN) / (noiseBefore + UNSEEN));
  const structure = Math.sqrt(Math.max(0, match.unexplained - (NOISE_LEFT * noiseBefore) ** 2));

  const even = { width, height, data: enhanced.data.map((value) => own.mean + (value - match.mean) / contrast) };
  const within = withinRange(even, original, Math.ceil(REACH_PX * zoom), 2 * noiseBefore * range);
  const overshoot = Math.sqrt(mean(even.data.map((value, i) => (value - within.data[i]) ** 2))) / range;
  // What overshoots adds no steepness.
  const after = Math.min(steepness(even, edges, calm), steepness(within, edges, calm));
  const gain = Math.log2((after + before / 1024) / (before + before / 1024));
  const score = gain - (noise > 0 ? NOISE_COST : NOISE_WORTH) * noise - STRUCTURE_COST * structure - overshoot;
  return { score, contrast, gain, noise, structure, overshoot };
}

/** The blur of the enhanced picture that is most like the smoothed original. */
function bestBlur(enhanced: Slice, smooth: Slice, zoom: number): Likeness {
  let best: Likeness | undefined;
  for (const sigma of BLURS_PX) {
    const found = likeness(smoothed(enhanced, Math.hypot(RESOLVED_PX, sigma) * zoom), smooth);
    if (best !== undefined && found.unexplained >= best.unexplained) break;
    best = found;
  }
  return best!;
}

interface Likeness {
  readonly mean: number;
  readonly variance: number;
  /** 1 − ρ² of Pearson's correlation; 1 where it is not positive, or one of the two is flat. */
  readonly unexplained: number;
}

/** A picture's mean and variance, and how far another one is from being the same but for contrast and brightness. */
function likeness({ data: a }: Slice, { data: b }: Slice): Likeness {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [aa, ab, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i] - meanA, b[i] - meanB];
    aa += da * da;
    ab += da * db;
    bb += db * db;
  }
  return { mean: meanA, variance: aa / a.length, unexplained: ab > 0 ? (aa * bb - ab * ab) / (aa * bb) : 1 };
}

/** Root mean square gradient at the edges, beyond the mean energy in homogeneous regions; at least an eighth of the energy counts. */
function steepness(picture: Slice, edges: Float64Array, calm: readonly number[]): number {
  const energy = gradientEnergy(picture);
  const elsewhere = calm.reduce((sum, i) => sum + energy[i], 0) / calm.length;
  let [sum, weight] = [0, 0];
  for (let i = 0; i < energy.length; i++) {
    sum += edges[i] * energy[i];
    weight += edges[i];
  }
  // Texture everywhere is not all noise.
  return weight === 0 ? 0 : Math.sqrt(Math.max(sum / weight - elsewhere, sum / weight / 8));
}

/**
 * Standard deviation of what a blur by a pixel of the slice takes away in homogeneous regions, by the median absolute value,
 * so that a few edges among them do not count.
 */
function noiseOf(picture: Slice, zoom: number, calm: readonly number[]): number {
  const blurred = smoothed(picture, zoom).data;
  const sizes = Float64Array.from(calm, (i) => Math.abs(picture.data[i] - blurred[i])).sort();
  return 1.4826 * sizes[Math.floor(sizes.length / 2)];
}

/** How much every pixel belongs to an edge of the original (0 … 1), and the half of the pixels in which it changes least. */
function regions(smooth: Slice): { edges: Float64Array; calm: number[] } {
  const energy = gradientEnergy(smooth);
  const inside: number[] = [];
  for (let y = 1; y < smooth.height - 1; y++) for (let x = 1; x < smooth.width - 1; x++) inside.push(y * smooth.width + x);
  const order = inside.sort((a, b) => energy[a] - energy[b] || a - b);
  const calm = order.slice(0, Math.ceil(order.length / 2));
  const usual = energy[calm[Math.floor(calm.length / 2)]];
  const edges = energy.map((value) => (value > 4 * usual ? value / (value + 4 * usual) : 0));
  return { edges, calm };
}

/** The picture cut to the other one's values within a square of ± `reach` pixels, widened by `margin`. */
function withinRange({ data, ...size }: Slice, other: Slice, reach: number, margin: number): Slice {
  const low = extremes(other, reach, Math.min);
  const high = extremes(other, reach, Math.max);
  return { ...size, data: data.map((value, i) => Math.min(Math.max(value, low[i] - margin), high[i] + margin)) };
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
