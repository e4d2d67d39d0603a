import { InputError } from "../inputError.ts";
import { lengthMm, type RecistMarks } from "../labels/recist.ts";
import { IGNORED, type LabelMap } from "../labels/trimap.ts";
import { type Random, randomStream } from "../random.ts";
import type { Augmentation } from "./augment.ts";
import { drawnRegion } from "./drawnRegion.ts";
import { centreAndLength, coreMedianHu, isMarked, radiusOf, relativeUnitHu, type UnmarkedRegion } from "./lesionRegion.ts";
import { ELLIPSOID_Z_SHARE, isImageChannel, MARKS_FLOOR, type Preprocessing, RELATIVE_LIMIT } from "./preprocess.ts";
import type { TrainingLesion } from "./trainingLesion.ts";
import { stackOf, type TrainingSample } from "./trainingSet.ts";

/**
 * The input of slice `z`, cut anew out of the image with everything that `augmentation` changes: marks, window, place,
 * angle, mirror image and grey values. Pixels are interpolated once, smoothed before where the crop shrinks. With all
 * switches off it shows what `networkInput` shows.
 *
 * @throws InputError where the crop keeps the image's own pixels, or a channel needs a derived slice.
 */
export function drawnSample(
  lesion: TrainingLesion,
  z: number,
  preprocessing: Preprocessing,
  augmentation: Augmentation,
  random: Random,
): TrainingSample {
  const { size, draw } = drawing(lesion, preprocessing, augmentation, random);
  return { id: lesion.id, patient: lesion.patient, size, ...draw(z) };
}

/**
 * All planes of a lesion (`stackedLesion`), drawn as one: with the same marks, window, place and angle. Where `augmentation`
 * flips, half of the stacks are turned upside down.
 *
 * @throws InputError as `drawnSample`.
 */
export function drawnStack(
  lesion: TrainingLesion,
  preprocessing: Preprocessing,
  augmentation: Augmentation,
  random: Random,
): TrainingSample {
  const isUpsideDown = random.uniform() < 0.5 && augmentation.flip;
  const { size, draw } = drawing(lesion, preprocessing, augmentation, random);
  const planes = Array.from({ length: lesion.image.dims[2] }, (_, plane) => draw(plane));
  if (isUpsideDown) planes.reverse();
  return { id: lesion.id, patient: lesion.patient, size, ...stackOf(planes) };
}

/** One draw of everything that `augmentation` changes, from which the input of any slice is cut. */
function drawing(
  lesion: TrainingLesion,
  { crop, channels, normalisation }: Preprocessing,
  augmentation: Augmentation,
  random: Random,
): { readonly size: number; readonly draw: (z: number) => Pick<TrainingSample, "pixels" | "labels"> } {
  const { size, factor } = crop;
  if (typeof size !== "number")
    throw new InputError(
      "crops whose pixels follow from the image or the lesion cannot be turned",
      "preprocessing.crop.size",
      "give a side in pixels",
    );
  const { image } = lesion;
  const depth = image.dims[2];
  const region = drawnRegion(lesion.marks, augmentation.marks, random);
  const shiftOf = (): number => augmentation.window * random.normal() * (lesion.window.high - lesion.window.low);
  const window = { low: lesion.window.low + shiftOf(), high: lesion.window.high + shiftOf() };
  const place = placement(region, factor, size, augmentation, random);
  const gain = 1 + random.between(-1, 1) * augmentation.intensity.gain;
  const shift = random.between(-1, 1) * augmentation.intensity.shift;
  const noise = random.uniform() * augmentation.intensity.noise;
  let noiseAt = random.integer(NORMALS);

  const patch = patchOf(place, size, image.dims[0], image.dims[1]);
  const span = window.high - window.low;
  const { mean, sd } = normalisation;
  const displayed: Ramp = { offset: window.low, scale: 1 / (span * sd), add: -mean / sd, low: -mean / sd, high: (1 - mean) / sd };
  const core = channels.some((name) => name.startsWith("relative")) ? coreMedianHu(image, region, lesion.window) : 0;
  const unit = 1 / relativeUnitHu(lesion.window);
  const relative: Ramp = { offset: core, scale: unit, add: 0, low: -RELATIVE_LIMIT, high: RELATIVE_LIMIT };
  const planes = new Map<string, Float32Array>();
  const radii = channels.some((name) => name.startsWith("ellips")) && isMarked(region) ? radiiOn(region, place, size) : null;

  const draw = (z: number): Pick<TrainingSample, "pixels" | "labels"> => {
    const pixels = new Float32Array(size * size * channels.length);
    channels.forEach((name, c) => {
      if (name === "denoised" || name === "enhanced")
        throw new InputError(`channel ${name} cannot be drawn from the image`, "preprocessing.channels", "leave it out");
      if (isImageChannel(name)) {
        const [kind, offset] = name.split(/(?=[-+@])/);
        const slice = Math.min(Math.max(offset === "@key" ? region.slice : z + Number(offset ?? 0), 0), depth - 1);
        const shown = `${kind} ${slice}`;
        const plane = planes.get(shown) ?? planeOf(lesion, slice, patch, kind === "window" ? displayed : relative);
        planes.set(shown, plane);
        interpolate(plane, patch, pixels, c, channels.length);
        if (gain === 1 && shift === 0 && noise === 0) return;
        const normal = normals();
        for (let i = c; i < pixels.length; i += channels.length) {
          pixels[i] = pixels[i] * gain + shift + noise * normal[noiseAt];
          noiseAt = (noiseAt + 1) & (NORMALS - 1);
        }
      } else if (isMarked(region)) {
        const dzMm = (z - region.slice) * image.spacingMm[2];
        const longMm = Math.max(lengthMm(region.long, image.spacingMm), image.spacingMm[0]);
        const deep = name === "ellipsoid" ? (dzMm / (ELLIPSOID_Z_SHARE * longMm)) ** 2 : 0;
        const distance = Math.abs(dzMm) / (longMm / 2);
        for (let p = 0; p < size * size; p++)
          pixels[p * channels.length + c] =
            name === "distance" ? distance : Math.min(Math.max(1 - Math.sqrt(radii![p] ** 2 + deep), MARKS_FLOOR), 1);
      }
    });
    return { pixels, labels: labelsAt(lesion.labels.get(z)!, place, size) };
  };
  return { size, draw };
}

