import type { RegionScore } from "./lesionScores.ts";

/** Scores of one region by the name of their column; null = undefined. */
export type ScoreColumns = Readonly<Record<string, number | null>>;

/**
 * The columns of tables and CSV files in their order: shares without unit, distances and volumes with their unit in the
 * name. Differences of volumes stand there with their sign (bias) and without (error); a surface Dice has a column for
 * each tolerance (`surfaceDice1mm`).
 */
export function scoreColumns(score: RegionScore): ScoreColumns {
  const { recall, precision, dice, iou, volumetricSimilarity } = score;
  const { avdVoxels, avdMm, hausdorffVoxels, hausdorffMm, hausdorff95Mm, assdMm } = score;
  const { predictedMm3, referenceMm3, volumeDifferenceMm3, relativeVolumeDifference } = score;
  // an object's keys do not come in the order of numbers: "2" before "0.5"
  const tolerances = Object.keys(score.surfaceDice).sort((a, b) => Number(a) - Number(b));
  return {
    recall,
    precision,
    dice,
    iou,
    volumetricSimilarity,
    avdVoxels,
    avdMm,
    hausdorffVoxels,
    hausdorffMm,
    hausdorff95Mm,
    assdMm,
    ...Object.fromEntries(tolerances.map((mm) => [`surfaceDice${mm}mm`, score.surfaceDice[mm]])),
    predictedMm3,
    referenceMm3,
    volumeDifferenceMm3,
    absoluteVolumeDifferenceMm3: Math.abs(volumeDifferenceMm3),
    relativeVolumeDifference,
    absoluteRelativeVolumeDifference: relativeVolumeDifference === null ? null : Math.abs(relativeVolumeDifference),
  };
}
