import { readFileSync } from "node:fs";
import type { Vec3 } from "../../methods/imaging/volume.ts";

/** One pair of masks by other programs, in mm but where the name says voxels. */
export interface JudgedScores {
  readonly precision: number;
  readonly recall: number;
  readonly dice: number;
  readonly iou: number;
  readonly volumetricSimilarity: number;
  readonly averageHausdorff: number;
  readonly averageHausdorffVoxels: number;
  readonly hausdorff: number;
  readonly assd: number;
  readonly hd95: number;
  /** At each of the fixture's tolerances. */
  readonly surfaceDice: readonly number[];
  /** Of the reference. */
  readonly surfaceArea: number;
  readonly volumeDifference: number;
}

/** Written by test/oracles/metrics.py with MedPy, SimpleITK, surface-distance and SciPy. */
interface MetricsFixture {
  /** Of the surface Dice, in mm. */
  readonly tolerances: readonly number[];
  readonly masks: readonly (JudgedScores & {
    readonly dims: Vec3;
    readonly spacing: Vec3;
    readonly prediction: readonly number[];
    readonly reference: readonly number[];
  })[];
  /** By the code of the voxels inside: bit x + 2y + 4z. */
  readonly surfels: { readonly spacing: Vec3; readonly areas: readonly number[]; readonly lengths: readonly number[] };
  readonly distanceMaps: readonly {
    readonly dims: Vec3;
    readonly spacing: Vec3;
    readonly mask: readonly number[];
    readonly sum: number;
    readonly maximum: number;
    readonly every97th: readonly number[];
  }[];
  readonly summary: { values: number[]; mean: number; sd: number; median: number; q1: number; q3: number };
  readonly wilson: readonly { successes: number; trials: number; low: number; high: number }[];
  readonly wilcoxon: readonly { first: number[]; second: number[]; p: number }[];
  readonly line: { slope: number; intercept: number; rSquared: number };
  readonly second: readonly number[];
}

export const fixture: MetricsFixture = JSON.parse(readFileSync(new URL("../fixtures/metrics.json", import.meta.url), "utf8"));

/** A mask from run lengths that begin with a run of 0. */
export function fromRunLengths(runs: readonly number[]): Uint8Array {
  return Uint8Array.from(runs.flatMap((length, k) => new Array<number>(length).fill(k % 2)));
}
