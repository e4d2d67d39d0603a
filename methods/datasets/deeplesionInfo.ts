import { CsvError, parse } from "csv-parse/sync";
import type { HuWindow, Vec3 } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { type Axis, type Diameters, lengthMm, type Point } from "../labels/recist.ts";
import { delimiterOf } from "./csvTable.ts";
import type { Category, LesionCase } from "./lesionCase.ts";

/** One row of `DL_info.csv`: a lesion as DeepLesion describes it, coordinates turned to 0-based. */
export interface DeepLesionRow {
  /** Line of the file on which the row ends, from 1. */
  readonly line: number;
  /** `<series>_<key slice, 3 digits>-<1, 2 … among the rows of that key slice>`. */
  readonly id: string;
  /** `<patient>_<study>_<series>`: the folder of the slices. */
  readonly series: string;
  /** The patient's index, zero-padded as in the series' name. */
  readonly patient: string;
  /** Number of the key slice: `<key slice>.png`. */
  readonly keySlice: number;
  /** First and last slice that DeepLesion provides around the key slice. */
  readonly sliceRange: readonly [number, number];
  /** `long` is the longer of the two in mm. */
  readonly diameters: Diameters;
  /** As the file gives it: z can be NaN or negative. */
  readonly spacingMm: Vec3;
  readonly imageSize: readonly [number, number];
  readonly window: HuWindow;
  readonly category: Category;
  readonly possiblyNoisy: boolean;
  readonly officialSplit: NonNullable<LesionCase["officialSplit"]>;
}

// biome-ignore format: one line reads best
const CATEGORIES: Readonly<Record<number, Category>> = {
  [-1]: "unknown", 1: "bone", 2: "abdomen", 3: "mediastinum", 4: "liver", 5: "lung", 6: "kidney", 7: "soft-tissue", 8: "pelvis",
};
const SPLITS: Readonly<Record<number, DeepLesionRow["officialSplit"]>> = { 1: "train", 2: "validation", 3: "test" };

/** The columns that are read; the others (age, sex, boxes, normalised locations) may hold anything. */
// biome-ignore format: groups of the table
const COLUMNS = [
  "File_name", "Key_slice_index", "Measurement_coordinates", "Coarse_lesion_type", "Possibly_noisy", "Slice_range",
  "Spacing_mm_px_", "Image_size", "DICOM_windows", "Train_Val_Test",
] as const;
type Column = (typeof COLUMNS)[number];

/** Tells DeepLesion's table from other tables by its header. */
export function isDeepLesionInfo(text: string): boolean {
  return text.split(/[\r\n]/, 1)[0].includes(COLUMNS[0]);
}

/**
 * Parses a `DL_info.csv`. Its pixel coordinates count from 1, a cell with several numbers is quoted.
 *
 * @param where path of the file; errors say `path:line`.
 * @throws InputError where a column is missing or a row cannot be understood.
 */
export function parseDeepLesionInfo(text: string, where: string): DeepLesionRow[] {
  const ordinals = new Map<string, number>();
  return records(text, where).map(({ record, line }) => {
    const cell = new Cells(record, `${where}:${line}`);
    const [, series, patient, keySliceDigits] = cell.match(
      "File_name",
      /^((\d+)_\d+_\d+)_(\d+)\.png$/,
      "<patient>_<study>_<series>_<slice>.png",
    );
    const keySlice = Number(keySliceDigits);
    if (cell.number("Key_slice_index") !== keySlice) cell.fail("Key_slice_index", `the slice of File_name, ${keySlice}`);

    const [sx, sy, sz] = cell.numbers("Spacing_mm_px_", 3, { allowNaN: true });
    if (!(sx > 0 && sy > 0)) cell.fail("Spacing_mm_px_", "positive spacing in the slice plane");
    const first = cell.axis(0);
    const second = cell.axis(4);
    const [long, short] = lengthMm(first, [sx, sy, 1]) >= lengthMm(second, [sx, sy, 1]) ? [first, second] : [second, first];
    const [low, high] = cell.numbers("DICOM_windows", 2);
    if (!(low < high)) cell.fail("DICOM_windows", "a lower and a higher HU value");
    const [firstSlice, lastSlice] = cell.numbers("Slice_range", 2);
    const [width, height] = cell.numbers("Image_size", 2);

    const ordinal = (ordinals.get(`${series}_${keySlice}`) ?? 0) + 1;
    ordinals.set(`${series}_${keySlice}`, ordinal);
    return {
      line,
      id: `${series}_${String(keySlice).padStart(3, "0")}-${ordinal}`,
      series,
      patient,
      keySlice,
      sliceRange: [firstSlice, lastSlice],
      diameters: { long, short },
      spacingMm: [sx, sy, sz],
      imageSize: [width, height],
      window: { low, high },
      category: CATEGORIES[cell.number("Coarse_lesion_type")] ?? cell.fail("Coarse_lesion_type", "−1 or 1 … 8"),
      possiblyNoisy: cell.number("Possibly_noisy") !== 0,
      officialSplit: SPLITS[cell.number("Train_Val_Test")] ?? cell.fail("Train_Val_Test", "1, 2 or 3"),
    };
  });
}

function records(text: string, where: string): { record: Record<Column, string>; line: number }[] {
  const checkColumns = (header: string[]): string[] => {
    const missing = COLUMNS.filter((column) => !header.includes(column));
    if (missing.length > 0)
      throw new InputError(`has no column ${missing.join(", ")}`, where, "give DeepLesion's DL_info.csv with its header line");
    return header;
  };
  const delimiter = delimiterOf(text);
  try {
    const parsed = parse(text, {
      bom: true,
      delimiter,
      columns: checkColumns,
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { record: Record<Column, string>; info: { lines: number } }[];
    if (parsed.length === 0) checkColumns(text.split(/\r?\n/, 1)[0].split(delimiter));
    return parsed.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === "number" ? `:${error.lines}` : "";
    throw new InputError(`is not a well-formed CSV table: ${error.message}`, `${where}${line}`, undefined, { cause: error });
  }
}

/** Cells of one row, read as what they must be. */
class Cells {
  private readonly record: Record<Column, string>;
  private readonly where: string;

  constructor(record: Record<Column, string>, where: string) {
    this.record = record;
    this.where = where;
  }

  fail(column: Column, expected: string): never {
    throw new InputError(`${column} is "${this.record[column].slice(0, 80)}"`, this.where, `expected ${expected}`);
  }

  match(column: Column, pattern: RegExp, expected: string): RegExpExecArray {
    return pattern.exec(this.record[column]) ?? this.fail(column, expected);
  }

  number(column: Column): number {
    return this.numbers(column, 1)[0];
  }

  numbers(column: Column, count: number, { allowNaN = false } = {}): number[] {
    const expected = `${count === 1 ? "a number" : `${count} numbers`}`;
    const parts = this.record[column].split(",").map((part) => part.trim());
    const values = parts.map((part) => (part === "" ? Number.NaN : Number(part)));
    const usable = values.every((value, i) => Number.isFinite(value) || (allowNaN && /^(nan)?$/i.test(parts[i])));
    return values.length === count && usable ? values : this.fail(column, expected);
  }

  /** One of the two diameters, by the position of its first number among the eight coordinates. */
  axis(from: 0 | 4): Axis {
    const values = this.numbers("Measurement_coordinates", 8).map((value) => value - 1);
    const point = (i: number): Point => [values[i], values[i + 1]];
    return [point(from), point(from + 2)];
  }
}
