import type { Course, Finding, FindingState, LesionRole } from "../../methods/response/course.ts";

/** What a lesion was at each time point: its decisive diameter in mm, or a state; undefined: not in the table. */
export type Written = number | FindingState | undefined;

export const finding = (written: number | FindingState, node: boolean): Finding => {
  if (typeof written !== "number") return { state: written, longMm: null, shortMm: null, volumeMl: null };
  return { state: "measured", longMm: node ? null : written, shortMm: node ? written : null, volumeMl: null };
};

/** A patient with a time point every `every` days. Names: `T` targets, `N` nodal targets, `X` non-targets, `W` new lesions. */
export function courseOf(lesions: Readonly<Record<string, readonly Written[]>>, every = 56): Course {
  const roles: Readonly<Record<string, LesionRole>> = { T: "target", N: "target", X: "non-target", W: "new" };
  const entries = Object.entries(lesions);
  return {
    patient: "P",
    lesions: entries.map(([id]) => ({ id, organ: id, node: id.startsWith("N"), role: roles[id[0]] })),
    timePoints: entries[0][1].map((_, t) => ({
      name: `t${t}`,
      day: t * every,
      findings: new Map(
        entries.flatMap(([id, written]) => {
          const one = written[t];
          return one === undefined ? [] : [[id, finding(one, id.startsWith("N"))] as const];
        }),
      ),
    })),
  };
}
