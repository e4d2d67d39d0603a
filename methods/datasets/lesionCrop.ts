import type { Vec3 } from "../imaging/volume.ts";
import type { VoxelRange } from "../imaging/voxelRange.ts";
import { centreOf, lengthMm, type RecistMarks, shiftedTo } from "../labels/recist.ts";
import type { UnmarkedRegion } from "../networks/lesionRegion.ts";

/** Voxels kept around the square of the marks, for rounding and for neighbourhoods at its edge. */
const MARGIN_PX = 2;
/** Slices kept on either side of the RECIST slice, however thick they are. */
const MINIMAL_SLICES = 4;
/** What is kept around the marks' centre, in long diameters: half a side of the square, and slices above and below (where that is more than four). */
export interface CropReach {
  readonly inSlice: number;
  readonly acrossSlices: number;
}
export const CROP_REACH: CropReach = { inSlice: 1, acrossSlices: 0.75 };

/** First and last slice (inclusive) that a lesion's case wants, before the source's ends are considered. */
export function wantedSlices(
  marks: RecistMarks,
  spacingMm: Vec3,
  { acrossSlices }: CropReach = CROP_REACH,
): readonly [number, number] {
  const reach = Math.max(MINIMAL_SLICES, Math.floor((acrossSlices * lengthMm(marks.long, spacingMm)) / spacingMm[2]));
  return [marks.slice - reach, marks.slice + reach];
}

/**
 * What a lesion's case is cut from its volume: the square of twice the long diameter around the marks' centre, with a
 * margin, on `wantedSlices`, enlarged to hold the reference, and clipped to the volume.
 */
export function lesionRange(
  marks: RecistMarks,
  spacingMm: Vec3,
  dims: Vec3,
  reference?: VoxelRange,
  reach: CropReach = CROP_REACH,
): VoxelRange {
  const halfPx = (reach.inSlice * lengthMm(marks.long, spacingMm)) / Math.min(spacingMm[0], spacingMm[1]) + MARGIN_PX;
  const centre = centreOf(marks);
  const [firstSlice, lastSlice] = wantedSlices(marks, spacingMm, reach);
  const low = [Math.floor(centre[0] - halfPx), Math.floor(centre[1] - halfPx), firstSlice];
  const high = [Math.ceil(centre[0] + halfPx) + 1, Math.ceil(centre[1] + halfPx) + 1, lastSlice + 1];
  const start = low.map((at, axis) => Math.max(0, Math.min(at, reference?.start[axis] ?? at)));
  const end = high.map((at, axis) => Math.min(dims[axis], Math.max(at, reference?.end[axis] ?? at)));
  return { start: start as unknown as Vec3, end: end as unknown as Vec3 };
}

/** `lesionRange` of a lesion as long as a region without marks, around its centre. */
export function regionRange({ slice, centre: [x, y], lengthPx }: UnmarkedRegion, spacingMm: Vec3, dims: Vec3): VoxelRange {
  const half = lengthPx / 2;
  const across = [
    [x - half, y],
    [x + half, y],
  ] as const;
  return lesionRange({ slice, long: across, short: across }, spacingMm, dims);
}

/** The marks as they lie in the range. */
export function marksInRange(marks: RecistMarks, { start: [x0, y0, z0] }: Pick<VoxelRange, "start">): RecistMarks {
  return { slice: marks.slice - z0, ...shiftedTo([x0, y0], marks) };
}
