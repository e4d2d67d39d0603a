import { test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseMarksFile } from "../../methods/datasets/marksFile.ts";
import { InputError } from "../../methods/inputError.ts";
import { mutatedJson } from "../artifacts/mutatedJson.ts";

const PLAIN = {
  id: "a",
  slice: 12,
  long: [
    [1, 2],
    [30.5, 4],
  ],
  short: [
    [15, 0],
    [14, 9],
  ],
};
const FULL = {
  ...PLAIN,
  id: "b",
  image: "case-1/ct.nii.gz",
  series: "1.2.840.4711",
  spacing: [0.8, 0.8, 5],
  patient: "P 01",
  category: "soft-tissue",
  window: [-160, 240],
  mask: "case-1/mask.nii.gz",
  split: "validation",
};

describe("a marks file", () => {
  it("tells of every lesion what it says, and where it says it", () => {
    const [plain, full] = parseMarksFile(JSON.stringify([PLAIN, FULL]), "marks.json");
    const { id, slice, long, short, ...more } = FULL;
    expect(plain).toEqual({ id: "a", where: "marks.json: lesion a", marks: { slice, long, short } });
    expect(full).toEqual({ ...more, id, where: "marks.json: lesion b", marks: { slice, long, short } });
  });

  it.each<[string, string, RegExp, string]>([
    ["no JSON", "[", /is not JSON/, "marks.json"],
    ["no list", "{}", /expected array/, "marks.json"],
    ["no lesion", "[]", /names no lesion/, "marks.json"],
    ["an id that cannot name a file", JSON.stringify([{ ...PLAIN, id: "../a" }]), /id: must be/, "marks.json: lesion number 1"],
    ["a slice between two", JSON.stringify([{ ...PLAIN, slice: 1.5 }]), /slice: /, "marks.json: lesion a"],
    [
      "a point of three",
      JSON.stringify([
        {
          ...PLAIN,
          long: [
            [1, 2, 3],
            [3, 4],
          ],
        },
      ]),
      /long\[0\]/,
      "marks.json: lesion a",
    ],
    ["one id twice", JSON.stringify([PLAIN, PLAIN]), /given to two lesions/, "marks.json: lesion a"],
  ])("%s is refused with its place", (_, text, what, where) => {
    const refused = (): unknown => {
      try {
        return parseMarksFile(text, "marks.json");
      } catch (error) {
        return error;
      }
    };
    expect(refused()).toBeInstanceOf(InputError);
    expect(refused()).toMatchObject({ what: expect.stringMatching(what), where });
  });

  test.prop([mutatedJson([PLAIN, FULL])])("that was changed anywhere is read, or refused as input", (bytes) => {
    try {
      for (const { marks, id } of parseMarksFile(bytes.toString(), "marks.json")) {
        expect(id).toMatch(/^[A-Za-z0-9]/);
        expect([...marks.long, ...marks.short].flat().every(Number.isFinite)).toBe(true);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  });
});
