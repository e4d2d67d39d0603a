import { extremes, gradientEnergy, smoothed } from "../../methods/imaging/sliceFilters.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { marksRadius } from "../../methods/labels/marksRadius.ts";
import type { Diameters } from "../../methods/labels/recist.ts";

/** Around the boundary through the marks' end points, as shares of the radius. */
const BAND = { from: 0.7, to: 1.3 };
/** Half a grey level of 8 bits: noise below it cannot be seen. */
const UNSEEN = 1 / 510;
/**
 * Doublings of the steepness that new structure costs, per its share of the contrast: below the original's resolution, where a
 * steeper edge differs a little too, and beyond its grey values, where it does not.
 */
const CHANGE_WEIGHT = 3;
const BEYOND_WEIGHT = 10;
/** What the original slice resolves, in its own pixels. */
const LOW_PASS_PX = 1.5;
/** A steeper edge may take grey values from so far away, in pixels of the original slice. */
const REACH_PX = 2;

/** The rule as it was before contrast was matched (revision 1 of `edge-gain`), to compare with: it charges for raised contrast. */
export function firstRule(original: Slice, enhanced: Slice, marks: Diameters, zoom: number): number | null {
  const smooth = smoothed(original, LOW_PASS_PX * zoom);
  const { band, homogeneous } = regions(smooth, marks);
  if (band.length === 0 || homogeneous.length < 20) return null;

  const steepness = (picture: Slice): number => {
    const gradient = gradientEnergy(picture);
    return Math.sqrt(Math.max(0, mean(gradient, band) - mean(gradient, homogeneous)));
  };
  const before = steepness(original);
  const contrast = Math.sqrt(variance(smooth.data));
  if (before === 0 || contrast === 0) return null;
  const gain = Math.log2((steepness(enhanced) + before / 1024) / (before + before / 1024));

  const noiseOf = (picture: Slice): number => spread(residual(picture, smoothed(picture, zoom)), homogeneous) + UNSEEN;
  const noiseBefore = noiseOf(original);
  const noise = Math.max(0, Math.log2(noiseOf(enhanced) / noiseBefore));

  const invented = residual(smoothed(enhanced, LOW_PASS_PX * zoom), smooth);
  const beyond = beyondRange(enhanced, original, Math.ceil(REACH_PX * zoom), 2 * noiseBefore);
  const structure = (CHANGE_WEIGHT * rootMeanSquare(invented) + BEYOND_WEIGHT * rootMeanSquare(beyond)) / contrast;
  return gain - noise - structure;
}

/** Pixels around the marked boundary, and of the others that half in which the smoothed original changes least. */
function regions(smooth: Slice, marks: Diameters): { band: number[]; homogeneous: number[] } {
  const radius = marksRadius(marks);
  const band: number[] = [];
  const elsewhere: number[] = [];
  for (let y = 1; y < smooth.height - 1; y++) {
    for (let x = 1; x < smooth.width - 1; x++) {
      const r = radius(x, y);
      (r >= BAND.from && r <= BAND.to ? band : elsewhere).push(y * smooth.width + x);
    }
  }
  const gradient = gradientEnergy(smooth);
  const calmest = elsewhere.sort((a, b) => gradient[a] - gradient[b] || a - b);
  return { band, homogeneous: calmest.slice(0, Math.ceil(calmest.length / 2)) };
}

function residual({ data }: Slice, smooth: Slice): Float64Array {
  return Float64Array.from(data, (value, i) => value - smooth.data[i]);
}

/** By how much each pixel lies outside the other picture's values within a square of ± `reach` pixels, widened by `margin`. */
function beyondRange(picture: Slice, other: Slice, reach: number, margin: number): Float64Array {
  const low = extremes(other, reach, Math.min);
  const high = extremes(other, reach, Math.max);
  return Float64Array.from(picture.data, (value, i) => Math.max(0, value - high[i] - margin, low[i] - margin - value));
}

const mean = (values: ArrayLike<number>, at: readonly number[]): number => at.reduce((sum, i) => sum + values[i], 0) / at.length;

const rootMeanSquare = (values: Float64Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

function variance(values: Float32Array): number {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length;
}

/** Standard deviation that the median absolute value of a normal distribution around 0 has: a few edges do not count. */
function spread(values: Float64Array, at: readonly number[]): number {
  const sizes = Float64Array.from(at, (i) => Math.abs(values[i])).sort();
  return 1.4826 * sizes[Math.floor(sizes.length / 2)];
}
