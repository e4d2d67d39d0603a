import type { Finding, FollowedLesion, TimePoint } from "./course.ts";

/** Response of the target lesions (RECIST 1.1, 4.3.1). NE: not all of them were evaluated. */
export type TargetResponse = "CR" | "PR" | "SD" | "PD" | "NE";

/** Short axis in mm below which a lymph node is normal. */
export const NORMAL_NODE_MM = 10;
/** What a lesion counts that is seen but too small to measure (4.3.2). */
export const TOO_SMALL_MM = 5;
const PARTIAL_RESPONSE = 0.3;
const PROGRESSION = 0.2;
const PROGRESSION_MM = 5;
/** Differences by rounding alone, e.g. 1.2 × 50, decide nothing. */
const ROUNDING_MM = 1e-9;

export interface TargetSum {
  /** Sum of diameters in mm: longest ones, of lymph nodes the short axes. Null where a lesion was not evaluated. */
  readonly sumMm: number | null;
  /** The same over the lesions that were evaluated: a lower bound of the sum. */
  readonly evaluatedMm: number;
  readonly notEvaluated: readonly string[];
  /** Everything but lymph nodes has disappeared, and these are normal. */
  readonly disappeared: boolean;
}

/** What one target lesion adds to the sum, mm; null where it was not evaluated. */
export function targetDiameterMm({ node }: FollowedLesion, finding: Finding | undefined): number | null {
  switch (finding?.state) {
    case "measured":
      return node ? finding.shortMm : finding.longMm;
    case "too-small":
      return (node ? finding.shortMm : finding.longMm) ?? TOO_SMALL_MM;
    case "absent":
    case "merged":
      return 0;
    default:
      return null;
  }
}

/** @param targets the target lesions. */
export function targetSum(targets: readonly FollowedLesion[], { findings }: TimePoint): TargetSum {
  const diameters = targets.map((lesion) => targetDiameterMm(lesion, findings.get(lesion.id)));
  const notEvaluated = targets.filter((_, i) => diameters[i] === null).map(({ id }) => id);
  const evaluatedMm = diameters.reduce<number>((sum, diameter) => sum + (diameter ?? 0), 0);
  return {
    sumMm: notEvaluated.length === 0 ? evaluatedMm : null,
    evaluatedMm,
    notEvaluated,
    disappeared: targets.every(
      ({ node }, i) => diameters[i] !== null && (node ? diameters[i] < NORMAL_NODE_MM : diameters[i] === 0),
    ),
  };
}

/**
 * Response of the target lesions at one time point after the baseline. Complete disappearance goes before growth, which
 * among normal lymph nodes means nothing, and growth before a remaining distance from the baseline. Where lesions were not
 * evaluated, the response is NE unless the others alone have grown enough for PD (4.4.2).
 *
 * @param baselineMm sum at baseline.
 * @param nadirMm smallest sum before this time point, the baseline's included.
 */
export function targetResponse(sum: TargetSum, baselineMm: number, nadirMm: number): TargetResponse {
  if (sum.disappeared) return "CR";
  const growthMm = sum.evaluatedMm - nadirMm;
  if (growthMm >= PROGRESSION * nadirMm - ROUNDING_MM && growthMm >= PROGRESSION_MM - ROUNDING_MM) return "PD";
  if (sum.sumMm === null) return "NE";
  return sum.sumMm <= (1 - PARTIAL_RESPONSE) * baselineMm + ROUNDING_MM ? "PR" : "SD";
}
