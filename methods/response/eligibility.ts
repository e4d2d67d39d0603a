import type { Course, FollowedLesion } from "./course.ts";
import { NORMAL_NODE_MM } from "./target.ts";

const MOST_TARGETS = 5;
const MOST_PER_ORGAN = 2;
const MEASURABLE_MM = 10;
const MEASURABLE_NODE_MM = 15;

/**
 * What the choice of lesions at baseline has against RECIST 1.1 (sections 3 and 4.2): more than five targets, more than two in
 * one organ (lymph nodes are one), targets that are not measurable, nodes that are normal. The assessment is carried out
 * all the same; whether to accept it is the trial's decision.
 */
export function baselineObjections({ lesions, timePoints: [baseline] }: Course): string[] {
  const targets = lesions.filter(({ role }) => role === "target");
  const objections: string[] = [];
  if (targets.length > MOST_TARGETS) objections.push(`has ${targets.length} target lesions; RECIST 1.1 allows ${MOST_TARGETS}`);
  for (const [organ, count] of countsByOrgan(targets)) {
    if (count > MOST_PER_ORGAN)
      objections.push(`has ${count} target lesions in one organ (${organ}); RECIST 1.1 allows ${MOST_PER_ORGAN}`);
  }
  for (const { id, node, role } of lesions) {
    const finding = baseline.findings.get(id);
    const diameterMm = node ? finding?.shortMm : finding?.longMm;
    if (diameterMm === null || diameterMm === undefined) continue;
    const axis = node ? "short axis" : "longest diameter";
    const needed = node ? MEASURABLE_NODE_MM : MEASURABLE_MM;
    if (role === "target" && diameterMm < needed)
      objections.push(
        `lesion ${id} is a ${node ? "nodal " : ""}target with a ${axis} of ${diameterMm} mm; measurable is from ${needed} mm`,
      );
    if (role === "non-target" && node && diameterMm < NORMAL_NODE_MM)
      objections.push(
        `lesion ${id} is a lymph node with a ${axis} of ${diameterMm} mm, which is normal below ${NORMAL_NODE_MM} mm`,
      );
  }
  return objections;
}

function countsByOrgan(targets: readonly FollowedLesion[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { organ, node } of targets) {
    const name = node ? "lymph nodes" : organ.toLowerCase();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
