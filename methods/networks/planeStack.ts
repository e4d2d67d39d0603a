import type { HuWindow, Slice, Vec3, Volume } from "../imaging/volume.ts";
import { lengthMm, type RecistMarks } from "../labels/recist.ts";
import { IGNORED, type LabelMap } from "../labels/trimap.ts";
import { type Taps, tapsAlong } from "./cropSquare.ts";
import { isMarked, type UnmarkedRegion } from "./lesionRegion.ts";
import { type NetworkInput, networkInput, type Preprocessing, type StackOptions } from "./preprocess.ts";
import type { TrainingLesion } from "./trainingLesion.ts";
import { concatenated } from "./trainingSet.ts";

export type StackPreprocessing = Preprocessing & { readonly stack: StackOptions };

/** Whether a network looks at whole lesions. */
export function isOfStacks(preprocessing: Preprocessing): preprocessing is StackPreprocessing {
  return preprocessing.stack !== undefined;
}

/** Where the planes of a stack lie: plane i at slice `slice` + (i − `middle`) · `step`. */
interface Planes {
  readonly count: number;
  readonly slice: number;
  readonly middle: number;
  /** Slices from plane to plane. */
  readonly step: number;
}

function planesOf(
  { spacingMm }: Pick<Volume, "spacingMm">,
  region: RecistMarks | UnmarkedRegion,
  { planes, reach }: StackOptions,
): Planes {
  const longMm = isMarked(region) ? lengthMm(region.long, spacingMm) : region.lengthPx * spacingMm[0];
  const middle = (planes - 1) / 2;
  return { count: planes, slice: region.slice, middle, step: (reach * Math.max(longMm, spacingMm[0])) / middle / spacingMm[2] };
}

/** Slices on either side of the region's own that a stack around it can depend on. */
export function stackReach(region: RecistMarks | UnmarkedRegion, spacingMm: Vec3, options: StackOptions): number {
  const { middle, step } = planesOf({ spacingMm }, region, options);
  return Math.ceil(middle * step + Math.max(1, step));
}

/** Weights of the slices that make up each plane: linear, over as many slices as lie between two planes. */
function tapsOf({ count, slice, step }: Planes): Taps[] {
  return tapsAlong(count, slice + 0.5 - (count / 2) * step, step);
}

/** The planes as a volume, `[plane, y, x]` in HU; beyond the image the outermost slice is repeated. The region moves to the middle plane. */
function planeVolume<R extends RecistMarks | UnmarkedRegion>(
  image: Volume,
  region: R,
  planes: Planes,
): { image: Volume; region: R } {
  const [width, height, depth] = image.dims;
  const area = width * height;
  const data = new Float32Array(planes.count * area);
  for (const [plane, { start, weights }] of tapsOf(planes).entries()) {
    const target = data.subarray(plane * area, (plane + 1) * area);
    weights.forEach((weight, k) => {
      if (weight === 0) return;
      const from = Math.min(Math.max(start + k, 0), depth - 1) * area;
      for (let i = 0; i < area; i++) target[i] += weight * image.data[from + i];
    });
  }
  const spacingMm = [image.spacingMm[0], image.spacingMm[1], image.spacingMm[2] * planes.step] as const;
  return {
    image: { ...image, dims: [width, height, planes.count], spacingMm, data },
    region: { ...region, slice: planes.middle },
  };
}

/** Label maps of all planes: what most of the labelled share of a voxel is; 255 where less than half of it is labelled. */
function planeLabels(
  labels: ReadonlyMap<number, LabelMap>,
  [width, height]: Volume["dims"],
  planes: Planes,
): Map<number, LabelMap> {
  return new Map(
    tapsOf(planes).map(({ start, weights }, plane) => {
      const known = new Float32Array(width * height);
      const lesion = new Float32Array(width * height);
      weights.forEach((weight, k) => {
        const map = labels.get(start + k);
        if (weight === 0 || map === undefined) return;
        map.data.forEach((label, i) => {
          if (label === IGNORED) return;
          known[i] += weight;
          lesion[i] += label * weight;
        });
      });
      const data = Uint8Array.from(known, (share, i) => (share < 0.5 ? IGNORED : 2 * lesion[i] > share ? 1 : 0));
      return [plane, { data, width, height }];
    }),
  );
}

/** A lesion to train on with its planes in the place of its slices, every one labelled (255 where nothing is known). */
export function stackedLesion(lesion: TrainingLesion, options: StackOptions): TrainingLesion {
  const planes = planesOf(lesion.image, lesion.marks, options);
  const { image, region } = planeVolume(lesion.image, lesion.marks, planes);
  return { ...lesion, image, marks: region, labels: planeLabels(lesion.labels, lesion.image.dims, planes) };
}

/** The inputs of all planes of a volume of planes. */
export function planeInputs(
  image: Volume,
  region: RecistMarks | UnmarkedRegion,
  window: HuWindow,
  preprocessing: Preprocessing,
): NetworkInput[] {
  return Array.from({ length: image.dims[2] }, (_, plane) => networkInput(image, plane, region, window, preprocessing));
}

/** What a network of stacks looks at, and the way back to the slices. */
export interface StackInput {
  /** `[planes, size, size, channels]`. */
  readonly pixels: Float32Array;
  readonly size: number;
  /** A prediction `[planes, size, size]` on the grid of slice `z`, between the planes on both sides of it; 0 beyond the stack. */
  toSlice(probability: Float32Array, z: number): Slice<Float32Array>;
}

/** The stack around a lesion, or around a place without marks. */
export function stackInput(
  image: Volume,
  region: RecistMarks | UnmarkedRegion,
  window: HuWindow,
  preprocessing: StackPreprocessing,
): StackInput {
  const planes = planesOf(image, region, preprocessing.stack);
  const seen = planeVolume(image, region, planes);
  const inputs = planeInputs(seen.image, seen.region, window, preprocessing);
  const { size } = inputs[0];
  const perPlane = size * size;
  return {
    pixels: concatenated(inputs.map(({ pixels }) => pixels)),
    size,
    toSlice(probability, z) {
      const at = planes.middle + (z - planes.slice) / planes.step;
      const last = planes.count - 1;
      if (at < -0.5 || at > last + 0.5)
        return { data: new Float32Array(image.dims[0] * image.dims[1]), width: image.dims[0], height: image.dims[1] };
      const within = Math.min(Math.max(at, 0), last);
      const below = Math.min(Math.floor(within), last - 1);
      const share = within - below;
      const between = Float32Array.from(
        { length: perPlane },
        (_, i) => (1 - share) * probability[below * perPlane + i] + share * probability[(below + 1) * perPlane + i],
      );
      return inputs[below].toSlice(between);
    },
  };
}
