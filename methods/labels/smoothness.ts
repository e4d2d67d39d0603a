import type { Slice } from "../imaging/volume.ts";

/** γ: weight of the smoothness term. */
const SMOOTHNESS = 50;
/** Diagonal neighbours are √2 apart; OpenCV takes the root in single precision. */
const DIAGONAL = Math.fround(Math.SQRT2);
const LEVELS = 256;

/** No sum of a pixel's eight edges reaches it (λ in OpenCV). */
export const BINDING = 9 * SMOOTHNESS;

/** γ exp(−β ‖z_p − z_q‖²) / |p − q| by |z_p − z_q| in grey levels, for neighbours in a row or column and diagonal ones. */
export interface Smoothness {
  readonly straight: Float64Array;
  readonly diagonal: Float64Array;
}

/** The smoothness term of a picture, with β = 1 / (2 · mean ‖z_p − z_q‖²); a level stands for three equal channels. */
export function smoothnessOf(image: Slice<Uint8Array>): Smoothness {
  const contrast = meanContrast(image);
  const beta = contrast === 0 ? 0 : 1 / (2 * contrast);
  const straight = new Float64Array(LEVELS);
  const diagonal = new Float64Array(LEVELS);
  for (let step = 0; step < LEVELS; step++) {
    const similarity = Math.exp(-beta * 3 * step * step);
    straight[step] = SMOOTHNESS * similarity;
    diagonal[step] = (SMOOTHNESS / DIAGONAL) * similarity;
  }
  return { straight, diagonal };
}

/** Mean of ‖z_p − z_q‖² over the pairs of neighbours, with three channels a pixel. */
function meanContrast({ data, width, height }: Slice<Uint8Array>): number {
  let sum = 0;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (x > 0) sum += (data[p] - data[p - 1]) ** 2;
      if (y === 0) continue;
      sum += (data[p] - data[p - width]) ** 2;
      if (x > 0) sum += (data[p] - data[p - width - 1]) ** 2;
      if (x < width - 1) sum += (data[p] - data[p - width + 1]) ** 2;
    }
  }
  const pairs = 4 * width * height - 3 * width - 3 * height + 2;
  return (3 * sum) / pairs;
}
