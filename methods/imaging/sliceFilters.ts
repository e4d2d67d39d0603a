import { blurInPlane } from "./gaussian.ts";
import type { Slice } from "./volume.ts";

/** A copy blurred by a Gaussian, edges repeated. */
export function smoothed({ data, width, height }: Slice, sigmaPx: number): Slice {
  const copy = Float32Array.from(data);
  blurInPlane(copy, [width, height, 1], sigmaPx, "repeated");
  return { data: copy, width, height };
}

/** Squared length of the gradient by central differences, per pixel²; 0 on the edge of the picture. */
export function gradientEnergy({ data, width, height }: Slice): Float64Array {
  const energy = new Float64Array(data.length);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      energy[i] = ((data[i + 1] - data[i - 1]) / 2) ** 2 + ((data[i + width] - data[i - width]) / 2) ** 2;
    }
  }
  return energy;
}

/** Smallest or largest value within a square of ± `reach` pixels, one axis after the other. */
export function extremes({ data, width, height }: Slice, reach: number, choose: (a: number, b: number) => number): Float32Array {
  const along = (values: Float32Array, count: number, stride: number, lines: number, next: number): Float32Array => {
    const chosen = new Float32Array(values.length);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < count; i++) {
        let best = values[line * next + i * stride];
        for (let j = Math.max(0, i - reach); j <= Math.min(count - 1, i + reach); j++)
          best = choose(best, values[line * next + j * stride]);
        chosen[line * next + i * stride] = best;
      }
    }
    return chosen;
  };
  return along(along(data, width, 1, height, width), height, width, width, 1);
}
