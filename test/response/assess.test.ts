import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { assessCourse, defaultAssessment } from "../../methods/response/assess.ts";
import { courseOf, type Written } from "./courseOf.ts";

const overall = (lesions: Record<string, readonly Written[]>) =>
  assessCourse(courseOf(lesions))
    .timePoints.slice(1)
    .map(({ overall: response }) => response);

/** Cases derived by hand from Eisenhauer et al. 2009, sections 4.3 and 4.4. */
describe("the response at every time point", () => {
  it.each<[string, Record<string, readonly Written[]>, string[]]>([
    ["−30 % of the baseline is PR", { T: [100, 70] }, ["PR"]],
    ["−29 % is SD", { T: [100, 71] }, ["SD"]],
    ["+20 % over the baseline is PD", { T: [50, 60] }, ["PD"]],
    ["+19 % is SD", { T: [50, 59.5] }, ["SD"]],
    ["+20 % by less than 5 mm is SD", { T: [20, 24.9] }, ["SD"]],
    ["+25 % by 5 mm is PD", { T: [20, 25] }, ["PD"]],
    ["5 mm that are less than 20 % are SD", { T: [60, 66] }, ["SD"]],
    ["growth counts from the nadir, not from the baseline", { T: [100, 40, 48] }, ["PR", "PD"]],
    ["growth from the nadir by less than 20 % leaves a PR", { T: [100, 40, 47] }, ["PR", "PR"]],
    ["the nadir is the smallest of all earlier sums", { T: [100, 60, 45, 53, 55] }, ["PR", "PR", "PR", "PD"]],
    ["the baseline is the nadir where nothing has shrunk", { T: [50, 55, 60] }, ["SD", "PD"]],
    ["0.2 × 50 and 0.7 × 10.1 are not lost to rounding", { T: [50.1, 35.07] }, ["PR"]],
    ["diameters are summed over the targets", { T1: [40, 20], T2: [60, 50] }, ["PR"]],
    ["everything gone is CR", { T1: [40, "absent"], T2: [10, "absent"] }, ["CR"]],
    ["a lymph node below 10 mm does not prevent CR, though the sum is not 0", { T: [40, "absent"], N: [20, 9] }, ["CR"]],
    ["a lymph node of 10 mm does", { T: [40, "absent"], N: [20, 10] }, ["PR"]],
    ["lymph nodes that grow and stay normal are CR, not PD", { N1: [15, 3, 9], N2: [15, 3, 8] }, ["CR", "CR"]],
    ["too small to measure counts 5 mm", { T: [16, "too-small"] }, ["PR"]],
    ["… and is not gone", { T1: [16, "too-small"], T2: [20, "absent"] }, ["PR"]],
    ["from 0 to too small to measure is PD after CR", { T: [16, "absent", "too-small"] }, ["CR", "PD"]],
    ["a lesion that is back after a complete response is PD, however small", { T: [50, "absent", 3] }, ["CR", "PD"]],
    ["a lesion that is back while others remain is added to the sum", { T1: [50, "absent", 8], T2: [50, 40, 40] }, ["PR", "PD"]],
    ["… and may leave a PR", { T1: [50, "absent", 4], T2: [50, 40, 40] }, ["PR", "PR"]],
    ["lesions that merge are measured as one", { T1: [20, "merged"], T2: [20, 38] }, ["SD"]],
    ["a target that was not evaluated makes NE", { T1: [30, 10], T2: [20, "not-evaluated"] }, ["NE"]],
    ["… and so does one without a row", { T1: [30, 10], T2: [20, undefined] }, ["NE"]],
    ["… but for PD by the others alone (4.4.2)", { T1: [20, 60], T2: [30, undefined] }, ["PD"]],
    ["a sum that is not complete is no nadir", { T1: [30, 10, 26], T2: [20, undefined, 20] }, ["NE", "SD"]],
    ["a new lesion is PD whatever the targets do", { T: [100, 30], W: [undefined, "present"] }, ["PD"]],
    ["… and where these were not evaluated", { T: [100, undefined], W: [undefined, 12] }, ["PD"]],
    ["an equivocal lesion changes nothing", { T: [100, 60], W: [undefined, "equivocal"] }, ["PR"]],
    [
      "confirmed later, it was new when it was first seen (4.3.5)",
      { T: [100, 60, 60], W: [undefined, "equivocal", "present"] },
      ["PD", "PD"],
    ],
    ["not confirmed, it was not", { T: [100, 60, 60], W: [undefined, "equivocal", "absent"] }, ["PR", "PR"]],
    ["unequivocal progression of a non-target is PD", { T: [100, 50], X: ["present", "progression"] }, ["PD"]],
    ["all targets gone and a non-target left is PR", { T: [40, "absent"], X: ["present", "present"] }, ["PR"]],
    ["all targets gone and a non-target not evaluated is PR", { T: [40, "absent"], X: ["present", undefined] }, ["PR"]],
    ["all gone is CR", { T: [40, "absent"], X: ["present", "absent"] }, ["CR"]],
    [
      "a non-target that is back after CR is PD",
      { T: [40, "absent", "absent"], X: ["present", "absent", "present"] },
      ["CR", "PD"],
    ],
    ["PR stays where non-targets were not evaluated", { T: [40, 20], X: ["present", undefined] }, ["PR"]],
    ["without targets: left is non-CR/non-PD", { X: ["present", "present"] }, ["non-CR/non-PD"]],
    ["without targets: gone is CR", { X: ["present", "absent"] }, ["CR"]],
    ["without targets: not evaluated is NE", { X1: ["present", "present"], X2: ["present", undefined] }, ["NE"]],
    ["without targets: a new lesion is PD", { X: ["present", "absent"], W: [undefined, "present"] }, ["PD"]],
  ])("%s", (_, lesions, expected) => {
    expect(overall(lesions)).toEqual(expected);
  });

  it("says sums, nadirs and changes", () => {
    const [first, second, third] = assessCourse(courseOf({ T: [50, 30, 36], N: [20, 12, 14] })).timePoints;
    expect(first).toMatchObject({ sumMm: 70, nadirMm: null, overall: null, target: null, fromBaseline: null });
    expect(second).toMatchObject({ sumMm: 42, nadirMm: 70, fromBaseline: -0.4, fromNadir: -0.4, target: "PR", day: 56 });
    expect(third).toMatchObject({ sumMm: 50, nadirMm: 42, fromNadir: 8 / 42, target: "SD", overall: "SD" });
  });

  const sums = fc.array(fc.double({ min: 1, max: 300, noNaN: true }), { minLength: 2, maxLength: 8 });
  test.prop([sums, fc.double({ min: 0.2, max: 1, noNaN: true })])("PD needs 5 mm in whatever is measured", (mm, shrink) => {
    // everything shrunk to where even the whole range is less than 5 mm
    const range = Math.max(...mm) - Math.min(...mm);
    const scale = (4.9 * shrink) / Math.max(range, 4.9);
    expect(overall({ T: mm.map((value) => value * scale) })).not.toContain("PD");
  });

  test.prop([sums, fc.nat()])("a time point says nothing about those before it", (mm, at) => {
    const upTo = 2 + (at % (mm.length - 1));
    expect(overall({ T: mm.slice(0, upTo) })).toEqual(overall({ T: mm }).slice(0, upTo - 1));
  });

  test.prop([sums])("without any loss of lesions, a larger follow-up never has the better response", (mm) => {
    const order = ["CR", "PR", "SD", "PD"];
    const last = (grown: number) => order.indexOf(overall({ T: [...mm.slice(0, -1), mm.at(-1)! + grown] }).at(-1)!);
    expect(last(3)).toBeGreaterThanOrEqual(last(0));
  });
});

