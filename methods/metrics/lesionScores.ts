import type { Vec3 } from "../imaging/volume.ts";
import type { RecistMarks, SpacingMm } from "../labels/recist.ts";
import { hausdorff } from "./hausdorff.ts";
import { type Overlap, overlapOf } from "./overlap.ts";
import { surfaceDice } from "./surfaceDice.ts";
import { surfaceDistances } from "./surfaceDistance.ts";
import { type CroppedPair, cropToUnion } from "./unionBox.ts";
import { type VolumeDifference, volumeDifference } from "./volume.ts";

/** All scores of one mask against its reference, on a slice or in a volume. Null = undefined (an empty mask). */
export interface RegionScore extends Overlap, VolumeDifference {
  /** Average Hausdorff distance over all voxels, in voxels … */
  readonly avdVoxels: number | null;
  /** … and in mm. */
  readonly avdMm: number | null;
  /** Largest distance of a voxel of one mask to the other, in voxels and in mm. */
  readonly hausdorffVoxels: number | null;
  readonly hausdorffMm: number | null;
  /** 95th percentile of the distances between the surfaces, in mm. */
  readonly hausdorff95Mm: number | null;
  /** Mean symmetric distance between the surfaces, in mm. */
  readonly assdMm: number | null;
  /** Share of both surfaces within a tolerance of the other one, by the tolerance in mm ("1", "2.5"). */
  readonly surfaceDice: Readonly<Record<string, number>>;
  readonly predictedMm3: number;
  readonly referenceMm3: number;
}

/** Scores of one axial slice; `offset` = slice − RECIST slice. */
export interface SliceScore extends RegionScore {
  readonly offset: number;
}

/** What went wrong with a prediction; the report counts each. */
export type ScoreFailure = "empty prediction" | "empty on the RECIST slice" | "misses the lesion" | "empty reference";

export interface LesionScore {
  /** The RECIST slice alone. */
  readonly slice: RegionScore;
  /** The whole volume; null where only the slice was to be scored. */
  readonly volume: RegionScore | null;
  /** Every slice that the prediction or the reference reaches, from the lowest offset up; none where only the slice was to be scored. */
  readonly offsets: readonly SliceScore[];
  readonly failures: readonly ScoreFailure[];
}

export interface ScoredMasks {
  /** `[z, y, x]`, 0 or not 0. */
  readonly prediction: Uint8Array;
  /** `[z, y, x]`, 0 or not 0. */
  readonly reference: Uint8Array;
  /** Size x, y, z of both. */
  readonly dims: Vec3;
  readonly spacingMm: SpacingMm;
}

export interface ScoreOptions {
  /** Tolerances of the surface Dice in mm. */
  readonly tolerancesMm: readonly number[];
}

/**
 * Scores of one region; a slice is a volume with `dims[2]` = 1.
 *
 * @throws RangeError where a mask does not hold `dims` voxels.
 */
export function scoreRegion(
  { prediction, reference, dims, spacingMm }: ScoredMasks,
  { tolerancesMm }: ScoreOptions,
): RegionScore {
  const union = cropToUnion(prediction, reference, dims);
  const { a, b } = union;
  const voxels = hausdorff(a, b, union.dims, [1, 1, 1]);
  const mm = hausdorff(a, b, union.dims, spacingMm);
  const surface = surfaceDistances(a, b, union.dims, spacingMm);
  const shares = surfaceDice(a, b, union.dims, spacingMm, tolerancesMm);
  const [predictedMm3, referenceMm3] = union.sizes.map((size) => size * spacingMm[0] * spacingMm[1] * spacingMm[2]);
  return {
    ...overlapWithin(union, prediction.length),
    avdVoxels: voxels?.average ?? null,
    avdMm: mm?.average ?? null,
    hausdorffVoxels: voxels?.maximum ?? null,
    hausdorffMm: mm?.maximum ?? null,
    hausdorff95Mm: surface?.percentile95 ?? null,
    assdMm: surface?.average ?? null,
    surfaceDice: Object.fromEntries(tolerancesMm.map((tolerance, i) => [String(tolerance), shares[i]])),
    predictedMm3,
    referenceMm3,
    ...volumeDifference(predictedMm3, referenceMm3),
  };
}

/** Outside the union of both masks every voxel is in neither. */
function overlapWithin({ a, b, sizes: [predicted, truth] }: CroppedPair, voxels: number): Overlap {
  let tp = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== 0 && b[i] !== 0) tp++;
  return overlapOf({ tp, fp: predicted - tp, fn: truth - tp, tn: voxels - predicted - truth + tp });
}

/**
 * Scores one lesion on its RECIST slice and, unless `extent` is "slice", in 3D and slice by slice (the paper's section 4
 * and Fig. 4).
 *
 * @throws RangeError where a mask does not hold `dims` voxels or the marks' slice is outside.
 */
export function scoreLesion(
  { marks, ...masks }: ScoredMasks & { readonly marks: Pick<RecistMarks, "slice"> },
  options: ScoreOptions,
  extent: "slice" | "volume" = "volume",
): LesionScore {
  const { prediction, reference, dims, spacingMm } = masks;
  const [nx, ny, nz] = dims;
  if (!Number.isInteger(marks.slice) || marks.slice < 0 || marks.slice >= nz) {
    throw new RangeError(`RECIST slice ${marks.slice} is outside the volume's ${nz} slices`);
  }
  const scoreSlice = (z: number): RegionScore =>
    scoreRegion(
      {
        prediction: prediction.subarray(z * nx * ny, (z + 1) * nx * ny),
        reference: reference.subarray(z * nx * ny, (z + 1) * nx * ny),
        dims: [nx, ny, 1],
        spacingMm,
      },
      options,
    );
  const slice = scoreSlice(marks.slice);
  if (extent === "slice") return { slice, volume: null, offsets: [], failures: failuresOf(slice, slice) };
  const volume = scoreRegion(masks, options);
  const offsets = Array.from({ length: nz }, (_, z): SliceScore => {
    return { offset: z - marks.slice, ...(z === marks.slice ? slice : scoreSlice(z)) };
  }).filter(({ tp, fp, fn }) => tp + fp + fn > 0);
  return { slice, volume, offsets, failures: failuresOf(volume, slice) };
}

function failuresOf(region: Overlap, slice: Overlap): ScoreFailure[] {
  const failures: ScoreFailure[] = [];
  if (region.tp + region.fn === 0) failures.push("empty reference");
  if (region.tp + region.fp === 0) failures.push("empty prediction");
  else {
    if (slice.tp + slice.fp === 0) failures.push("empty on the RECIST slice");
    if (region.tp === 0 && region.fn > 0) failures.push("misses the lesion");
  }
  return failures;
}
