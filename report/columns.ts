/** How a column of scores (`scoreColumns`) is headed and printed. */
export interface ColumnFormat {
  readonly column: string;
  /** In lines. */
  readonly title: string | readonly string[];
  readonly digits: number;
  /** What a printed number is multiplied with, e.g. 100 for per cent. */
  readonly scale?: number;
}

/** What the paper measures of masks: overlap (section 4, Evaluation). */
export const overlapColumns: readonly ColumnFormat[] = [
  { column: "recall", title: "Recall", digits: 3 },
  { column: "precision", title: "Precision", digits: 3 },
  { column: "iou", title: "IoU", digits: 3 },
  { column: "volumetricSimilarity", title: "VS", digits: 3 },
];

/** Distances and volumes; distances have heavy tails, so their median matters as much as their mean. */
export function distanceColumns(tolerancesMm: readonly number[]): readonly ColumnFormat[] {
  return [
    { column: "avdVoxels", title: ["AVD", "(voxels)"], digits: 3 },
    { column: "avdMm", title: ["AVD", "(mm)"], digits: 3 },
    { column: "hausdorffMm", title: ["HD", "(mm)"], digits: 2 },
    { column: "hausdorff95Mm", title: ["HD95", "(mm)"], digits: 2 },
    ...tolerancesMm.map((mm) => ({ column: `surfaceDice${mm}mm`, title: ["Surface Dice", `within ${mm} mm`], digits: 3 })),
    { column: "volumeDifferenceMm3", title: ["Volume", "difference (ml)"], digits: 3, scale: 1e-3 },
    { column: "absoluteVolumeDifferenceMm3", title: ["absolute", "(ml)"], digits: 3, scale: 1e-3 },
    { column: "absoluteRelativeVolumeDifference", title: ["absolute,", "relative (%)"], digits: 1, scale: 100 },
  ];
}
