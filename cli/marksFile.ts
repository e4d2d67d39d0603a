import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type DeepLesionRow, isDeepLesionInfo, parseDeepLesionInfo } from "../methods/datasets/deeplesionInfo.ts";
import { type FiledLesion, parseMarksFile } from "../methods/datasets/marksFile.ts";
import { parseMarksTable } from "../methods/datasets/marksTable.ts";
import { isDicom } from "../methods/imaging/dicomFile.ts";
import type { Grid, HuWindow, Vec3 } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import type { RecistMarks } from "../methods/labels/recist.ts";
import { bytesOf, textOf } from "../methods/textFile.ts";
import { readReportMarks } from "./reportMarks.ts";

/** One lesion of a marks file, not yet checked against the image. */
export interface FiledMarks {
  readonly id: string;
  /** Its marks on the image's grid; where a report's lesion has none there, why. */
  readonly marksOn: (grid: Grid) => Promise<RecistMarks | string>;
  /** What its reader called it. */
  readonly name?: string;
  /** The lesion's tracking UID, of a DICOM report. */
  readonly trackingUid?: string;
  /** Names the lesion in errors: file (and line) and id. */
  readonly where: string;
  /** The display window that the file gives. */
  readonly window?: HuWindow;
}

export interface MarksFile {
  readonly lesions: readonly FiledMarks[];
  /** The DICOM series that the file means. */
  readonly series?: string;
  /** Voxel spacing that the file gives, mm. */
  readonly spacingMm?: Vec3;
  /** Pixels along x and y that the file gives. */
  readonly imageSize?: readonly [number, number];
}

/**
 * Reads marks: JSON or CSV (points 0-based on the image's own grid; lesions that name another image are left out), DeepLesion's
 * `DL_info.csv` as it is, of which the rows of the image's series are taken (`image` is then the series' folder of PNG
 * slices), or DICOM structured reports, a file or a folder of them (`image` is then the DICOM series that was measured).
 *
 * @param series of DICOM series in the image's folder, the one that was asked for.
 * @throws InputError where the file cannot be read or understood, names a lesion twice or none of this image, or marks
 *   a slice that the folder does not have.
 */
export async function readMarksFile(file: string, image: string, series?: string): Promise<MarksFile> {
  const bytes = (await stat(file).catch(() => undefined))?.isDirectory() ? undefined : await bytesOf(file, REMEDY);
  if (bytes === undefined || isDicom(bytes)) return readReportMarks(file, image, series);
  const text = textOf(bytes, file);
  if (!/\.csv$/i.test(file)) return ofImage(parseMarksFile(text, file), file, image, series);
  if (isDeepLesionInfo(text)) return fromDeepLesion(parseDeepLesionInfo(text, file), file, image);
  return ofImage(parseMarksTable(text, file), file, image, series);
}

const REMEDY = "give a marks file (JSON or CSV), DL_info.csv or a DICOM structured report";

/** Of a file that is about several images or series, the lesions of this one. */
function ofImage(all: readonly FiledLesion[], file: string, image: string, series: string | undefined): MarksFile {
  const folder = path.dirname(file);
  const here = all.filter((one) => one.image === undefined || path.resolve(folder, one.image) === path.resolve(image));
  if (here.length === 0)
    throw new InputError(`has no lesion of ${image}`, file, `its first one is of ${path.join(folder, all[0].image!)}`);
  const own = here.filter((one) => series === undefined || one.series === undefined || one.series === series);
  if (own.length === 0)
    throw new InputError(`has no lesion of series ${series}`, file, `its first one is of series ${here[0].series}`);
  const [first] = own;
  for (const name of ["series", "spacing"] as const) {
    const other = own.find((lesion) => String(lesion[name]) !== String(first[name]));
    if (other === undefined) continue;
    const remedy = name === "series" ? "choose one (--series)" : "correct one of the two";
    throw new InputError(`has another ${name} than lesion ${first.id}`, other.where, remedy);
  }
  return {
    lesions: own.map(({ id, marks, where, window }) => ({
      id,
      marksOn: async () => marks,
      where,
      ...(window !== undefined && { window: { low: window[0], high: window[1] } }),
    })),
    ...(first.series !== undefined && { series: first.series }),
    ...(first.spacing !== undefined && { spacingMm: first.spacing }),
  };
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
    return { id, marksOn: async () => ({ slice, ...diameters }), where, window };
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
