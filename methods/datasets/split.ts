import { InputError } from "../inputError.ts";
import { randomStream } from "../random.ts";
import type { SourceEntry } from "./lesionCase.ts";

export type Side = "train" | "test";

/** A share of the patients drawn by seed, or the source's own split: train and validation against test. */
export type Split = { readonly testFraction: number; readonly seed: number } | { readonly official: true };

/**
 * The side of every patient; all lesions of a patient fall on the same side.
 *
 * Drawn: patients are ordered by a number that only (seed, patient) decides, so that the split does not depend on the
 * order of the entries; the first ⌊n · testFraction⌉ are tested, at least one and not all where the fraction is neither
 * 0 nor 1 and there are two patients.
 *
 * @throws InputError where the official split is asked for and an entry has none, or a patient is on both sides of it.
 */
export function splitByPatient(
  entries: readonly Pick<SourceEntry, "id" | "patient" | "officialSplit">[],
  split: Split,
): Map<string, Side> {
  return "official" in split ? officialSides(entries) : drawnSides(entries, split);
}

function drawnSides(
  entries: readonly Pick<SourceEntry, "patient">[],
  { testFraction, seed }: { testFraction: number; seed: number },
): Map<string, Side> {
  if (!(testFraction >= 0 && testFraction <= 1))
    throw new InputError(`test fraction is ${testFraction}`, undefined, "give a part from 0 to 1, e.g. 0.2");
  const patients = drawnOrder(entries, seed, "split");
  const whole = testFraction === 0 || testFraction === 1 || patients.length < 2;
  const rounded = Math.round(patients.length * testFraction);
  const tested = whole ? rounded : Math.min(Math.max(rounded, 1), patients.length - 1);
  return new Map(patients.map((patient, i) => [patient, i < tested ? "test" : "train"]));
}

function officialSides(entries: readonly Pick<SourceEntry, "id" | "patient" | "officialSplit">[]): Map<string, Side> {
  const sides = new Map<string, Side>();
  for (const { id, patient, officialSplit } of entries) {
    if (officialSplit === undefined) throw new InputError("has no official split", id, "split by patient instead");
    const side = officialSplit === "test" ? "test" : "train";
    if ((sides.get(patient) ?? side) !== side)
      throw new InputError(`the official split has patient ${patient} on both sides`, id, "split by patient instead");
    sides.set(patient, side);
  }
  return sides;
}

/**
 * The fold in which each patient is tested, 0 … folds − 1; all lesions of a patient fall in the same fold, so that every
 * lesion is tested in exactly one. Patients are dealt to the folds in the order of a number that only (seed, patient)
 * decides, so the folds differ by at most one patient and do not depend on the order of the entries.
 *
 * @throws InputError where there are fewer patients than folds: a fold would test nobody.
 */
export function foldsByPatient(
  entries: readonly Pick<SourceEntry, "patient">[],
  { folds, seed }: { readonly folds: number; readonly seed: number },
): Map<string, number> {
  const patients = drawnOrder(entries, seed, "fold");
  if (patients.length < folds)
    throw new InputError(
      `${patients.length} patients cannot be divided into ${folds} folds`,
      undefined,
      "give fewer folds or more patients",
    );
  return new Map(patients.map((patient, i) => [patient, i % folds]));
}

/** The patients in the order of a number that only (seed, purpose, patient) decides. */
export function drawnOrder(entries: readonly Pick<SourceEntry, "patient">[], seed: number, purpose: string): string[] {
  const patients = [...new Set(entries.map(({ patient }) => patient))];
  const draw = new Map(patients.map((patient) => [patient, randomStream(seed, `${purpose} of patient ${patient}`).uniform()]));
  const key = (patient: string): number => draw.get(patient) as number;
  return patients.sort((a, b) => key(a) - key(b) || (a < b ? -1 : 1));
}
