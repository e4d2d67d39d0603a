import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Answer, type MergeRule, merged } from "../../methods/reading/decisions.ts";

const words = ["accept", "reject", "unsure"];
const given = (...answers: string[]): Answer[] =>
  answers.map((answer, i) => ({ reader: `R${i}`, answer, at: 100 + i, tookMs: 10 }));

describe("what stands where several readers answered one case", () => {
  test.each<[MergeRule, string[], string | null]>([
    ["any", [], null],
    ["any", ["reject"], "reject"],
    // the first in the protocol's list, not the first that came
    ["any", ["reject", "accept"], "accept"],
    ["any", ["unsure", "reject", "reject"], "reject"],
    ["all", [], null],
    ["all", ["accept"], "accept"],
    ["all", ["accept", "accept"], "accept"],
    ["all", ["accept", "reject"], null],
    ["majority", [], null],
    ["majority", ["accept"], "accept"],
    // half is not more than half
    ["majority", ["accept", "reject"], null],
    ["majority", ["accept", "accept", "reject", "reject"], null],
    ["majority", ["reject", "accept", "reject"], "reject"],
    ["majority", ["accept", "reject", "unsure"], null],
    ["majority", ["accept", "reject", "unsure", "unsure"], null],
    ["majority", ["accept", "unsure", "unsure", "unsure"], "unsure"],
  ])("%s of %j: %s", (rule, answers, expected) => {
    expect(merged(rule, words, given(...answers))?.answer ?? null).toBe(expected);
  });

  test("was decided when the last of those who agree answered, who looked so long together", () => {
    const answers = [
      { reader: "Ada", answer: "accept", at: 300, tookMs: 5 },
      { reader: "Bo", answer: "reject", at: 900, tookMs: 70 },
      { reader: "Cy", answer: "accept", at: 200, tookMs: 6 },
    ];
    expect(merged("majority", words, answers)).toEqual({ answer: "accept", at: 300, tookMs: 11 });
  });

  const some = fc.array(fc.constantFrom(...words), { maxLength: 9 });
  const standing = (rule: MergeRule, answers: string[]): string | null => merged(rule, words, given(...answers))?.answer ?? null;

  property.prop([some])("what all gave, most gave, and what most gave, some did", (answers) => {
    const [all, majority] = [standing("all", answers), standing("majority", answers)];
    if (all !== null) expect(majority).toBe(all);
    if (majority !== null) expect(answers.filter((one) => one === majority).length * 2).toBeGreaterThan(answers.length);
    expect(standing("any", answers) === null).toBe(answers.length === 0);
  });

  property.prop([some, fc.constantFrom<MergeRule>("any", "all", "majority"), fc.nat()])(
    "does not depend on the order in which they answered",
    (answers, rule, turn) => {
      const turned = answers.map((_, i) => answers[(i + turn) % answers.length]);
      expect(standing(rule, turned)).toBe(standing(rule, answers));
    },
  );
});