/** Slice position of input pixel (x, y): x′ = x0 + a·x + b·y, y′ = y0 + c·x + d·y; `step` slice pixels to an input pixel. */
interface Placement {
  readonly x0: number;
  readonly y0: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly step: number;
}

function placement(
  region: RecistMarks | UnmarkedRegion,
  factor: number,
  size: number,
  { flip, rotation, scale, translation }: Augmentation,
  random: Random,
): Placement {
  const mirrorX = random.uniform() < 0.5 && flip ? -1 : 1;
  const mirrorY = random.uniform() < 0.5 && flip ? -1 : 1;
  const turn = random.uniform();
  const zoom = Math.exp(random.between(-1, 1) * scale);
  const [shiftX, shiftY] = [random.between(-1, 1) * translation, random.between(-1, 1) * translation];
  const quarters = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ];
  const angle = 2 * Math.PI * turn;
  const [cos, sin] =
    rotation === "any" ? [Math.cos(angle), Math.sin(angle)] : quarters[rotation === "none" ? 0 : Math.floor(4 * turn)];
  const { centre, lengthPx } = centreAndLength(region);
  const side = Math.max(1, factor * lengthPx);
  const step = side / size / zoom;
  const [a, b, c, d] = [mirrorX * cos * step, -mirrorY * sin * step, mirrorX * sin * step, mirrorY * cos * step];
  const middle = (size - 1) / 2;
  const x0 = centre[0] + shiftX * side - (a + b) * middle;
  const y0 = centre[1] + shiftY * side - (c + d) * middle;
  return { x0, y0, a, b, c, d, step };
}

/** The part of a slice that a crop looks at, and how each input pixel is interpolated from it. */
interface Patch {
  readonly width: number;
  readonly height: number;
  /** Slice column and row of each patch column and row; the slice's edge is repeated. */
  readonly columns: Int32Array;
  readonly rows: Int32Array;
  /** Weights of a smoothing kernel from its middle outwards; one weight where nothing shrinks. */
  readonly kernel: readonly number[];
  /** Upper left patch pixel of each input pixel, and how far it lies towards the right and the lower one. */
  readonly corner: Int32Array;
  readonly right: Float32Array;
  readonly down: Float32Array;
}

function patchOf({ x0, y0, a, b, c, d, step }: Placement, size: number, sliceWidth: number, sliceHeight: number): Patch {
  const kernel = smoothing(step);
  const margin = kernel.length - 1;
  const range = (start: number, u: number, v: number): [number, number] => {
    const ends = [0, u, v, u + v].map((change) => start + change * (size - 1));
    return [Math.floor(Math.min(...ends)) - margin, Math.floor(Math.max(...ends)) + 2 + margin];
  };
  const [left, right] = range(x0, a, b);
  const [top, bottom] = range(y0, c, d);
  const [width, height] = [right - left, bottom - top];
  const clamped = (from: number, n: number, limit: number): Int32Array =>
    Int32Array.from({ length: n }, (_, i) => Math.min(Math.max(from + i, 0), limit - 1));
  const corner = new Int32Array(size * size);
  const [rights, downs] = [new Float32Array(size * size), new Float32Array(size * size)];
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      const [sx, sy] = [x0 + a * x + b * y - left, y0 + c * x + d * y - top];
      const [column, row] = [Math.floor(sx), Math.floor(sy)];
      corner[p] = row * width + column;
      rights[p] = sx - column;
      downs[p] = sy - row;
    }
  }
  return {
    width,
    height,
    columns: clamped(left, width, sliceWidth),
    rows: clamped(top, height, sliceHeight),
    kernel,
    corner,
    right: rights,
    down: downs,
  };
}

