import type { FollowedLesion, TimePoint } from "./course.ts";
import { NORMAL_NODE_MM } from "./target.ts";

/** Response of the non-target lesions (RECIST 1.1, 4.3.3). NE: not all of them were evaluated. Null: there are none. */
export type NonTargetResponse = "CR" | "non-CR/non-PD" | "PD" | "NE" | null;

/**
 * Progression of one is progression of all; tumour markers are not looked at.
 *
 * @param lesions the non-target lesions.
 */
export function nonTargetResponse(lesions: readonly FollowedLesion[], { findings }: TimePoint): NonTargetResponse {
  if (lesions.length === 0) return null;
  const states = lesions.map(({ id, node }) => {
    const finding = findings.get(id);
    if (finding === undefined || finding.state === "not-evaluated") return "not evaluated";
    if (finding.state === "progression") return "progression";
    if (finding.state === "absent" || finding.state === "merged") return "gone";
    return node && finding.shortMm !== null && finding.shortMm < NORMAL_NODE_MM ? "gone" : "there";
  });
  if (states.includes("progression")) return "PD";
  if (states.includes("not evaluated")) return "NE";
  return states.every((state) => state === "gone") ? "CR" : "non-CR/non-PD";
}

/** Whether lesions have come since the baseline, surely or perhaps. */
export type NewLesions = "no" | "equivocal" | "yes";

/**
 * A lesion that was equivocal at first and is confirmed later was new when it was first seen (4.3.5): time points are
 * judged with what became known later. Once a lesion is new, it stays so.
 *
 * @returns for every time point.
 */
export function newLesions(lesions: readonly FollowedLesion[], timePoints: readonly TimePoint[]): NewLesions[] {
  const seen = lesions.flatMap(({ id }) => {
    const states = timePoints.map(({ findings }) => findings.get(id)?.state ?? "not-evaluated");
    const first = states.findIndex((state) => state !== "absent" && state !== "not-evaluated");
    if (first < 0) return [];
    const confirmed = states.some((state) => state !== "absent" && state !== "not-evaluated" && state !== "equivocal");
    return [{ first, confirmed, states }];
  });
  return timePoints.map((_, t) => {
    if (seen.some(({ first, confirmed }) => confirmed && first <= t)) return "yes";
    return seen.some(({ states }) => states[t] === "equivocal") ? "equivocal" : "no";
  });
}
