import type { Slice } from "../imaging/volume.ts";
import type { RecistMarks } from "../labels/recist.ts";
import { IGNORED, type LabelMap } from "../labels/trimap.ts";
import { zoomOfDiameter } from "../labels/zoom.ts";
import { centreAndLength, type UnmarkedRegion } from "./lesionRegion.ts";

/** Side of the crop in long diameters, and its pixels across. */
export interface CropOptions {
  readonly factor: number;
  readonly size: "native" | number | { readonly longAxisPx: number };
}

/** A square of `size` × `size` input pixels over part of a slice; slice pixel = `left` + (input pixel + ½) · `stepX` − ½. */
export interface Square {
  readonly size: number;
  /** Edges in slice pixels; pixel i covers [i, i + 1] here. */
  readonly left: number;
  readonly top: number;
  /** Slice pixels per input pixel. */
  readonly stepX: number;
  readonly stepY: number;
  /** Input pixels (from, to) of each axis that belong to the crop; the rest is padding. */
  readonly from: number;
  readonly to: number;
}

/** Resolves ties the same way along a whole row; otherwise rounding would repeat or skip a pixel somewhere. */
const TIE_PX = 1e-6;
/** Sizes are a multiple of this where pixels keep their size. */
const PADDING_MULTIPLE = 16;

/**
 * The square of side `factor` × length around the region's centre. `native` keeps the pixels and pads to a multiple of 16;
 * `longAxisPx` does so with pixels that are as fine as the lesion's zoom asks for.
 */
export function cropSquare(region: RecistMarks | UnmarkedRegion, { factor, size }: CropOptions): Square {
  const { centre, lengthPx } = centreAndLength(region);
  const side = Math.max(1, factor * lengthPx);
  if (typeof size === "object") {
    const zoom = zoomOfDiameter(Math.max(1, lengthPx), size.longAxisPx);
    const across = Math.ceil(side * zoom - TIE_PX);
    const padded = Math.ceil(across / PADDING_MULTIPLE) * PADDING_MULTIPLE;
    const from = Math.floor((padded - across) / 2);
    const edge = (c: number): number => c + 0.5 - (from + across / 2) / zoom;
    const step = 1 / zoom;
    return { size: padded, left: edge(centre[0]), top: edge(centre[1]), stepX: step, stepY: step, from, to: from + across };
  }
  if (size !== "native")
    return {
      size,
      left: centre[0] + 0.5 - side / 2,
      top: centre[1] + 0.5 - side / 2,
      stepX: side / size,
      stepY: side / size,
      from: 0,
      to: size,
    };
  const across = Math.ceil(side);
  const padded = Math.ceil(across / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  const from = Math.floor((padded - across) / 2);
  const first = (c: number): number => Math.round(c - (across - 1) / 2) - from;
  return { size: padded, left: first(centre[0]), top: first(centre[1]), stepX: 1, stepY: 1, from, to: from + across };
}

/** The same square on a slice that is `x`, `y` times finer. */
export function scaledSquare(square: Square, x: number, y: number): Square {
  return { ...square, left: square.left * x, top: square.top * y, stepX: square.stepX * x, stepY: square.stepY * y };
}

/** Weights of slice pixels, first `start`, that make up one input pixel. */
export interface Taps {
  readonly start: number;
  readonly weights: Float64Array;
}

/** Linear interpolation along one axis; where it shrinks, the triangle widens to the step, so that nothing aliases. */
export function tapsAlong(size: number, edge: number, step: number): Taps[] {
  const reach = Math.max(1, step);
  return Array.from({ length: size }, (_, i) => {
    const at = edge + (i + 0.5) * step - 0.5;
    const start = Math.ceil(at - reach);
    const weights = Float64Array.from({ length: Math.floor(at + reach) - start + 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(start + k - at) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { start, weights: weights.map((weight) => weight / sum) };
  });
}

/** `[size, size]` values of a slice, edges repeated; `value(i)` is slice pixel i. */
export function resampled(
  width: number,
  height: number,
  value: (index: number) => number,
  { size, left, top, stepX, stepY }: Square,
): Float32Array {
  const columns = tapsAlong(size, left, stepX);
  const rows = tapsAlong(size, top, stepY);
  const firstRow = rows[0].start;
  const last = rows[size - 1];
  const rowCount = last.start + last.weights.length - firstRow;
  const clamp = (i: number, n: number): number => Math.min(Math.max(i, 0), n - 1);
  const across = new Float64Array(rowCount * size);
  for (let r = 0; r < rowCount; r++) {
    const rowStart = clamp(firstRow + r, height) * width;
    for (let x = 0; x < size; x++) {
      const { start, weights } = columns[x];
      let sum = 0;
      for (let k = 0; k < weights.length; k++)
        if (weights[k] !== 0) sum += weights[k] * value(rowStart + clamp(start + k, width));
      across[r * size + x] = sum;
    }
  }
  const result = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    const { start, weights } = rows[y];
    for (let x = 0; x < size; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * across[(start - firstRow + k) * size + x];
      result[y * size + x] = sum;
    }
  }
  return result;
}

export function labelsOn({ size, left, top, stepX, stepY, from, to }: Square, map: LabelMap): Uint8Array {
  const labels = new Uint8Array(size * size).fill(IGNORED);
  for (let y = from; y < to; y++) {
    const row = Math.floor(top + (y + 0.5) * stepY + TIE_PX);
    if (row < 0 || row >= map.height) continue;
    for (let x = from; x < to; x++) {
      const column = Math.floor(left + (x + 0.5) * stepX + TIE_PX);
      if (column >= 0 && column < map.width) labels[y * size + x] = map.data[row * map.width + column];
    }
  }
  return labels;
}

export function onSlice(
  { size, left, top, stepX, stepY, from, to }: Square,
  probability: Float32Array,
  width: number,
  height: number,
): Slice<Float32Array> {
  const data = new Float32Array(width * height);
  const clamp = (i: number): number => Math.min(Math.max(i, 0), size - 1);
  for (let row = Math.max(0, Math.floor(top)); row < height; row++) {
    const y = (row + 0.5 - top) / stepY;
    if (y < from) continue;
    if (y >= to) break;
    for (let column = Math.max(0, Math.floor(left)); column < width; column++) {
      const x = (column + 0.5 - left) / stepX;
      if (x < from) continue;
      if (x >= to) break;
      const [x0, y0] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
      const [fx, fy] = [x - 0.5 - x0, y - 0.5 - y0];
      const at = (i: number, j: number): number => probability[clamp(j) * size + clamp(i)];
      data[row * width + column] =
        (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x0 + 1, y0)) + fy * ((1 - fx) * at(x0, y0 + 1) + fx * at(x0 + 1, y0 + 1));
    }
  }
  return { data, width, height };
}