/** A triangle that, with bilinear interpolation after it, spreads as far as a triangle of reach `step`. */
function smoothing(step: number): number[] {
  const reach = Math.sqrt(Math.max(0, step * step - 1));
  const half = Array.from({ length: Math.max(1, Math.ceil(reach)) }, (_, k) => Math.max(0, 1 - k / Math.max(reach, 1)));
  const sum = half.reduce((total, weight, k) => total + (k === 0 ? weight : 2 * weight), 0);
  return half.map((weight) => weight / sum);
}

/** value = (HU − offset) · scale + add, clipped to low … high. */
interface Ramp {
  readonly offset: number;
  readonly scale: number;
  readonly add: number;
  readonly low: number;
  readonly high: number;
}

function planeOf({ image }: TrainingLesion, slice: number, patch: Patch, { offset, scale, add, low, high }: Ramp): Float32Array {
  const { width, height, columns, rows, kernel } = patch;
  const [sliceWidth, sliceHeight] = image.dims;
  const { data } = image;
  const plane = new Float32Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    const start = (slice * sliceHeight + rows[y]) * sliceWidth;
    for (let x = 0; x < width; x++, p++) {
      const value = (data[start + columns[x]] - offset) * scale + add;
      plane[p] = value < low ? low : value > high ? high : value;
    }
  }
  return kernel.length === 1 ? plane : smoothed(smoothed(plane, width, height, 1, kernel), width, height, width, kernel);
}

/** Smooths along the axis with the given stride; the outermost pixels, which nothing looks at, stay as they are. */
function smoothed(plane: Float32Array, width: number, height: number, stride: number, kernel: readonly number[]): Float32Array {
  const result = plane.slice();
  const margin = kernel.length - 1;
  const [fromX, fromY] = stride === 1 ? [margin, 0] : [0, margin];
  for (let y = fromY; y < height - fromY; y++) {
    for (let x = fromX; x < width - fromX; x++) {
      const p = y * width + x;
      let sum = kernel[0] * plane[p];
      for (let k = 1; k <= margin; k++) sum += kernel[k] * (plane[p - k * stride] + plane[p + k * stride]);
      result[p] = sum;
    }
  }
  return result;
}

function interpolate(plane: Float32Array, patch: Patch, pixels: Float32Array, channel: number, channels: number): void {
  const { width, corner, right, down } = patch;
  for (let p = 0; p < corner.length; p++) {
    const i = corner[p];
    const upper = plane[i] + right[p] * (plane[i + 1] - plane[i]);
    const lower = plane[i + width] + right[p] * (plane[i + width + 1] - plane[i + width]);
    pixels[p * channels + channel] = upper + down[p] * (lower - upper);
  }
}

function radiiOn(marks: RecistMarks, { x0, y0, a, b, c, d }: Placement, size: number): Float32Array {
  const radius = radiusOf(marks);
  const radii = new Float32Array(size * size);
  for (let y = 0, p = 0; y < size; y++)
    for (let x = 0; x < size; x++, p++) radii[p] = radius(x0 + a * x + b * y, y0 + c * x + d * y);
  return radii;
}

/** Nearest neighbour; 255 outside the slice. */
function labelsAt({ data, width, height }: LabelMap, { x0, y0, a, b, c, d }: Placement, size: number): Uint8Array {
  const labels = new Uint8Array(size * size).fill(IGNORED);
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      const column = Math.floor(x0 + a * x + b * y + 0.5);
      const row = Math.floor(y0 + c * x + d * y + 0.5);
      if (column >= 0 && column < width && row >= 0 && row < height) labels[p] = data[row * width + column];
    }
  }
  return labels;
}

/** A power of two. */
const NORMALS = 1 << 16;
let table: Float32Array | undefined;

/** Standard normal numbers to read from a random place: drawing each anew would take longer than all the rest. */
function normals(): Float32Array {
  if (table === undefined) {
    const random = randomStream(0, "noise of drawn samples");
    table = Float32Array.from({ length: NORMALS }, () => random.normal());
  }
  return table;
}
