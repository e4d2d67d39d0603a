import type { FollowedLesion, TimePoint } from "./course.ts";
import { type TargetResponse, targetSum } from "./target.ts";

/**
 * From which change on the summed volume of the target lesions counts as a response or a progression. RECIST 1.1 has no
 * such rule. −65 % and +73 % are what −30 % and +20 % of the diameter are for a sphere: 0.7³ = 0.343, 1.2³ = 1.728.
 */
export interface VolumetricThresholds {
  /** Part of the baseline volume that must be gone for PR. */
  readonly partialResponse: number;
  /** Growth over the smallest volume, as a part of it, for PD. */
  readonly progression: number;
}

export const sphericalEquivalents: VolumetricThresholds = { partialResponse: 0.65, progression: 0.73 };

const ROUNDING = 1e-9;

/**
 * Summed volume of the target lesions in ml; null where one was not measured. A lesion that is absent or has merged into
 * another has none; one too small to measure counts what it was given, else its volume is not known.
 */
export function targetVolumeMl(targets: readonly FollowedLesion[], { findings }: TimePoint): number | null {
  let sum = 0;
  for (const { id } of targets) {
    const finding = findings.get(id);
    if (finding === undefined) return null;
    if (finding.state === "absent" || finding.state === "merged") continue;
    if (finding.volumeMl === null || (finding.state !== "measured" && finding.state !== "too-small")) return null;
    sum += finding.volumeMl;
  }
  return targets.length === 0 ? null : sum;
}

/**
 * The target lesions' response by volume. CR is that of RECIST: a lesion has disappeared, however it is measured.
 *
 * @param volumeMl null, here or of the baseline: not evaluated.
 * @param nadirMl smallest volume before this time point, the baseline's included.
 */
export function volumetricResponse(
  targets: readonly FollowedLesion[],
  timePoint: TimePoint,
  volumeMl: number | null,
  baselineMl: number | null,
  nadirMl: number | null,
  { partialResponse, progression }: VolumetricThresholds,
): TargetResponse {
  if (targetSum(targets, timePoint).disappeared) return "CR";
  if (volumeMl === null || baselineMl === null || nadirMl === null) return "NE";
  if (volumeMl > nadirMl && volumeMl >= (1 + progression) * nadirMl * (1 - ROUNDING)) return "PD";
  return volumeMl <= (1 - partialResponse) * baselineMl * (1 + ROUNDING) ? "PR" : "SD";
}
