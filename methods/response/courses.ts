import { InputError, throwTogether } from "../inputError.ts";
import type { Course, Finding, FindingState, FollowedLesion, LesionRole, TimePoint } from "./course.ts";
import type { MeasurementRow } from "./measurementRows.ts";

/** What a lesion of each part can be found as at baseline, and later. */
const allowed: Readonly<
  Record<LesionRole, { readonly baseline: readonly FindingState[]; readonly later: readonly FindingState[] }>
> = {
  target: { baseline: ["measured"], later: ["measured", "too-small", "absent", "merged", "not-evaluated"] },
  "non-target": {
    baseline: ["measured", "too-small", "present"],
    later: ["measured", "too-small", "present", "absent", "merged", "progression", "not-evaluated"],
  },
  new: {
    baseline: ["absent", "not-evaluated"],
    later: ["measured", "too-small", "present", "equivocal", "absent", "merged", "progression", "not-evaluated"],
  },
};

/**
 * Puts the rows of a table together: patients in the order of the table, their time points by day. A lesion without a row at
 * a time point was not evaluated there.
 *
 * @throws InputError for all that contradicts itself or cannot be assessed, at the rows' places.
 */
export function coursesOf(rows: readonly MeasurementRow[]): Course[] {
  const problems: InputError[] = [];
  const courses = [...grouped(rows, ({ patient }) => patient)].map(([patient, own]) => courseOf(patient, own, problems));
  throwTogether(problems);
  return courses;
}

function courseOf(patient: string, rows: readonly MeasurementRow[], problems: InputError[]): Course {
  const problem = (where: string, what: string, remedy?: string): void => {
    problems.push(new InputError(what, where, remedy));
  };
  const days = [...grouped(rows, ({ timePoint }) => timePoint)]
    .map(([name, own]) => ({ name, own, day: own.reduce((first, { day }) => Math.min(first, day), Infinity) }))
    .sort((a, b) => a.day - b.day);
  for (const [i, { name, day, own }] of days.entries()) {
    if (i > 0 && days[i - 1].day === day)
      problem(own[0].where, `time points "${days[i - 1].name}" and "${name}" are on one day`, "give one name to one assessment");
  }
  const baseline = days[0].name;

  const lesions: FollowedLesion[] = [];
  const findings = new Map<string, Map<string, Finding>>(days.map(({ name }) => [name, new Map()]));
  for (const [id, own] of grouped(rows, ({ lesion }) => lesion)) {
    const role = agreed(own, "role", problem);
    const lesion = {
      id,
      role: role ?? "target",
      organ: agreed(own, "organ", problem) ?? "",
      node: agreed(own, "node", problem) ?? false,
    };
    lesions.push(lesion);
    if (role === null) {
      problem(own[0].where, `lesion "${id}" has no role`, "say target, non-target or new in one of its rows");
      continue;
    }
    for (const row of own) {
      const atBaseline = row.timePoint === baseline;
      const finding = findingOf(row, lesion, atBaseline, problem);
      const there = findings.get(row.timePoint)!;
      if (there.has(id)) problem(row.where, `lesion "${id}" has another row at time point "${row.timePoint}"`, "give one");
      if (finding !== null) there.set(id, finding);
    }
    if (role !== "new" && !own.some(({ timePoint }) => timePoint === baseline))
      problem(
        own[0].where,
        `${role} lesion "${id}" is not there at baseline ("${baseline}")`,
        "a lesion that comes later has the role new",
      );
  }
  if (!lesions.some(({ role }) => role !== "new"))
    problem(rows[0].where, `patient "${patient}" has no lesion at baseline`, "RECIST 1.1 needs a target or a non-target lesion");
  const timePoints = days.map(({ name, day }): TimePoint => ({ name, day, findings: findings.get(name)! }));
  return { patient, lesions, timePoints };
}

type Report = (where: string, what: string, remedy?: string) => void;

/** What a lesion's rows say about it; they may be silent but not differ. */
function agreed<K extends "role" | "organ" | "node">(
  rows: readonly MeasurementRow[],
  key: K,
  problem: Report,
): MeasurementRow[K] | null {
  let value: MeasurementRow[K] | null = null;
  for (const row of rows) {
    if (row[key] === null) continue;
    if (value !== null && value !== row[key])
      problem(row.where, `${key} of lesion "${row.lesion}" is ${shown(row[key])} here and ${shown(value)} above`);
    value ??= row[key];
  }
  return value;
}

const shown = (value: string | boolean | null): string => (typeof value === "boolean" ? (value ? "yes" : "no") : `"${value}"`);

function findingOf(row: MeasurementRow, lesion: FollowedLesion, atBaseline: boolean, problem: Report): Finding | null {
  const { role, node } = lesion;
  const { longMm, shortMm, volumeMl, where } = row;
  const diameterMm = node ? shortMm : longMm;
  const gone = diameterMm === 0 || (longMm === 0 && shortMm === null);
  const state =
    row.state ?? (gone ? "absent" : diameterMm !== null || role !== "target" ? measuredOr(diameterMm, "present") : null);
  const name = `${role} lesion "${lesion.id}"`;
  if (longMm !== null && shortMm !== null && shortMm > longMm) {
    problem(where, `the short axis of ${name}, ${shortMm} mm, is longer than its long one, ${longMm} mm`);
    return null;
  }
  if (state === null || (state === "measured" && (diameterMm === null || gone))) {
    const column = node ? "short_mm" : "long_mm";
    problem(where, `${name} has no ${column}`, "give it, or say in column state why there is none");
    return null;
  }
  if (state === "absent" && diameterMm !== null && !gone) {
    problem(where, `${name} is absent and measures ${diameterMm} mm`, "leave one out");
    return null;
  }
  const states = allowed[role][atBaseline ? "baseline" : "later"];
  if (!states.includes(state)) {
    problem(where, `${name} is ${state} ${atBaseline ? "at baseline" : "here"}`, `it can be ${states.join(", ")}`);
    return null;
  }
  return { state, longMm, shortMm, volumeMl };
}

function measuredOr(diameterMm: number | null, otherwise: FindingState): FindingState {
  return diameterMm === null ? otherwise : "measured";
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
