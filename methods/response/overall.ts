import type { NewLesions, NonTargetResponse } from "./nonTarget.ts";
import type { TargetResponse } from "./target.ts";

/** Response of a patient at one time point. `non-CR/non-PD` stands for SD where there are no target lesions. */
export type OverallResponse = TargetResponse | "non-CR/non-PD";

/**
 * Tables 1 and 2 of RECIST 1.1. What is only perhaps new changes nothing.
 *
 * @param target null where the patient has no target lesion: then Table 2.
 * @throws RangeError where the patient has no lesion at all.
 */
export function overallResponse(
  target: TargetResponse | null,
  nonTarget: NonTargetResponse,
  newLesion: NewLesions,
): OverallResponse {
  if (target === null && nonTarget === null) throw new RangeError("a patient without lesions has no response");
  if (target === "PD" || nonTarget === "PD" || newLesion === "yes") return "PD";
  if (target === null) return nonTarget as Exclude<NonTargetResponse, null>;
  if (target === "CR") return nonTarget === "CR" || nonTarget === null ? "CR" : "PR";
  return target;
}
