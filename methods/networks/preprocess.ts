import { z } from "zod";
import type { Box, HuWindow, Slice, Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { lengthMm, type RecistMarks } from "../labels/recist.ts";
import type { LabelMap } from "../labels/trimap.ts";
import { cropSquare, labelsOn, onSlice, resampled, type Square, scaledSquare } from "./cropSquare.ts";
import { coreMedianHu, isMarked, radiusOf, relativeUnitHu, type UnmarkedRegion } from "./lesionRegion.ts";
import { type NetworkSpec, planesSchema } from "./spec.ts";

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

/** A lesion looked at as a whole: planes at equal distances, the middle one on the RECIST slice. */
export const stackSchema = z.strictObject({
  planes: planesSchema,
  /** Distance of the outermost planes from the middle one, in long diameters. */
  reach: z.number().min(0.25).max(3).default(0.9),
});
export type StackOptions = z.infer<typeof stackSchema>;

export const preprocessingSchema = z.strictObject({
  crop: z
    .strictObject({
      /** Side of the square crop in units of the long diameter (READINGS 4: 2). */
      factor: z.number().min(1).max(10).default(2),
      /**
       * `native`: pixels as they are, padded to a multiple of 16; a number: resampled to that many pixels across;
       * `longAxisPx`: at the lesion's zoom, 2 to 5, that brings the long diameter to so many pixels, padded likewise.
       */
      size: z
        .union([z.literal("native"), z.int().min(8).max(1024), z.strictObject({ longAxisPx: z.int().min(8).max(512) })])
        .default("native"),
    })
    .prefault({}),
  channels: z.array(z.enum(channelNames)).min(1).default(["window"]),
  /** Instead of a slice, a stack of planes through the whole lesion; "slice" in what channels show means plane then. */
  stack: stackSchema.optional(),
  /** (value − mean) / sd of `window`, `denoised` and `enhanced` channels, whose values are in [0, 1]; the default gives [−1, 1]. */
  normalisation: z.strictObject({ mean: z.number().default(0.5), sd: z.number().positive().default(0.5) }).prefault({}),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** @throws InputError where preprocessing makes another number of channels or planes than the network looks at. */
export function requireMatchingInput({ channels, planes }: NetworkSpec, made: Preprocessing, where?: string): void {
  const remedy = "make them equal";
  if (channels !== made.channels.length)
    throw new InputError(
      `the network has ${channels} input channels, preprocessing makes ${made.channels.length}`,
      where,
      remedy,
    );
  if (planes !== made.stack?.planes)
    throw new InputError(
      `the network looks at ${planes ?? "no"} planes, preprocessing makes ${made.stack?.planes ?? "none"}`,
      where,
      remedy,
    );
}

/** Slices made from slice z by other methods, in [0, 1] of the display window, on the slice's grid or a finer one. */
export interface DerivedSlices {
  /** The part of the slice that they show; default: all of it. Where the crop reaches beyond it, its edge is repeated. */
  readonly box?: Box;
  readonly denoised?: Slice;
  readonly enhanced?: Slice;
}

/** Relative channels are clipped here. */
export const RELATIVE_LIMIT = 2;
/** Semi-axis of the ellipsoid in z, as a share of the long diameter. */
export const ELLIPSOID_Z_SHARE = 0.45;
/** Least value of the marks channels 1 − r. */
export const MARKS_FLOOR = -1.5;

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
  const unitHu = relativeUnitHu(window);

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
      const { x0, y0, x1, y1 } = derived.box ?? { x0: 0, y0: 0, x1: width, y1: height };
      const inBox = { ...square, left: square.left - x0, top: square.top - y0 };
      return resampled(
        slice.width,
        slice.height,
        (i) => normalised(slice.data[i]),
        scaledSquare(inBox, slice.width / (x1 - x0), slice.height / (y1 - y0)),
      );
    }
    if (name === "ellipse" || name === "ellipsoid" || name === "distance") return marksChannel(name, image, z, region, square);
    const [kind, offset] = name.split(/(?=[-+@])/);
    const slice = offset === "@key" ? region.slice : z + Number(offset ?? 0);
    return kind === "window"
      ? fromVolume(slice, (hu) => normalised(displayed(hu)))
      : fromVolume(slice, (hu) => Math.min(Math.max((hu - core) / unitHu, -RELATIVE_LIMIT), RELATIVE_LIMIT));
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

/** Whether a network sees where the marks are. */
export function showsMarks({ preprocessing }: { readonly preprocessing: Pick<Preprocessing, "channels"> }): boolean {
  return !preprocessing.channels.every(isImageChannel);
}

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
      values[y * size + x] = Math.min(Math.max(1 - r, MARKS_FLOOR), 1);
    }
  }
  return values;
}
