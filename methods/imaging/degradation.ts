import type { Random } from "../random.ts";
import { blurInPlane } from "./gaussian.ts";
import { resizeAntialiased } from "./resample.ts";
import type { Slice } from "./volume.ts";

/**
 * How good pictures are made bad, to train image enhancement on the pairs (§3.4). Grey values are 0 (black) to 1 (white);
 * what comes out is not cut off there, because neither are the values of a CT slice outside its window's noise.
 */

/** White Gaussian noise of standard deviation `sigma`, given in grey levels of 255. */
export function noisy({ data, width, height }: Slice<Float32Array>, sigma: number, random: Random): Slice<Float32Array> {
  return { data: data.map((value) => value + (sigma / 255) * random.normal()), width, height };
}

/** What makes a picture low in resolution, sharpness and contrast. */
export interface Loss {
  /** Down-scale s ≥ 1. */
  readonly scale: number;
  /** Standard deviation of the smoothing, in pixels of the down-scaled picture; 0 = none. */
  readonly sigmaPx: number;
  /** Contrast compression κ ≥ 1. */
  readonly contrast: number;
}

/**
 * The four steps of §3.4, in their order: 1) down-sampling by s to ⌊side / s + ½⌋ pixels (bicubic, antialiased), 2) Gaussian
 * smoothing of the small picture, 3) contrast compression, 4) up-sampling by s to the size of before (bicubic).
 */
export function degraded(slice: Slice<Float32Array>, { scale, sigmaPx, contrast }: Loss): Slice<Float32Array> {
  const { width, height } = slice;
  const shrunk = (side: number): number => Math.max(1, Math.round(side / scale));
  const small = resizeAntialiased(slice, shrunk(width), shrunk(height));
  blurInPlane(small.data, [small.width, small.height, 1], sigmaPx, "repeated");
  return resizeAntialiased(compressed(small, contrast), width, height);
}

/** Contrast compression: the distance of every pixel from the slice's mean, divided by κ. The mean stays. */
export function compressed({ data, width, height }: Slice<Float32Array>, contrast: number): Slice<Float32Array> {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return { data: data.map((value) => mean + (value - mean) / contrast), width, height };
}
