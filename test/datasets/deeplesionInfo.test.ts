import { existsSync, readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseDeepLesionInfo } from "../../methods/datasets/deeplesionInfo.ts";
import { InputError } from "../../methods/inputError.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { infoCsv } from "./deeplesionFolder.ts";

const shared = process.env.RECIST3D_SHARED_DATA ?? "../shared/data";
const parse = (...rows: Parameters<typeof infoCsv>[0]) => parseDeepLesionInfo(infoCsv(rows), "DL_info.csv");

describe("parseDeepLesionInfo", () => {
  it("turns 1-based coordinates to 0-based and reads what the row says", () => {
    const [row] = parse({ measurement: "11, 21, 31, 21, 20, 16, 20, 26" });
    expect(row).toEqual({
      line: 2,
      id: "000007_01_02_004-1",
      series: "000007_01_02",
      patient: "000007",
      keySlice: 4,
      sliceRange: [1, 8],
      diameters: {
        long: [
          [10, 20],
          [30, 20],
        ],
        short: [
          [19, 15],
          [19, 25],
        ],
      },
      spacingMm: [0.5, 0.5, 5],
      imageSize: [48, 40],
      window: { low: -175, high: 275 },
      category: "mediastinum",
      possiblyNoisy: false,
      officialSplit: "test",
    });
  });

  it("decides in mm which diameter is the long one", () => {
    const measurement = "11, 21, 31, 21, 20, 10, 20, 28";
    expect(parse({ measurement })[0].diameters.long).toEqual([
      [10, 20],
      [30, 20],
    ]);
    expect(parse({ measurement, spacing: "0.5, 0.6, 5" })[0].diameters.long).toEqual([
      [19, 9],
      [19, 27],
    ]);
  });

  it("counts the rows of a key slice, in file order", () => {
    const rows = parse({}, { keySlice: 5 }, {}, { noisy: "1" });
    expect(rows.map(({ id }) => id)).toEqual([
      "000007_01_02_004-1",
      "000007_01_02_005-1",
      "000007_01_02_004-2",
      "000007_01_02_004-3",
    ]);
  });

  it("takes a NaN age, a NaN or negative z spacing, fractional windows, a BOM and CRLF", () => {
    const text = `\uFEFF${infoCsv([
      { age: "NaN", spacing: "0.5, 0.5, NaN" },
      { spacing: "0.5, 0.5, -2.5", windows: "-182.5, 322.5", type: "-1" },
    ])}`.replaceAll("\n", "\r\n");
    const [first, second] = parseDeepLesionInfo(text, "x");
    expect(first.spacingMm).toEqual([0.5, 0.5, Number.NaN]);
    expect(second).toMatchObject({
      spacingMm: [0.5, 0.5, -2.5],
      window: { low: -182.5, high: 322.5 },
      category: "unknown",
      line: 3,
    });
  });

  it.each<[string, Parameters<typeof infoCsv>[0][0], RegExp]>([
    [
      "seven coordinates",
      { measurement: "1, 2, 3, 4, 5, 6, 7" },
      /Measurement_coordinates is "1, 2, 3, 4, 5, 6, 7" — expected 8 numbers/,
    ],
    ["a coordinate that is no number", { measurement: "1, 2, x, 4, 5, 6, 7, 8" }, /expected 8 numbers/],
    ["another file name", { file: "slice.png" }, /File_name is "slice\.png" — expected <patient>_<study>_<series>_<slice>\.png/],
    [
      "a key slice that contradicts it",
      { file: "000007_01_02_009.png" },
      /Key_slice_index is "4" — expected the slice of File_name, 9/,
    ],
    ["spacing 0 in the plane", { spacing: "0, 0.5, 5" }, /Spacing_mm_px_/],
    ["an empty window", { windows: "50, 50" }, /DICOM_windows/],
    ["an unknown category", { type: "9" }, /Coarse_lesion_type/],
    ["an unknown split", { split: "4" }, /Train_Val_Test/],
  ])("refuses %s and names the line", (_, row, message) => {
    expect(() => parse({}, row)).toThrow(InputError);
    expect(() => parse({}, row)).toThrow(message);
    expect(() => parse({}, row)).toThrow(/^DL_info\.csv:3: /);
  });

  it("refuses missing columns, torn rows and other files", () => {
    expect(() => parseDeepLesionInfo(infoCsv([{}]).replace("DICOM_windows", "windows"), "f.csv")).toThrow(
      /^f\.csv: has no column DICOM_windows/,
    );
    expect(() => parseDeepLesionInfo(`${infoCsv([{}])}torn,row\n`, "f.csv")).toThrow(/^f\.csv:3: is not a well-formed CSV table/);
    expect(() => parseDeepLesionInfo("", "f.csv")).toThrow(/has no column/);
  });

  const text = infoCsv([{}, { spacing: "0.5, 0.5, -1" }, { age: "NaN" }]);
  test.prop(
    [
      fc.array(fc.tuple(fc.nat(text.length - 1), fc.string({ maxLength: 3 })), { minLength: 1, maxLength: 6 }),
      fc.nat(text.length),
    ],
    { numRuns: 300 },
  )("reads mutated tables or refuses them, never anything else", (changes, cut) => {
    let mutated = text;
    for (const [at, insert] of changes) mutated = mutated.slice(0, at) + insert + mutated.slice(at + 1);
    for (const candidate of [mutated, text.slice(0, cut)]) {
      try {
        for (const row of parseDeepLesionInfo(candidate, "fuzz")) expect(row.window.low).toBeLessThan(row.window.high);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
  });

  describe.skipIf(!existsSync(shared))("the published rows (needs the shared data)", () => {
    it.each([
      ["deeplesion/DL_info.csv", 12],
      ["deeplesion/annotations/DL_info_158rows.csv", 158],
    ])("parses %s", (file, count) => {
      const text = readFileSync(`${shared}/${file}`, "utf8");
      const rows = parseDeepLesionInfo(text, file);
      expect(rows).toHaveLength(count);
      // The table's own lengths, in pixels, agree with its coordinates.
      const lengths = [...text.matchAll(/\.png,(?:[^"]*"){5}([\d., ]+)"/g)].map(([, cell]) => cell.split(",").map(Number));
      rows.forEach(({ diameters }, i) => {
        expect(lengthMm(diameters.long, [1, 1, 1])).toBeCloseTo(lengths[i][0], 1);
        expect(lengthMm(diameters.short, [1, 1, 1])).toBeCloseTo(lengths[i][1], 1);
      });
    });
  });
});
