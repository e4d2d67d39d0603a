import { z } from "zod";
import type { HuWindow, Slice, Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { lengthMm, type Point, type RecistMarks } from "../labels/recist.ts";
import { IGNORED, type LabelMap } from "../labels/trimap.ts";

/**
 * What a channel of the network's input shows. `-1`, `+1`: the neighbouring slice (the last one again at the end of the
 * stack); `@key`: the RECIST slice.
 * - `window`: the display window, black 0 to white 1, then normalised. `denoised`, `enhanced`: the same of a processed slice.
 * - `relative`: HU above the median of the lesion's core, in units of 70 HU (200 HU in windows wider than 1000 HU), clipped to ±2.
 * - `ellipse`: 1 − r with r the radius in the ellipse of the marks (1 on it), clipped to [−1.5, 1]; `ellipsoid`: the same in 3D.
 * - `distance`: |Δz| from the RECIST slice as a share of half the long diameter.
 * Marks channels are 0 where there are no marks.
 */
export const channelNames = [
  "window",
  "window-1",
  "window+1",
  "window@key",
  "relative",
  "relative-1",
  "relative+1",
  "relative@key",
  "ellipse",
  "ellipsoid",
  "distance",
  "denoised",
  "enhanced",
] as const;
export type ChannelName = (typeof channelNames)[number];

export const preprocessingSchema = z.strictObject({
  crop: z
    .strictObject({
      /** Side of the square crop in units of the long diameter (READINGS 4: 2). */
      factor: z.number().min(1).max(10).default(2),
      /** `native`: pixels as they are, padded to a multiple of 16; a number: resampled to that many pixels across. */
      size: z.union([z.literal("native"), z.int().min(8).max(1024)]).default("native"),
    })
    .prefault({}),
  channels: z.array(z.enum(channelNames)).min(1).default(["window"]),
  /** (value − mean) / sd of `window`, `denoised` and `enhanced` channels, whose values are in [0, 1]; the default gives [−1, 1]. */
  normalisation: z.strictObject({ mean: z.number().default(0.5), sd: z.number().positive().default(0.5) }).prefault({}),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** A place to look at without marks: centre on slice `slice`, and about how long the lesion is, in pixels. */
export interface UnmarkedRegion {
  readonly slice: number;
  readonly centre: Point;
  readonly lengthPx: number;
}

/** Slices made from slice z by other methods, in [0, 1] of the display window, on the slice's grid or a finer one. */
export interface DerivedSlices {
  readonly denoised?: Slice;
  readonly enhanced?: Slice;
}

/** A square network input, and the way back to the slice. */
export interface NetworkInput {
  /** `[size, size, channels]`. */
  readonly pixels: Float32Array;
  readonly size: number;
  /** A label map of the whole slice on the input's grid (nearest neighbour); 255 outside the image and in the padding. */
  labels(map: LabelMap): Uint8Array;
  /** A prediction `[size, size]` on the whole slice's grid (bilinear where resampled); 0 outside the crop. */
  toSlice(probability: Float32Array): Slice<Float32Array>;
}

/** Sizes are a multiple of this where pixels keep their size. */
const PADDING_MULTIPLE = 16;

/**
 * Cuts the network's input out of slice `z`: a square of side `factor` × long diameter around the centre of the marks'
 * bounding box. Outside the image, the image's edge is repeated.
 *
 * @param region the marks of the lesion (on their own slice), or a region without marks.
 * @throws InputError when a channel needs a derived slice that is not given, or the slice does not exist.
 */
export function networkInput(
  image: Volume,
  z: number,
  region: RecistMarks | UnmarkedRegion,
  window: HuWindow,
  { crop, channels, normalisation }: Preprocessing,
  derived: DerivedSlices = {},
): NetworkInput {
  const [width, height, depth] = image.dims;
  if (!Number.isInteger(z) || z < 0 || z >= depth) throw new InputError(`slice ${z} is outside the volume's ${depth} slices`);
  const square = cropSquare(region, crop);
  const { size } = square;
  const pixels = new Float32Array(size * size * channels.length);
  const displayed = (hu: number): number => Math.min(Math.max((hu - window.low) / (window.high - window.low), 0), 1);
  const normalised = (value: number): number => (value - normalisation.mean) / normalisation.sd;
  const core = channels.some((name) => name.startsWith("relative")) ? coreMedianHu(image, region, window) : 0;
  const unitHu = window.high - window.low > WIDE_WINDOW_HU ? RELATIVE_UNIT_WIDE_HU : RELATIVE_UNIT_HU;

  const fromVolume = (slice: number, value: (hu: number) => number): Float32Array => {
    const start = Math.min(Math.max(slice, 0), depth - 1) * width * height;
    return resampled(width, height, (i) => value(image.data[start + i]), square);
  };
  const channel = (name: ChannelName): Float32Array => {
    if (name === "denoised" || name === "enhanced") {
      const slice = derived[name];
      if (slice === undefined)
        throw new InputError(
          `channel ${name} needs the ${name} slice`,
          "preprocessing.channels",
          "give it, or leave the channel out",
        );
      return resampled(
        slice.width,
        slice.height,
        (i) => normalised(slice.data[i]),
        scaledSquare(square, slice.width / width, slice.height / height),
      );
    }
    if (name === "ellipse" || name === "ellipsoid" || name === "distance") return marksChannel(name, image, z, region, square);
    const [kind, offset] = name.split(/(?=[-+@])/);
    const slice = offset === "@key" ? region.slice : z + Number(offset ?? 0);
    return kind === "window"
      ? fromVolume(slice, (hu) => normalised(displayed(hu)))
      : fromVolume(slice, (hu) => Math.min(Math.max((hu - core) / unitHu, -2), 2));
  };
  channels.forEach((name, c) => {
    const values = channel(name);
    for (let i = 0; i < values.length; i++) pixels[i * channels.length + c] = values[i];
  });
  return {
    pixels,
    size,
    labels: (map) => labelsOn(square, map),
    toSlice: (probability) => onSlice(square, probability, width, height),
  };
}

/** Names of the channels that show image intensities (the others show where the marks are). */
export function isImageChannel(name: ChannelName): boolean {
  return name !== "ellipse" && name !== "ellipsoid" && name !== "distance";
}

function isMarked(region: RecistMarks | UnmarkedRegion): region is RecistMarks {
  return "long" in region;
}

/** A square of `size` × `size` input pixels over part of a slice; slice pixel = `left` + (input pixel + ½) · `stepX` − ½. */
interface Square {
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

function cropSquare(region: RecistMarks | UnmarkedRegion, { factor, size }: Preprocessing["crop"]): Square {
  let centre: Point;
  let lengthPx: number;
  if (isMarked(region)) {
    const points = [...region.long, ...region.short];
    const middle = (axis: 0 | 1): number =>
      (Math.min(...points.map((p) => p[axis])) + Math.max(...points.map((p) => p[axis]))) / 2;
    centre = [middle(0), middle(1)];
    lengthPx = lengthMm(region.long, [1, 1, 1]);
  } else ({ centre, lengthPx } = region);
  const side = Math.max(1, factor * lengthPx);
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
function scaledSquare(square: Square, x: number, y: number): Square {
  return { ...square, left: square.left * x, top: square.top * y, stepX: square.stepX * x, stepY: square.stepY * y };
}

/** Weights of slice pixels, first `start`, that make up one input pixel. */
interface Taps {
  readonly start: number;
  readonly weights: Float64Array;
}

/** Linear interpolation along one axis; where it shrinks, the triangle widens to the step, so that nothing aliases. */
function tapsAlong(size: number, edge: number, step: number): Taps[] {
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
function resampled(
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

/** Resolves ties the same way along a whole row; otherwise rounding would repeat or skip a pixel somewhere. */
const TIE_PX = 1e-6;

function labelsOn({ size, left, top, stepX, stepY, from, to }: Square, map: LabelMap): Uint8Array {
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

function onSlice(
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

const RELATIVE_UNIT_HU = 70;
const RELATIVE_UNIT_WIDE_HU = 200;
const WIDE_WINDOW_HU = 1000;
/** The core is where r < ½; bone and contrast near the top of the window do not belong to it. */
const CORE_RADIUS = 0.5;
const CORE_WINDOW_SHARE = 0.9;
const CORE_LEAST_SHARE = 0.25;

/** Median HU of the lesion's core on the RECIST slice (the middle disc where there are no marks). */
function coreMedianHu(image: Volume, region: RecistMarks | UnmarkedRegion, window: HuWindow): number {
  const [width, height, depth] = image.dims;
  const slice = Math.min(Math.max(region.slice, 0), depth - 1);
  const radius = radiusOf(region);
  const reach = isMarked(region)
    ? [...region.long, ...region.short]
    : [
        [region.centre[0] - region.lengthPx, region.centre[1] - region.lengthPx],
        [region.centre[0] + region.lengthPx, region.centre[1] + region.lengthPx],
      ];
  const range = (axis: 0 | 1, n: number): [number, number] => {
    const values = reach.map((p) => p[axis]);
    return [Math.max(0, Math.floor(Math.min(...values))), Math.min(n - 1, Math.ceil(Math.max(...values)))];
  };
  const [x0, x1] = range(0, width);
  const [y0, y1] = range(1, height);
  const all: number[] = [];
  for (let y = y0; y <= y1; y++)
    for (let x = x0; x <= x1; x++) if (radius(x, y) < CORE_RADIUS) all.push(image.data[(slice * height + y) * width + x]);
  if (all.length === 0) return (window.low + window.high) / 2;
  const ceiling = window.low + CORE_WINDOW_SHARE * (window.high - window.low);
  const soft = all.filter((hu) => hu < ceiling);
  const core = (soft.length >= CORE_LEAST_SHARE * all.length ? soft : all).sort((a, b) => a - b);
  return (core[(core.length - 1) >> 1] + core[core.length >> 1]) / 2;
}

/** Semi-axis of the ellipsoid in z, as a share of the long diameter. */
const ELLIPSOID_Z_SHARE = 0.45;

function marksChannel(
  name: "ellipse" | "ellipsoid" | "distance",
  image: Volume,
  z: number,
  region: RecistMarks | UnmarkedRegion,
  { size, left, top, stepX, stepY }: Square,
): Float32Array {
  const values = new Float32Array(size * size);
  if (!isMarked(region)) return values;
  const dzMm = (z - region.slice) * image.spacingMm[2];
  const longMm = Math.max(lengthMm(region.long, image.spacingMm), image.spacingMm[0]);
  if (name === "distance") return values.fill(Math.abs(dzMm) / (longMm / 2));
  const radius = radiusOf(region);
  const depth = name === "ellipsoid" ? dzMm / (ELLIPSOID_Z_SHARE * longMm) : 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const r = Math.hypot(radius(left + (x + 0.5) * stepX - 0.5, top + (y + 0.5) * stepY - 0.5), depth);
      values[y * size + x] = Math.min(Math.max(1 - r, -1.5), 1);
    }
  }
  return values;
}

/** Half a pixel: no semi-axis is shorter. */
const LEAST_SEMI_AXIS_PX = 0.5;

/**
 * Radius of a pixel in the figure made of four quarter ellipses that meet at the ends of the marks: 0 where the axes
 * cross, 1 on the outline. Without marks, in the circle of half the length.
 */
function radiusOf(region: RecistMarks | UnmarkedRegion): (x: number, y: number) => number {
  if (!isMarked(region)) {
    const [cx, cy] = region.centre;
    return (x, y) => Math.hypot(x - cx, y - cy) / Math.max(region.lengthPx / 2, LEAST_SEMI_AXIS_PX);
  }
  const [p, q] = region.long;
  const [s, t] = region.short;
  const long = [q[0] - p[0], q[1] - p[1]];
  const length = Math.max(Math.hypot(long[0], long[1]), 2 * LEAST_SEMI_AXIS_PX);
  const u = [long[0] / length, long[1] / length];
  const shortLength = Math.hypot(t[0] - s[0], t[1] - s[1]);
  let v = shortLength > 0 ? [(t[0] - s[0]) / shortLength, (t[1] - s[1]) / shortLength] : [-u[1], u[0]];
  let cross = u[0] * v[1] - u[1] * v[0];
  if (Math.abs(cross) < 0.1) {
    v = [-u[1], u[0]]; // Nearly parallel marks span no ellipse: across the long axis instead.
    cross = 1;
  }
  /** Coordinates along u and v of a point, from p. */
  const along = (x: number, y: number): [number, number] => {
    const [dx, dy] = [x - p[0], y - p[1]];
    return [(dx * v[1] - dy * v[0]) / cross, (u[0] * dy - u[1] * dx) / cross];
  };
  const ends = [along(s[0], s[1]), along(t[0], t[1])];
  const centreU = Math.min(Math.max((ends[0][0] + ends[1][0]) / 2, 0), length);
  const least = (value: number): number => Math.max(value, LEAST_SEMI_AXIS_PX);
  const [before, after] = [least(centreU), least(length - centreU)];
  const [below, above] = [least(-Math.min(ends[0][1], ends[1][1])), least(Math.max(ends[0][1], ends[1][1]))];
  return (x, y) => {
    const [a, b] = along(x, y);
    const du = a - centreU;
    return Math.hypot(du / (du < 0 ? before : after), b / (b < 0 ? below : above));
  };
}
