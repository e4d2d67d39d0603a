import { readdir } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import { type DeepLesionRow, parseDeepLesionInfo } from "../methods/datasets/deeplesionInfo.ts";
import type { HuWindow, Vec3 } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import type { RecistMarks } from "../methods/labels/recist.ts";
import { readTextFile } from "../methods/textFile.ts";
import { type MarkedLesion, marksFileSchema } from "../schemas/marks.ts";

/** One lesion of a marks file, not yet checked against the image. */
export interface FiledMarks {
  readonly id: string;
  readonly marks: RecistMarks;
  /** Names the lesion in errors: file (and line) and id. */
  readonly where: string;
  /** The display window that the file gives. */
  readonly window?: HuWindow;
}

export interface MarksFile {
  readonly lesions: readonly FiledMarks[];
  /** Voxel spacing that the file gives, mm. */
  readonly spacingMm?: Vec3;
  /** Pixels along x and y that the file gives. */
  readonly imageSize?: readonly [number, number];
}

/**
 * Reads marks: JSON (points 0-based on the image's own grid), or DeepLesion's `DL_info.csv` as it is, of which the rows
 * of the image's series are taken (`image` is then the series' folder of PNG slices).
 *
 * @throws InputError where the file cannot be read or understood, names a lesion twice or none of this image, or marks
 *   a slice that the folder does not have.
 */
export async function readMarksFile(file: string, image: string): Promise<MarksFile> {
  const text = await readTextFile(file, "give a marks file (JSON) or DL_info.csv");
  return /\.csv$/i.test(file) ? fromDeepLesion(parseDeepLesionInfo(text, file), file, image) : fromJson(text, file);
}

function fromJson(text: string, file: string): MarksFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not JSON: ${(error as Error).message}`, file, `expected ${FORM}`, { cause: error });
  }
  const parsed = marksFileSchema.safeParse(json);
  if (!parsed.success) throw misformed(parsed.error.issues[0], json, file);
  const seen = new Set<string>();
  for (const { id } of parsed.data) {
    if (seen.has(id))
      throw new InputError(
        "this id is given to two lesions",
        `${file}: lesion ${id}`,
        "ids name the files that are written: give every lesion its own",
      );
    seen.add(id);
  }
  return {
    lesions: parsed.data.map(({ id, slice, long, short }: MarkedLesion) => ({
      id,
      marks: { slice, long, short },
      where: `${file}: lesion ${id}`,
    })),
  };
}

const FORM = '[{"id": "a", "slice": 12, "long": [[x, y], [x, y]], "short": [[x, y], [x, y]]}]';

/** The first thing that is wrong, with the lesion and the place in it. */
function misformed({ path: steps, message }: z.core.$ZodIssue, json: unknown, file: string): InputError {
  const [index, ...rest] = steps;
  const id = typeof index === "number" ? (json as { id?: unknown }[])[index]?.id : undefined;
  const lesion =
    typeof index !== "number"
      ? ""
      : typeof id === "string" && rest[0] !== "id"
        ? `: lesion ${id}`
        : `: lesion number ${index + 1}`;
  const place = rest.map((step) => (typeof step === "number" ? `[${step}]` : String(step))).join("");
  return new InputError(`${place === "" ? "" : `${place}: `}${message}`, `${file}${lesion}`, `expected ${FORM}`);
}

async function fromDeepLesion(rows: readonly DeepLesionRow[], file: string, image: string): Promise<MarksFile> {
  const series = path.basename(path.resolve(image));
  const own = rows.filter((row) => row.series === series);
  if (own.length === 0)
    throw new InputError(
      `has no row for series ${series}`,
      file,
      "the image must be the series' folder, as in Images_png/000001_01_01",
    );
  const names = await readdir(image).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, image, "with DL_info.csv, give a folder of DeepLesion PNG slices", {
      cause: error,
    });
  });
  const numbers = names
    .flatMap((name) => /(\d+)\.png$/i.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const lesions = own.map(({ id, keySlice, diameters, window, line }): FiledMarks => {
    const where = `${file}:${line}: lesion ${id}`;
    const slice = numbers.indexOf(keySlice);
    if (slice < 0)
      throw new InputError(
        `slice ${keySlice} is not in ${image}, which has ${rangeOf(numbers)}`,
        where,
        "the folder must hold the key slice of every row of its series",
      );
    return { id, marks: { slice, ...diameters }, where, window };
  });
  const [first] = own;
  const other = own.find((row) => row.spacingMm.some((s, axis) => Math.abs(s - first.spacingMm[axis]) > 1e-4));
  if (other)
    throw new InputError(`lines ${first.line} and ${other.line} give series ${series} two spacings`, file, "correct the table");
  const [sx, sy, sz] = first.spacingMm;
  // A z spacing can be negative (slice order) or unknown.
  return { lesions, imageSize: first.imageSize, ...(Math.abs(sz) > 0 && { spacingMm: [sx, sy, Math.abs(sz)] }) };
}

function rangeOf(numbers: readonly number[]): string {
  return numbers.length === 0 ? "no PNG slices" : `slices ${numbers[0]} to ${numbers[numbers.length - 1]}`;
}
