import type { Vec3 } from "../imaging/volume.ts";
import type { RecistMarks, SpacingMm } from "../labels/recist.ts";
import { hausdorff } from "./hausdorff.ts";
import { type Overlap, overlap } from "./overlap.ts";
import { surfaceDistances } from "./surfaceDistance.ts";
import { maskVolumeMm3 } from "./volume.ts";

/** All scores of one mask against its reference, on a slice or in a volume. Null = undefined (an empty mask). */
export interface RegionScore extends Overlap {
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
}

/** Dice of one axial slice; `offset` = slice − RECIST slice. Null where neither mask reaches the slice. */
export interface OffsetDice {
  readonly offset: number;
  readonly dice: number | null;
}

/** What went wrong with a prediction; the report counts each. */
export type ScoreFailure = "empty prediction" | "empty on the RECIST slice" | "misses the lesion" | "empty reference";

export interface LesionScore {
  /** The whole volume. */
  readonly volume: RegionScore;
  /** The RECIST slice alone. */
  readonly slice: RegionScore;
  /** Every slice of the grid, from the lowest offset up. */
  readonly offsets: readonly OffsetDice[];
  readonly predictedMm3: number;
  readonly referenceMm3: number;
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

/** Scores of one region; a slice is a volume with `dims[2]` = 1. */
export function scoreRegion({ prediction, reference, dims, spacingMm }: ScoredMasks): RegionScore {
  const voxels = hausdorff(prediction, reference, dims, [1, 1, 1]);
  const mm = hausdorff(prediction, reference, dims, spacingMm);
  const surface = surfaceDistances(prediction, reference, dims, spacingMm);
  return {
    ...overlap(prediction, reference),
    avdVoxels: voxels?.average ?? null,
    avdMm: mm?.average ?? null,
    hausdorffVoxels: voxels?.maximum ?? null,
    hausdorffMm: mm?.maximum ?? null,
    hausdorff95Mm: surface?.percentile95 ?? null,
    assdMm: surface?.average ?? null,
  };
}

/**
 * Scores one lesion in 3D, on its RECIST slice, and slice by slice (the paper's section 4 and Fig. 4).
 *
 * @throws RangeError where a mask does not hold `dims` voxels or the marks' slice is outside.
 */
export function scoreLesion({ marks, ...masks }: ScoredMasks & { readonly marks: Pick<RecistMarks, "slice"> }): LesionScore {
  const { prediction, reference, dims, spacingMm } = masks;
  const [nx, ny, nz] = dims;
  if (!Number.isInteger(marks.slice) || marks.slice < 0 || marks.slice >= nz) {
    throw new RangeError(`RECIST slice ${marks.slice} is outside the volume's ${nz} slices`);
  }
  const volume = scoreRegion(masks);
  const cut = (mask: Uint8Array, z: number): Uint8Array => mask.subarray(z * nx * ny, (z + 1) * nx * ny);
  const slice = scoreRegion({
    prediction: cut(prediction, marks.slice),
    reference: cut(reference, marks.slice),
    dims: [nx, ny, 1],
    spacingMm,
  });
  const offsets = Array.from({ length: nz }, (_, z): OffsetDice => {
    const { tp, fp, fn, dice } = overlap(cut(prediction, z), cut(reference, z));
    return { offset: z - marks.slice, dice: tp + fp + fn === 0 ? null : dice };
  });
  const failures: ScoreFailure[] = [];
  if (volume.tp + volume.fn === 0) failures.push("empty reference");
  if (volume.tp + volume.fp === 0) failures.push("empty prediction");
  else {
    if (slice.tp + slice.fp === 0) failures.push("empty on the RECIST slice");
    if (volume.tp === 0 && volume.fn > 0) failures.push("misses the lesion");
  }
  return {
    volume,
    slice,
    offsets,
    predictedMm3: maskVolumeMm3(prediction, spacingMm),
    referenceMm3: maskVolumeMm3(reference, spacingMm),
    failures,
  };
}
