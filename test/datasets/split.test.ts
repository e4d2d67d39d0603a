import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { foldsByPatient, splitByPatient } from "../../methods/datasets/split.ts";
import { InputError } from "../../methods/inputError.ts";

const entriesOf = (patients: readonly string[]) => patients.map((patient, i) => ({ id: `${patient}-${i}`, patient }));
const testedOf = (sides: ReadonlyMap<string, string>) =>
  [...sides].filter(([, side]) => side === "test").map(([patient]) => patient);

describe("splitByPatient", () => {
  test.prop([
    fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 60 }),
    fc.nat(1000),
    fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  ])("keeps the share, and does not depend on the order or the number of a patient's lesions", (patients, seed, testFraction) => {
    const sides = splitByPatient(entriesOf(patients), { testFraction, seed });
    expect([...sides.keys()].sort()).toEqual([...patients].sort());
    const share = testedOf(sides).length;
    expect(share).toBe(Math.min(Math.max(Math.round(patients.length * testFraction), 1), patients.length - 1));
    const again = splitByPatient(entriesOf([...patients].reverse().flatMap((patient) => [patient, patient])), {
      testFraction,
      seed,
    });
    for (const [patient, side] of sides) expect(again.get(patient)).toBe(side);
  });

  it("moves few patients when one is added: each patient's number is its own", () => {
    const patients = Array.from({ length: 100 }, (_, i) => `p${i}`);
    const before = splitByPatient(entriesOf(patients), { testFraction: 0.2, seed: 7 });
    const after = splitByPatient(entriesOf([...patients, "new"]), { testFraction: 0.2, seed: 7 });
    expect([...before].filter(([patient, side]) => after.get(patient) !== side).length).toBeLessThanOrEqual(1);
    const other = splitByPatient(entriesOf(patients), { testFraction: 0.2, seed: 8 });
    expect(testedOf(other)).not.toEqual(testedOf(before));
  });

  it("gives one side all patients only where that is asked for, or there is one", () => {
    expect(testedOf(splitByPatient(entriesOf(["a", "b"]), { testFraction: 0.01, seed: 1 }))).toHaveLength(1);
    expect(testedOf(splitByPatient(entriesOf(["a", "b"]), { testFraction: 0, seed: 1 }))).toHaveLength(0);
    expect(testedOf(splitByPatient(entriesOf(["a", "b"]), { testFraction: 1, seed: 1 }))).toHaveLength(2);
    expect(testedOf(splitByPatient(entriesOf(["a"]), { testFraction: 0.2, seed: 1 }))).toHaveLength(0);
    expect(() => splitByPatient([], { testFraction: 1.5, seed: 1 })).toThrow(InputError);
  });

  it("takes the official split: validation trains", () => {
    const entries = [
      { id: "1", patient: "a", officialSplit: "train" as const },
      { id: "2", patient: "b", officialSplit: "validation" as const },
      { id: "3", patient: "c", officialSplit: "test" as const },
      { id: "4", patient: "a", officialSplit: "validation" as const },
    ];
    expect([...splitByPatient(entries, { official: true })]).toEqual([
      ["a", "train"],
      ["b", "train"],
      ["c", "test"],
    ]);
    expect(() =>
      splitByPatient([...entries, { id: "5", patient: "c", officialSplit: "train" as const }], { official: true }),
    ).toThrow(/patient c on both sides/);
    expect(() => splitByPatient(entriesOf(["x"]), { official: true })).toThrow(/x-0: has no official split/);
  });
});

describe("foldsByPatient", () => {
  test.prop([
    fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 5, maxLength: 40 }),
    fc.nat(1000),
    fc.integer({ min: 2, max: 5 }),
  ])("deals patients to folds that differ by one at most, whatever the order", (patients, seed, folds) => {
    const foldOf = foldsByPatient(entriesOf(patients), { folds, seed });
    const sizes = Array.from({ length: folds }, (_, fold) => [...foldOf.values()].filter((own) => own === fold).length);
    expect(sizes.reduce((a, b) => a + b)).toBe(patients.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    const again = foldsByPatient(entriesOf([...patients, ...patients].reverse()), { folds, seed });
    for (const [patient, fold] of foldOf) expect(again.get(patient)).toBe(fold);
  });

  it("does not repeat the draw of the split, and refuses a fold without a patient", () => {
    const entries = entriesOf(Array.from({ length: 50 }, (_, i) => `p${i}`));
    const tested = new Set(testedOf(splitByPatient(entries, { testFraction: 0.2, seed: 1 })));
    const first = [...foldsByPatient(entries, { folds: 5, seed: 1 })]
      .filter(([, fold]) => fold === 0)
      .map(([patient]) => patient);
    expect(first).toHaveLength(10);
    expect(first.filter((patient) => tested.has(patient)).length).toBeLessThan(10);
    expect(() => foldsByPatient(entriesOf(["a", "b"]), { folds: 3, seed: 1 })).toThrow(InputError);
  });
});
