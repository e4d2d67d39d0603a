import { test as propertyTest } from "@fast-check/vitest";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeCsvTable } from "../../methods/datasets/csvTable.ts";
import { parseMarksFile } from "../../methods/datasets/marksFile.ts";
import { parseMarksTable } from "../../methods/datasets/marksTable.ts";
import { InputError } from "../../methods/inputError.ts";

const AXES = "id,slice,long_x1,long_y1,long_x2,long_y2,short_x1,short_y1,short_x2,short_y2";
const refusal = (text: string): string => {
  try {
    parseMarksTable(text, "m.csv");
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  return expect.fail("it was accepted");
};

describe("a table of marks", () => {
  it("says what a marks file says", () => {
    const table = `${AXES},image,patient,category,window_low,window_high,spacing_x,spacing_y,spacing_z,split,note
a,12,1.5,2,30,4,10,11,12,13.25,ct/one,P1,liver,-160,240,,,,train,anything
b,3,1,2,3,4,5,6,7,8,png,P2,,,,0.8,0.8,5,,\n`;
    const same = [
      {
        id: "a",
        slice: 12,
        // biome-ignore format: points
        long: [[1.5, 2], [30, 4]],
        // biome-ignore format: points
        short: [[10, 11], [12, 13.25]],
        image: "ct/one",
        patient: "P1",
        category: "liver",
        window: [-160, 240],
        split: "train",
      },
      // biome-ignore format: points
      { id: "b", slice: 3, long: [[1, 2], [3, 4]], short: [[5, 6], [7, 8]], image: "png", patient: "P2", spacing: [0.8, 0.8, 5] },
    ];
    const expected = parseMarksFile(JSON.stringify(same), "m.csv");
    expect(parseMarksTable(table, "m.csv")).toEqual([
      { ...expected[0], where: "m.csv:2: lesion a" },
      { ...expected[1], where: "m.csv:3: lesion b" },
    ]);
  });

  it("may have semicolons and decimal commas, and its columns in any order and case", () => {
    const names = AXES.split(",").reverse();
    const text = `${names.join(";").toUpperCase()}\n8;7;6;5;4;3;2,5;1,25;9;x\n`;
    const [{ id, marks }] = parseMarksTable(text, "m.csv");
    expect(id).toBe("x");
    // biome-ignore format: points
    expect(marks).toEqual({ slice: 9, long: [[1.25, 2.5], [3, 4]], short: [[5, 6], [7, 8]] });
  });

  it("that is wrong says every cell that is", () => {
    const message = refusal(
      `${AXES},category,window_low,window_high\na,1.5,1,2,3,four,5,6,7,8,lever,240,-160\n-b,1,1,2,3,4,5,6,7,,,,\n`,
    );
    expect(message.split("\n").map((line) => line.replace(/(is "[^"]*").*/, "$1"))).toEqual([
      'm.csv:2:3: slice is "1.5"',
      'm.csv:2:13: long_y2 is "four"',
      'm.csv:2:26: category is "lever"',
      'm.csv:2:32: window_low is "240"',
      'm.csv:3:1: id is "-b"',
      'm.csv:3:20: short_y2 is ""',
    ]);
  });

  it.each([
    ["id,slice\na,1\n", 'm.csv:1:1: column "long_x1" is missing'],
    [`${AXES},lenght\n`, 'm.csv:1:78: there is no column "lenght"'],
    [`${AXES},id\n`, 'm.csv:1:78: column "id" is there twice'],
    [`${AXES}\n`, "m.csv: names no lesion"],
    [`${AXES}\na,1,1,2,3,4,5,6,7,8\na,2,1,2,3,4,5,6,7,8\n`, "m.csv: lesion a: this id is given to two lesions"],
    [`${AXES},window_low\na,1,1,2,3,4,5,6,7,8,-160\n`, 'm.csv:2:21: window_low is "-160"'],
  ])("%j is refused", (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  const coordinate = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  propertyTest.prop([
    fc.array(fc.tuple(fc.nat(1000), fc.array(coordinate, { minLength: 8, maxLength: 8 })), { minLength: 1, maxLength: 9 }),
  ])("gives back any numbers that were written into it", (rows) => {
    const table = writeCsvTable(
      AXES.split(","),
      rows.map(([slice, values], i) => [`l${i}`, slice, ...values.map((value) => value + 0)]),
    );
    const read = parseMarksTable(table, "m.csv");
    expect(
      read.map(({ marks: { slice, long, short } }) => [slice, [...long, ...short].flat().map((value) => value + 0)]),
    ).toEqual(rows.map(([slice, values]) => [slice, values.map((value) => value + 0)]));
  });

  propertyTest.prop([fc.string({ unit: fc.constantFrom(...'id,slice\n";long_x1 2ay-.'), maxLength: 200 })])(
    "of any text is read or refused",
    (text) => {
      try {
        parseMarksTable(text, "m.csv");
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    },
  );
});
