import { type BootstrapSettings, bootstrapMean } from "./bootstrap.ts";
import type { Interval } from "./summary.ts";
import { wilcoxon } from "./wilcoxon.ts";

/** One lesion's score by a method. */
export interface PairedScore {
  readonly lesion: string;
  readonly patient: string;
  readonly value: number | null;
}

/** Two methods on the lesions for which both have a score. */
export interface PairedComparison {
  readonly pairs: number;
  /** Mean of first − second. */
  readonly meanDifference: number;
  readonly interval: Interval | null;
  /** Wilcoxon's signed-rank test, two-sided. It takes lesions for independent, which those of one patient are not. */
  readonly p: number;
}

/** @returns null where no lesion has a score by both. */
export function pairedComparison(
  first: readonly PairedScore[],
  second: readonly PairedScore[],
  bootstrap: BootstrapSettings & { readonly unit: "patient" | "lesion" },
): PairedComparison | null {
  const others = new Map(second.map(({ lesion, value }) => [lesion, value]));
  const ours: number[] = [];
  const theirs: number[] = [];
  const patients: string[] = [];
  for (const { lesion, patient, value } of first) {
    const other = others.get(lesion);
    if (value === null || other === undefined || other === null) continue;
    ours.push(value);
    theirs.push(other);
    patients.push(patient);
  }
  if (ours.length === 0) return null;
  const differences = ours.map((value, i) => value - theirs[i]);
  return {
    pairs: ours.length,
    meanDifference: differences.reduce((sum, d) => sum + d, 0) / differences.length,
    interval: bootstrapMean(differences, bootstrap.unit === "patient" ? patients : null, bootstrap),
    p: wilcoxon(ours, theirs).p,
  };
}

/**
 * Holm's step-down correction: p values of a family of tests, so adjusted that the chance of any false rejection stays
 * below the level at which they are read (Holm 1979). In the order given.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Array<number>(pValues.length);
  let most = 0;
  for (const [rank, i] of order.entries()) {
    most = Math.max(most, Math.min(1, (pValues.length - rank) * pValues[i]));
    adjusted[i] = most;
  }
  return adjusted;
}