describe("the volumes beside it", () => {
  const measured = (mm: readonly number[], ml: readonly (number | null)[]) => {
    const course = courseOf({ T: mm });
    for (const [t, { findings }] of course.timePoints.entries())
      (findings as Map<string, unknown>).set("T", { ...findings.get("T")!, volumeMl: ml[t] });
    return assessCourse(course).timePoints.slice(1);
  };

  it("say for a sphere what its diameter says: 0.7³ is PR, 1.2³ is PD in both", () => {
    const ball = (mm: number): number => (Math.PI * mm ** 3) / 6000;
    for (const mm of [69, 75, 90, 100, 119, 122]) {
      const [{ target, volumetric, disagrees }] = measured([100, mm], [ball(100), ball(mm)]);
      expect({ mm, volumetric, disagrees }).toEqual({ mm, volumetric: target, disagrees: false });
    }
  });

  it("differ where a lesion grows across the slices only", () => {
    expect(measured([50, 52], [20, 40])[0]).toMatchObject({
      target: "SD",
      volumetric: "PD",
      disagrees: true,
      volumeFromBaseline: 1,
    });
  });

  it("are not evaluated where one is missing, and then do not differ", () => {
    expect(measured([50, 20], [20, null])[0]).toMatchObject({ target: "PR", volumetric: "NE", disagrees: null });
    expect(measured([50, 20], [null, 3])[0]).toMatchObject({ volumetric: "NE", volumeFromBaseline: null });
  });

  it("count progression from the smallest volume", () => {
    expect(measured([50, 30, 31], [100, 20, 34.5]).map(({ volumetric }) => volumetric)).toEqual(["PR", "PR"]);
    expect(measured([50, 30, 31], [100, 20, 34.6]).map(({ volumetric }) => volumetric)).toEqual(["PR", "PD"]);
  });
});

