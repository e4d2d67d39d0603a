import { describe, expect, it } from "vitest";
import type { NewLesions, NonTargetResponse } from "../../methods/response/nonTarget.ts";
import { overallResponse } from "../../methods/response/overall.ts";
import type { TargetResponse } from "../../methods/response/target.ts";

const all: readonly NonTargetResponse[] = ["CR", "non-CR/non-PD", "NE", "PD", null];
const notProgressed: readonly NonTargetResponse[] = ["CR", "non-CR/non-PD", "NE", null];

/** Every row of Tables 1 and 2, written out over all that it covers. */
describe("overallResponse", () => {
  it.each<[TargetResponse | null, readonly NonTargetResponse[], readonly NewLesions[], string]>([
    ["CR", ["CR", null], ["no", "equivocal"], "CR"],
    ["CR", ["non-CR/non-PD"], ["no", "equivocal"], "PR"],
    ["CR", ["NE"], ["no", "equivocal"], "PR"],
    ["PR", notProgressed, ["no", "equivocal"], "PR"],
    ["SD", notProgressed, ["no", "equivocal"], "SD"],
    ["NE", notProgressed, ["no", "equivocal"], "NE"],
    ["PD", all, ["no", "equivocal", "yes"], "PD"],
    ["CR", ["PD"], ["no", "yes"], "PD"],
    ["PR", ["PD"], ["no", "yes"], "PD"],
    ["SD", ["PD"], ["no", "yes"], "PD"],
    ["NE", ["PD"], ["no", "yes"], "PD"],
    ["CR", all, ["yes"], "PD"],
    ["PR", all, ["yes"], "PD"],
    ["SD", all, ["yes"], "PD"],
    ["NE", all, ["yes"], "PD"],
    [null, ["CR"], ["no", "equivocal"], "CR"],
    [null, ["non-CR/non-PD"], ["no", "equivocal"], "non-CR/non-PD"],
    [null, ["NE"], ["no", "equivocal"], "NE"],
    [null, ["PD"], ["no", "yes"], "PD"],
    [null, ["CR", "non-CR/non-PD", "NE", "PD"], ["yes"], "PD"],
  ])("target %s, non-target %j, new lesions %j → %s", (target, nonTargets, newLesions, expected) => {
    for (const nonTarget of nonTargets) {
      for (const newLesion of newLesions) expect(overallResponse(target, nonTarget, newLesion)).toBe(expected);
    }
  });

  it("has nothing to say of a patient without lesions", () => {
    expect(() => overallResponse(null, null, "no")).toThrow(RangeError);
  });
});
