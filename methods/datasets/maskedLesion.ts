import { cropVolume } from "../imaging/crop.ts";
import { type HuWindow, type Mask, type Slice, sliceOf, type Vec3, type Volume } from "../imaging/volume.ts";
import type { VoxelRange } from "../imaging/voxelRange.ts";
import { type RecistMarks, shiftedTo } from "../labels/recist.ts";
import type { Category, LesionCase } from "./lesionCase.ts";
import { lesionRange, marksInRange } from "./lesionCrop.ts";
import { marksOfMask, withNoise } from "./simulatedMarks.ts";
import { windowOf } from "./windowOf.ts";

/** What the importer knows about a lesion of a mask besides its voxels. */
export interface AboutLesion {
  readonly id: string;
  readonly patient: string;
  readonly category: Category;
  readonly series: string;
  /** Display window, or `auto`: lung or soft tissue, see `windowOf`. */
  readonly window: "auto" | HuWindow;
  readonly notes: readonly string[];
}

/** Reading noise of the marks: each axis × 1 ± noise, by seed and lesion (READINGS 13). */
export interface MarkNoise {
  readonly seed: number;
  readonly noise: number;
}

/**
 * A lesion of a 3D mask as a case: RECIST marks measured in its mask, with noise, and the crop around them.
 *
 * @param lesion the lesion's own voxels (no other lesion's) in a box whose first voxel is `start` on the volume's grid.
 * @returns undefined where no section has two diameters.
 */
export function caseOfMask(
  volume: Volume,
  lesion: Mask,
  start: Vec3,
  { id, patient, category, series, window, notes }: AboutLesion,
  { seed, noise }: MarkNoise,
): LesionCase | undefined {
  const measured = marksOfMask(lesion);
  if (measured === undefined) return undefined;
  const noisy = withNoise(measured, noise, seed, id);
  const marks: RecistMarks = { slice: noisy.slice + start[2], ...shiftedTo([-start[0], -start[1]], noisy) };
  const range: VoxelRange = { start, end: sum(start, lesion.dims) };
  const cut = lesionRange(marks, volume.spacingMm, volume.dims, range);
  const image = cropVolume(volume, cut.start, cut.end);
  const { dims, spacingMm, affine } = image;
  const reference: Mask = { dims, spacingMm, affine, data: new Uint8Array(image.data.length) };
  place(lesion.data, lesion.dims, reference, [start[0] - cut.start[0], start[1] - cut.start[1], start[2] - cut.start[2]]);
  return {
    id,
    patient,
    category,
    marks: marksInRange(marks, cut),
    window: window === "auto" ? windowOf(sliceOf(volume, marks.slice), sectionOf(lesion, start, marks.slice, volume)) : window,
    image,
    reference,
    source: { series, origin: cut.start },
    notes,
  };
}

/** The lesion's section on a whole slice of its volume. */
function sectionOf(lesion: Mask, start: Vec3, slice: number, { dims, spacingMm, affine }: Volume): Slice<Uint8Array> {
  const { data, width, height } = sliceOf(lesion, slice - start[2]);
  const whole: Mask = { dims: [dims[0], dims[1], 1], spacingMm, affine, data: new Uint8Array(dims[0] * dims[1]) };
  place(data, [width, height, 1], whole, [start[0], start[1], 0]);
  return sliceOf(whole, 0);
}

/** Writes a block of voxels into a mask, its first voxel at `at`. */
function place(block: Uint8Array, [width, height, depth]: Vec3, { data, dims }: Mask, at: Vec3): void {
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const from = (z * height + y) * width;
      data.set(block.subarray(from, from + width), ((at[2] + z) * dims[1] + at[1] + y) * dims[0] + at[0]);
    }
  }
}

function sum([a, b, c]: Vec3, [d, e, f]: Vec3): Vec3 {
  return [a + d, b + e, c + f];
}