describe("the best overall response", () => {
  const best = (responses: readonly Written[], every = 56) => assessCourse(courseOf({ T: responses }, every)).best;

  it("is the best up to the first progression", () => {
    expect(best([100, 90, 60, 80])).toMatchObject({ unconfirmed: "PR" });
    expect(best([100, 130, 60]).unconfirmed).toBe("PD");
    expect(best([100])).toEqual({ unconfirmed: "NE", confirmed: "NE" });
  });

  it("counts SD only after the least time", () => {
    expect(best([100, 95, 130], 30).unconfirmed).toBe("PD");
    expect(best([100, 95, 130], 42).unconfirmed).toBe("SD");
    expect(best([100, 95], 30).unconfirmed).toBe("NE");
    expect(best([100, 95, 95], 30).unconfirmed).toBe("SD");
  });

  /** Table 3; the time points are eight weeks apart, or two where the least duration of SD is not to be met. */
  it.each<[string, readonly Written[], number, string]>([
    ["CR, CR", [100, "absent", "absent"], 56, "CR"],
    ["CR, then disease again", [100, "absent", 50], 56, "SD"],
    ["CR, then disease again, too early", [100, "absent", 50], 14, "PD"],
    ["CR, PD", [100, "absent", 130], 56, "SD"],
    ["CR, NE", [100, "absent", undefined], 56, "SD"],
    ["CR, NE, too early", [100, "absent", undefined], 14, "NE"],
    ["PR, CR", [100, 60, "absent"], 56, "PR"],
    ["PR, PR", [100, 60, 60], 56, "PR"],
    ["PR, PR, too early", [100, 60, 60], 14, "NE"],
    ["PR, SD", [100, 65, 72], 56, "SD"],
    ["PR, PD", [100, 60, 75], 56, "SD"],
    ["PR, PD, too early", [100, 60, 75], 14, "PD"],
    ["PR, NE", [100, 60, undefined], 56, "SD"],
    ["PR, NE, too early", [100, 60, undefined], 14, "NE"],
    ["PR, NE, PR", [100, 60, undefined, 60], 56, "PR"],
    ["PR, SD, PR", [100, 65, 72, 65], 56, "SD"],
    ["NE, NE", [100, undefined, undefined], 56, "NE"],
  ])("where it must be confirmed: %s", (_, responses, every, expected) => {
    expect(best(responses, every).confirmed).toBe(expected);
  });

  it("is non-CR/non-PD without target lesions", () => {
    const { best: found } = assessCourse(courseOf({ X: ["present", "absent", "absent"] }, 20), defaultAssessment);
    expect(found).toEqual({ unconfirmed: "CR", confirmed: "NE" });
    expect(assessCourse(courseOf({ X: ["present", "absent", "present"] })).best.confirmed).toBe("non-CR/non-PD");
  });
});
