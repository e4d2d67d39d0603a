/**
 * How a lesion was found at one time point. `measured`: by its diameters. `too-small`: seen, but too small to measure.
 * `merged`: grown together with another lesion, which carries the measurement of both. `present`: seen and not measured.
 * `progression`: unequivocal progression of a lesion that is not measured. `equivocal`: it may be a new lesion or not.
 */
export const findingStates = [
  "measured",
  "too-small",
  "absent",
  "merged",
  "present",
  "progression",
  "equivocal",
  "not-evaluated",
] as const;
export type FindingState = (typeof findingStates)[number];

/** One lesion at one time point. */
export interface Finding {
  readonly state: FindingState;
  /** Longest diameter in mm; of a lesion that has split, the sum over its parts. Null where it was not measured. */
  readonly longMm: number | null;
  /** Short axis in mm. */
  readonly shortMm: number | null;
  readonly volumeMl: number | null;
}

/** The parts that lesions have: measured and summed, looked at, or not there at baseline. */
export const lesionRoles = ["target", "non-target", "new"] as const;
export type LesionRole = (typeof lesionRoles)[number];

/** A lesion that is followed over time. */
export interface FollowedLesion {
  readonly id: string;
  readonly organ: string;
  /** Lymph nodes are measured by their short axis. */
  readonly node: boolean;
  readonly role: LesionRole;
}

export interface TimePoint {
  readonly name: string;
  /** Days since any fixed day. */
  readonly day: number;
  /** By the lesion's id. A lesion that is not in here was not evaluated. */
  readonly findings: ReadonlyMap<string, Finding>;
}

/** One patient over time: what RECIST 1.1 assesses. */
export interface Course {
  readonly patient: string;
  readonly lesions: readonly FollowedLesion[];
  /** Ascending in days; the first one is the baseline. */
  readonly timePoints: readonly TimePoint[];
}
