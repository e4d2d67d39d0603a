import type { Slice } from "../imaging/volume.ts";

/** How near a picture comes to the true one. */
export interface ImageQuality {
  /** 10 · log₁₀(peak² / MSE) in dB; null where the two are equal, which no number expresses. */
  readonly psnr: number | null;
  /** Mean structural similarity, −1 … 1. */
  readonly ssim: number;
}

export function imageQuality(picture: Slice, truth: Slice, peak = 1): ImageQuality {
  return { psnr: psnr(picture, truth, peak), ssim: ssim(picture, truth, peak) };
}

/** Peak signal-to-noise ratio in dB; null where the two pictures are equal. @throws RangeError where they differ in size. */
export function psnr(picture: Slice, truth: Slice, peak = 1): number | null {
  checkSizes(picture, truth);
  let sum = 0;
  for (let p = 0; p < truth.data.length; p++) sum += (picture.data[p] - truth.data[p]) ** 2;
  return sum === 0 ? null : 10 * Math.log10((peak * peak * truth.data.length) / sum);
}

/** Wang et al. 2004: window of 11 × 11 pixels, Gaussian with σ = 1.5; K₁, K₂. */
const WINDOW_RADIUS_PX = 5;
const WINDOW_SIGMA_PX = 1.5;
const K1 = 0.01;
const K2 = 0.03;

/**
 * Mean structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004) over all places at which the window lies inside the
 * picture.
 *
 * @param peak the range of grey values.
 * @throws RangeError where the pictures differ in size or are smaller than the window.
 */
export function ssim(picture: Slice, truth: Slice, peak = 1): number {
  checkSizes(picture, truth);
  const { width, height } = truth;
  const side = 2 * WINDOW_RADIUS_PX + 1;
  if (width < side || height < side)
    throw new RangeError(`structural similarity needs pictures of at least ${side} × ${side} pixels, not ${width} × ${height}`);
  const [x, y] = [Float64Array.from(picture.data), Float64Array.from(truth.data)];
  const mean = (value: (p: number) => number): Float64Array => windowMeans(width, height, value);
  const mx = mean((p) => x[p]);
  const my = mean((p) => y[p]);
  const xx = mean((p) => x[p] * x[p]);
  const yy = mean((p) => y[p] * y[p]);
  const xy = mean((p) => x[p] * y[p]);
  const [c1, c2] = [(K1 * peak) ** 2, (K2 * peak) ** 2];
  let sum = 0;
  for (let p = 0; p < mx.length; p++) {
    const [ux, uy] = [mx[p], my[p]];
    const [vx, vy, cov] = [xx[p] - ux * ux, yy[p] - uy * uy, xy[p] - ux * uy];
    sum += ((2 * ux * uy + c1) * (2 * cov + c2)) / ((ux * ux + uy * uy + c1) * (vx + vy + c2));
  }
  return sum / mx.length;
}

/** Gaussian means of `value(pixel)` at all places where the window lies inside. */
function windowMeans(width: number, height: number, value: (p: number) => number): Float64Array {
  const side = 2 * WINDOW_RADIUS_PX + 1;
  const weights = Float64Array.from({ length: side }, (_, i) => Math.exp(-0.5 * ((i - WINDOW_RADIUS_PX) / WINDOW_SIGMA_PX) ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < side; i++) weights[i] /= total;
  const columns = width - side + 1;
  const across = new Float64Array(columns * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      let sum = 0;
      for (let k = 0; k < side; k++) sum += weights[k] * value(y * width + x + k);
      across[y * columns + x] = sum;
    }
  }
  const means = new Float64Array(columns * (height - side + 1));
  for (let p = 0; p < means.length; p++) {
    let sum = 0;
    for (let k = 0; k < side; k++) sum += weights[k] * across[p + k * columns];
    means[p] = sum;
  }
  return means;
}

function checkSizes(picture: Slice, truth: Slice): void {
  if (picture.width === truth.width && picture.height === truth.height) return;
  throw new RangeError(
    `pictures of ${picture.width} × ${picture.height} and ${truth.width} × ${truth.height} pixels cannot be compared`,
  );
}
