import type { Point } from "../labels/recist.ts";
import type { Slice } from "./volume.ts";

/**
 * Resampling by half-pixel centres: pixel i covers [i − ½, i + ½], and an area of the source is cut into equal target
 * pixels whose centres are looked up in the source. Beyond the edge the nearest pixel is repeated. Nothing is smoothed
 * before shrinking.
 */

/** Bilinear, `[y, x]` → `[height, width]`; equals `cv2.resize(…, INTER_LINEAR)` on float32. */
export function resize(slice: Slice<ArrayLike<number>>, width: number, height: number): Slice<Float32Array> {
  return linear(slice, centresOf(middle(slice.width), slice.width, width), centresOf(middle(slice.height), slice.height, height));
}

/**
 * Bicubic, `[y, x]` → `[height, width]`: cubic convolution (Keys 1981) with a = −¾, which overshoots at edges; equals
 * `cv2.resize(…, INTER_CUBIC)` on float32.
 */
export function resizeCubic(slice: Slice<ArrayLike<number>>, width: number, height: number): Slice<Float32Array> {
  const columns = cubicTaps(centresOf(middle(slice.width), slice.width, width), slice.width);
  const rows = cubicTaps(centresOf(middle(slice.height), slice.height, height), slice.height);
  return weighted(slice, columns, rows);
}

/**
 * Bicubic as photographs are made smaller: Keys's kernel with a = −½, as wide as a target pixel where sizes shrink, so that
 * nothing aliases; weights beyond the edge are shared out among those within. `[y, x]` → `[height, width]`; equals
 * Pillow's `resize(…, BICUBIC)` on float32. MATLAB's `imresize` differs near the edges alone.
 */
export function resizeAntialiased(slice: Slice<ArrayLike<number>>, width: number, height: number): Slice<Float32Array> {
  return weighted(slice, antialiasedTaps(slice.width, width), antialiasedTaps(slice.height, height));
}

/**
 * Every target pixel is the mean of the area that it covers: the share of a 0/1 mask in each pixel of a coarser grid.
 * Where sizes shrink it equals `cv2.resize(…, INTER_AREA)` on float32.
 */
export function resizeArea(slice: Slice<ArrayLike<number>>, width: number, height: number): Slice<Float32Array> {
  return weighted(slice, areaTaps(slice.width, width), areaTaps(slice.height, height));
}

/** The square of `sidePx` source pixels around `centre` (x, y), which may reach beyond the slice, as n × n pixels; bilinear. */
export function resampleSquare(slice: Slice<ArrayLike<number>>, centre: Point, sidePx: number, n: number): Slice<Float32Array> {
  return linear(slice, centresOf(centre[0], sidePx, n), centresOf(centre[1], sidePx, n));
}

/** As `resampleSquare`, for labels: nearest neighbour. */
export function resampleSquareLabels(labels: Slice<Uint8Array>, centre: Point, sidePx: number, n: number): Slice<Uint8Array> {
  return nearest(labels, centresOf(centre[0], sidePx, n), centresOf(centre[1], sidePx, n));
}

/** Middle of a whole row of pixels. */
function middle(size: number): number {
  return (size - 1) / 2;
}

/** Centres, in source pixels, of n equal parts of the `side` pixels around `centre`. */
function centresOf(centre: number, side: number, n: number): Float64Array {
  if (!(side > 0) || !Number.isInteger(n) || n < 1) throw new RangeError(`cannot cut ${side} pixels into ${n}`);
  return Float64Array.from({ length: n }, (_, i) => centre - side / 2 + ((i + 0.5) * side) / n);
}

/** Values at every pair of `xs` and `ys` (source pixels), interpolated linearly along both. */
function linear(source: Slice<ArrayLike<number>>, xs: Float64Array, ys: Float64Array): Slice<Float32Array> {
  const columns = neighbours(xs, source.width);
  const rows = neighbours(ys, source.height);
  const data = new Float32Array(xs.length * ys.length);
  for (let j = 0; j < ys.length; j++) {
    const upper = rows.before[j] * source.width;
    const lower = rows.after[j] * source.width;
    for (let i = 0; i < xs.length; i++) {
      const [left, right, share] = [columns.before[i], columns.after[i], columns.share[i]];
      const above = source.data[upper + left] * (1 - share) + source.data[upper + right] * share;
      const below = source.data[lower + left] * (1 - share) + source.data[lower + right] * share;
      data[j * xs.length + i] = above * (1 - rows.share[j]) + below * rows.share[j];
    }
  }
  return { data, width: xs.length, height: ys.length };
}

