import { readFileSync } from "node:fs";
import type { Vec3 } from "../../methods/imaging/volume.ts";

/** Written by test/oracles/metrics.py with MedPy, SimpleITK and SciPy. */
interface MetricsFixture {
  readonly masks: readonly {
    readonly dims: Vec3;
    readonly spacing: Vec3;
    readonly prediction: readonly number[];
    readonly reference: readonly number[];
    readonly precision: number;
    readonly recall: number;
    readonly dice: number;
    readonly iou: number;
    readonly averageHausdorff: number;
    readonly hausdorff: number;
    readonly assd: number;
    readonly hd95: number;
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
