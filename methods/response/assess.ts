import { type BestOverallResponse, type BestOverallSettings, bestOverallResponse } from "./bestOverall.ts";
import type { Course, FollowedLesion, TimePoint } from "./course.ts";
import { type NewLesions, type NonTargetResponse, newLesions, nonTargetResponse } from "./nonTarget.ts";
import { type OverallResponse, overallResponse } from "./overall.ts";
import { type TargetResponse, targetDiameterMm, targetResponse, targetSum } from "./target.ts";
import { sphericalEquivalents, targetVolumeMl, type VolumetricThresholds, volumetricResponse } from "./volumetric.ts";

export interface AssessmentSettings extends Omit<BestOverallSettings, "targets"> {
  readonly volumetric: VolumetricThresholds;
}

export const defaultAssessment: AssessmentSettings = {
  stableDays: 42,
  confirmationDays: 28,
  volumetric: sphericalEquivalents,
};

/** One time point as RECIST 1.1 sees it, and the volumes beside it. Responses are null at the baseline. */
export interface AssessedTimePoint {
  readonly timePoint: string;
  /** Days since the baseline. */
  readonly day: number;
  /** Sum of the target lesions' diameters in mm; null where one was not evaluated or there are none. */
  readonly sumMm: number | null;
  /** Smallest sum before this time point; null at the baseline. */
  readonly nadirMm: number | null;
  /** Change of the sum as a part of the baseline's, and of the nadir; null where either is unknown or 0. */
  readonly fromBaseline: number | null;
  readonly fromNadir: number | null;
  readonly notEvaluated: readonly string[];
  readonly target: TargetResponse | null;
  readonly nonTarget: NonTargetResponse;
  readonly newLesions: NewLesions;
  readonly overall: OverallResponse | null;
  /** Disease is back after a complete response, which is progression whatever its size. */
  readonly reappeared: boolean;
  readonly volumeMl: number | null;
  readonly volumeNadirMl: number | null;
  readonly volumeFromBaseline: number | null;
  readonly volumeFromNadir: number | null;
  /** What the volumes of the target lesions say. Not part of RECIST. */
  readonly volumetric: TargetResponse | null;
  /** Both were evaluated and say different things; null where one was not. */
  readonly disagrees: boolean | null;
}

export interface AssessedCourse {
  readonly patient: string;
  readonly targets: number;
  readonly nonTargets: number;
  readonly timePoints: readonly AssessedTimePoint[];
  readonly best: BestOverallResponse;
  /** Largest decrease (or smallest increase) of the sum from the baseline, for the waterfall plot; null without a sum. */
  readonly bestChange: number | null;
  /** The same of the volume. */
  readonly bestVolumeChange: number | null;
}

/**
 * One patient's responses at every time point and over all of them. Time points after the first progression are assessed by
 * the same rules; they do not count for the best response.
 */
export function assessCourse(
  { patient, lesions, timePoints }: Course,
  settings: AssessmentSettings = defaultAssessment,
): AssessedCourse {
  const targets = lesions.filter(({ role }) => role === "target");
  const nonTargets = lesions.filter(({ role }) => role === "non-target");
  const appeared = newLesions(
    lesions.filter(({ role }) => role === "new"),
    timePoints,
  );
  const assessed: AssessedTimePoint[] = [];
  let nadirMm: number | null = null;
  let volumeNadirMl: number | null = null;
  let complete = false;
  for (const [t, timePoint] of timePoints.entries()) {
    const sum = targetSum(targets, timePoint);
    const sumMm = targets.length === 0 ? null : sum.sumMm;
    const volumeMl = targetVolumeMl(targets, timePoint);
    const first = assessed.at(0);
    const baselineMm = first?.sumMm ?? null;
    const baselineMl = first?.volumeMl ?? null;
    const nonTarget = t === 0 ? null : nonTargetResponse(nonTargets, timePoint);
    let target: TargetResponse | null = null;
    let volumetric: TargetResponse | null = null;
    if (t > 0 && targets.length > 0) {
      target = baselineMm === null || nadirMm === null ? "NE" : targetResponse(sum, baselineMm, nadirMm);
      volumetric = volumetricResponse(targets, timePoint, volumeMl, baselineMl, volumeNadirMl, settings.volumetric);
    }
    const reappeared = complete && diseaseIsBack(targets, nonTargets, timePoint);
    const overall = t === 0 ? null : reappeared ? "PD" : overallResponse(target, nonTarget, appeared[t]);
    if (overall === "CR") complete = true;
    assessed.push({
      timePoint: timePoint.name,
      day: timePoint.day - timePoints[0].day,
      sumMm,
      nadirMm,
      fromBaseline: change(sumMm, baselineMm),
      fromNadir: change(sumMm, nadirMm),
      notEvaluated: sum.notEvaluated,
      target,
      nonTarget,
      newLesions: appeared[t],
      overall,
      reappeared,
      volumeMl,
      volumeNadirMl,
      volumeFromBaseline: change(volumeMl, baselineMl),
      volumeFromNadir: change(volumeMl, volumeNadirMl),
      volumetric,
      disagrees: baselineMl === null || target === null || target === "NE" || volumetric === "NE" ? null : target !== volumetric,
    });
    nadirMm = smaller(nadirMm, sumMm);
    volumeNadirMl = smaller(volumeNadirMl, volumeMl);
  }
  const later = assessed.slice(1);
  return {
    patient,
    targets: targets.length,
    nonTargets: nonTargets.length,
    timePoints: assessed,
    best: bestOverallResponse(
      later.map(({ day, overall }) => ({ day, response: overall! })),
      { ...settings, targets: targets.length > 0 },
    ),
    bestChange: smallest(later.map(({ fromBaseline }) => fromBaseline)),
    bestVolumeChange: smallest(later.map(({ volumeFromBaseline }) => volumeFromBaseline)),
  };
}

/**
 * After a complete response, any lesion that is there again is progression (RECIST 1.1, Table 3, footnote, and appendix on
 * lesions that reappear). Lymph nodes stay under the rules of the sum: those of normal size had never gone.
 */
function diseaseIsBack(
  targets: readonly FollowedLesion[],
  nonTargets: readonly FollowedLesion[],
  { findings }: TimePoint,
): boolean {
  const back = (lesion: FollowedLesion): boolean => (targetDiameterMm(lesion, findings.get(lesion.id)) ?? 0) > 0;
  const there = ({ id }: FollowedLesion): boolean => {
    const state = findings.get(id)?.state ?? "not-evaluated";
    return state !== "absent" && state !== "merged" && state !== "not-evaluated";
  };
  return targets.some((lesion) => !lesion.node && back(lesion)) || nonTargets.some((lesion) => !lesion.node && there(lesion));
}

function change(now: number | null, before: number | null): number | null {
  return now === null || before === null || before === 0 ? null : (now - before) / before;
}

function smaller(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

function smallest(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(smaller, null);
}