/** The two pixels around each position, clamped to the row, and the second one's share. */
function neighbours(positions: Float64Array, size: number): { before: Int32Array; after: Int32Array; share: Float64Array } {
  const clamp = (index: number): number => Math.min(Math.max(index, 0), size - 1);
  return {
    before: Int32Array.from(positions, (at) => clamp(Math.floor(at))),
    after: Int32Array.from(positions, (at) => clamp(Math.floor(at) + 1)),
    share: positions.map((at) => at - Math.floor(at)),
  };
}

/** The source pixels that each target pixel is a weighted sum of, `[n, reach]`. */
interface Taps {
  readonly reach: number;
  readonly index: Int32Array;
  readonly weight: Float64Array;
}

/** a of Keys's kernel as in OpenCV, and as Keys recommends. */
const OPENCV_KEYS = -0.75;
const KEYS = -0.5;

function cubicTaps(positions: Float64Array, size: number): Taps {
  const taps: Taps = { reach: 4, index: new Int32Array(4 * positions.length), weight: new Float64Array(4 * positions.length) };
  for (let i = 0; i < positions.length; i++) {
    const first = Math.floor(positions[i]) - 1;
    for (let k = 0; k < 4; k++) {
      taps.index[4 * i + k] = Math.min(Math.max(first + k, 0), size - 1);
      taps.weight[4 * i + k] = keysKernel(Math.abs(positions[i] - (first + k)), OPENCV_KEYS);
    }
  }
  return taps;
}

function antialiasedTaps(size: number, n: number): Taps {
  const centres = centresOf(middle(size), size, n);
  const side = Math.max(1, size / n);
  const reach = 2 * Math.ceil(2 * side) + 1;
  const taps: Taps = { reach, index: new Int32Array(reach * n), weight: new Float64Array(reach * n) };
  for (let i = 0; i < n; i++) {
    const first = Math.ceil(centres[i] - 2 * side);
    let total = 0;
    for (let k = 0; k < reach; k++) {
      const at = first + k;
      const weight = at < 0 || at >= size ? 0 : keysKernel(Math.abs(centres[i] - at) / side, KEYS);
      taps.index[reach * i + k] = Math.min(Math.max(at, 0), size - 1);
      taps.weight[reach * i + k] = weight;
      total += weight;
    }
    for (let k = 0; k < reach; k++) taps.weight[reach * i + k] /= total;
  }
  return taps;
}

function keysKernel(distance: number, a: number): number {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? a * (((distance - 5) * distance + 8) * distance - 4) : 0;
}

function areaTaps(size: number, n: number): Taps {
  const side = size / n;
  const reach = Math.ceil(side) + 1;
  const taps: Taps = { reach, index: new Int32Array(reach * n), weight: new Float64Array(reach * n) };
  for (let i = 0; i < n; i++) {
    const first = Math.floor(i * side);
    for (let k = 0; k < reach; k++) {
      const covered = Math.min((i + 1) * side, first + k + 1) - Math.max(i * side, first + k);
      taps.index[reach * i + k] = Math.min(first + k, size - 1);
      taps.weight[reach * i + k] = Math.max(0, covered) / side;
    }
  }
  return taps;
}

/** Weighted sums along the rows, then along the columns. */
function weighted(source: Slice<ArrayLike<number>>, columns: Taps, rows: Taps): Slice<Float32Array> {
  const width = columns.index.length / columns.reach;
  const height = rows.index.length / rows.reach;
  const across = new Float64Array(width * source.height);
  for (let y = 0; y < source.height; y++) {
    for (let i = 0, c = 0; i < width; i++) {
      let sum = 0;
      for (let k = 0; k < columns.reach; k++, c++) sum += columns.weight[c] * source.data[y * source.width + columns.index[c]];
      across[y * width + i] = sum;
    }
  }
  const data = new Float32Array(width * height);
  for (let j = 0; j < height; j++) {
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let k = 0, r = j * rows.reach; k < rows.reach; k++, r++) sum += rows.weight[r] * across[rows.index[r] * width + i];
      data[j * width + i] = sum;
    }
  }
  return { data, width, height };
}

function nearest(source: Slice<Uint8Array>, xs: Float64Array, ys: Float64Array): Slice<Uint8Array> {
  const index = (at: number, size: number): number => Math.min(Math.max(Math.floor(at + 0.5), 0), size - 1);
  const columns = Int32Array.from(xs, (x) => index(x, source.width));
  const data = new Uint8Array(xs.length * ys.length);
  for (let j = 0; j < ys.length; j++) {
    const row = index(ys[j], source.height) * source.width;
    for (let i = 0; i < xs.length; i++) data[j * xs.length + i] = source.data[row + columns[i]];
  }
  return { data, width: xs.length, height: ys.length };
}
