import { cropSlice, cropVolume } from "../imaging/crop.ts";
import type { HuWindow, Vec3, Volume } from "../imaging/volume.ts";
import { type Diameters, type Point, type RecistMarks, shiftedTo } from "../labels/recist.ts";
import type { LabelMap } from "../labels/trimap.ts";
import type { Augmentation } from "./augment.ts";
import { labelsOn, resampled, type Square } from "./cropSquare.ts";
import { BESIDE } from "./drawnRegion.ts";
import { centreAndLength } from "./lesionRegion.ts";
import { stackedLesion } from "./planeStack.ts";
import type { Preprocessing } from "./preprocess.ts";

/** A lesion with labels on some slices, from which inputs are drawn anew in every epoch. */
export interface TrainingLesion {
  readonly id: string;
  readonly patient?: string;
  readonly image: Volume;
  readonly marks: RecistMarks;
  readonly window: HuWindow;
  /** Label maps of whole slices, by slice. */
  readonly labels: ReadonlyMap<number, LabelMap>;
}

/** Pixels kept per pixel of the network's input, along each axis: finer than the network sees, so that drawing loses nothing. */
const KEPT_PER_INPUT_PIXEL = 1.5;
/** Room for interpolation and smoothing at the edge. */
const MARGIN_PX = 4;

/**
 * What drawing inputs can ever look at: the largest square that a jittered, turned crop covers, on the labelled slices
 * and their neighbours, or on the planes of the stack. Large lesions are resampled, so that a lesion never takes more than
 * a bounded number of pixels; the others keep their own.
 */
export function keptForTraining(
  given: TrainingLesion,
  { crop, stack }: Preprocessing,
  { marks: jitter, scale, translation, rotation }: Augmentation,
): TrainingLesion {
  const lesion = stack === undefined ? given : stackedLesion(given, stack);
  if (typeof crop.size !== "number") return lesion;
  const { centre, lengthPx } = centreAndLength(lesion.marks);
  const longest = Math.max(1 + jitter.length, Math.exp(jitter.boxLength)) * Math.exp(scale);
  const side = crop.factor * lengthPx * longest;
  const shift = translation * side + 4 * jitter.shiftPx + 4 * jitter.boxShift * lengthPx + (jitter.length * lengthPx) / 2;
  const beside = (jitter.beside ?? 0) > 0 ? BESIDE[1] * lengthPx : 0;
  const wanted = beside + (rotation === "any" ? Math.SQRT2 : 1) * (side / 2) + shift + MARGIN_PX;
  const [width, height] = lesion.image.dims;
  const reach = Math.min(wanted, Math.max(centre[0], centre[1], width - centre[0], height - centre[1]) + 1);
  const [first, end] = slicesKept(lesion);
  const pixel = (crop.factor * lengthPx) / crop.size / KEPT_PER_INPUT_PIXEL;
  return pixel <= 1 ? cropped(lesion, centre, reach, first, end) : shrunk(lesion, centre, reach, pixel, first, end);
}

/** The labelled slices, their neighbours and the RECIST slice, as a range. */
function slicesKept({ image, marks, labels }: TrainingLesion): [first: number, end: number] {
  const slices = [marks.slice, ...labels.keys()];
  return [Math.max(0, Math.min(...slices) - 1), Math.min(image.dims[2], Math.max(...slices) + 2)];
}

function cropped(lesion: TrainingLesion, centre: Point, reach: number, first: number, end: number): TrainingLesion {
  const { dims } = lesion.image;
  const low = (axis: 0 | 1): number => Math.min(Math.max(0, Math.floor(centre[axis] - reach)), dims[axis] - 1);
  const high = (axis: 0 | 1): number => Math.max(Math.min(dims[axis], Math.ceil(centre[axis] + reach) + 1), low(axis) + 1);
  const box = { x0: low(0), y0: low(1), x1: high(0), y1: high(1) };
  const labels = new Map([...lesion.labels].map(([z, map]) => [z - first, cropSlice(map, box)]));
  const marks = { slice: lesion.marks.slice - first, ...shiftedTo([box.x0, box.y0], lesion.marks) };
  return { ...lesion, labels, marks, image: cropVolume(lesion.image, [box.x0, box.y0, first], [box.x1, box.y1, end]) };
}

/** The square of half-side `reach` with pixels `pixel` times as large; where it leaves the image, the edge is repeated and labels are ignored. */
function shrunk(lesion: TrainingLesion, centre: Point, reach: number, pixel: number, first: number, end: number): TrainingLesion {
  const { image, marks } = lesion;
  const [width, height] = image.dims;
  const size = Math.ceil((2 * reach) / pixel);
  const [left, top] = centre.map((c) => c + 0.5 - (size * pixel) / 2);
  const square: Square = { size, left, top, stepX: pixel, stepY: pixel, from: 0, to: size };
  const data = new Int16Array(size * size * (end - first));
  for (let z = first; z < end; z++) {
    const start = z * width * height;
    data.set(resampled(width, height, (i) => image.data[start + i], square).map(Math.round), (z - first) * size * size);
  }
  const moved = ([x, y]: Point): Point => [(x + 0.5 - left) / pixel - 0.5, (y + 0.5 - top) / pixel - 0.5];
  const ends: Diameters = {
    long: [moved(marks.long[0]), moved(marks.long[1])],
    short: [moved(marks.short[0]), moved(marks.short[1])],
  };
  const dims: Vec3 = [size, size, end - first];
  const spacingMm: Vec3 = [image.spacingMm[0] * pixel, image.spacingMm[1] * pixel, image.spacingMm[2]];
  return {
    ...lesion,
    marks: { slice: marks.slice - first, ...ends },
    image: { dims, spacingMm, affine: image.affine, data },
    labels: new Map(
      [...lesion.labels].map(([z, map]) => [z - first, { data: labelsOn(square, map), width: size, height: size }]),
    ),
  };
}
