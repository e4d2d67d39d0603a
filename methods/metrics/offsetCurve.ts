import type { OffsetDice } from "./lesionScores.ts";
import { summarize } from "./summary.ts";

/** Mean Dice of all slices at one distance from their RECIST slice. */
export interface OffsetPoint {
  /** |slice − RECIST slice| in slices. */
  readonly offset: number;
  readonly mean: number;
  /** Null where n < 2. */
  readonly sd: number | null;
  /** Slices, both directions and all lesions together. */
  readonly n: number;
}

/**
 * Dice by slice offset as in Figs 4 and 10. The paper gives the axis as "voxel distance of axial slices to the
 * RECIST-slice" and no more; the convention here: slices above and below are pooled by |offset|, a slice counts where
 * the reference *or* the prediction reaches it (so a mask that runs on past the lesion, or stops short of it, scores 0
 * there), and slices that neither reaches are left out.
 */
export function offsetCurve(lesions: readonly (readonly OffsetDice[])[]): OffsetPoint[] {
  const byOffset = new Map<number, number[]>();
  for (const { offset, dice } of lesions.flat()) {
    if (dice === null) continue;
    const distance = Math.abs(offset);
    const scores = byOffset.get(distance);
    if (scores === undefined) byOffset.set(distance, [dice]);
    else scores.push(dice);
  }
  return [...byOffset]
    .sort(([a], [b]) => a - b)
    .map(([offset, scores]) => {
      const { mean, sd, n } = summarize(scores);
      return { offset, mean: mean as number, sd, n };
    });
}
