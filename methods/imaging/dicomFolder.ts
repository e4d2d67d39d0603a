import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { DataSet } from "dicom-parser";
import { InputError } from "../inputError.ts";
import { imageType } from "./ctAttributes.ts";
import { BEGINNING_BYTES, isCtClass, isDicom, orInputError, parseDicomFile } from "./dicomFile.ts";
import { assembleSeries, withoutCopies } from "./dicomSeries.ts";
import { readDicomSlices } from "./dicomSlice.ts";
import { orUnreadable } from "./unreadable.ts";
import type { Volume } from "./volume.ts";

/** A series of CT images in a folder, as its headers tell. */
export interface CtSeries {
  readonly uid: string;
  readonly number: string;
  readonly description: string;
  readonly files: readonly string[];
  readonly images: number;
}

/** What of a CT's file is read to know its series. */
interface CtHeader extends Pick<CtSeries, "uid" | "number" | "description"> {
  readonly file: string;
  readonly images: number;
  readonly isLocalizer: boolean;
}

/** Enough for nearly every header; where it is not, the whole file is read. */
const HEADER_BYTES = 65536;
const PIXEL_DATA = "x7fe00010";
/** Files that lie beside slices and are never DICOM. */
const OTHER_FILE = /\.(png|jpe?g|gif|bmp|tiff?|xml|html?|css|js|txt|csv|json|pdf|zip|gz|nii|exe|inf)$/i;

/**
 * The DICOM files of a folder and its subfolders, in the order of their paths.
 * @throws InputError where a .dcm file is none, or something cannot be read
 */
export async function dicomFilesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const file of (await filesBelow(folder)).sort()) {
    if (isDicom(await readBeginning(file, BEGINNING_BYTES))) found.push(file);
    else if (/\.dcm$/i.test(file)) throw new InputError("is not a DICOM file", file, "copy the file again from its source");
  }
  return found;
}

/** Links are followed, but no folder is entered twice. */
async function filesBelow(folder: string, entered = new Set<string>()): Promise<string[]> {
  const place = await realpath(folder);
  if (entered.has(place)) return [];
  entered.add(place);
  const files: string[] = [];
  for (const entry of await orUnreadable(folder, () => readdir(folder, { withFileTypes: true }))) {
    const file = path.join(folder, entry.name);
    if (!entry.isDirectory() && OTHER_FILE.test(file)) continue;
    const { isFolder } = await orUnreadable(file, async () => ({
      isFolder: entry.isSymbolicLink() ? (await stat(file)).isDirectory() : entry.isDirectory(),
    }));
    if (isFolder) files.push(...(await filesBelow(file, entered)));
    else files.push(file);
  }
  return files;
}

/**
 * The one CT series among DICOM files, or the one that is asked for by its UID or number, as a volume. Localizers, other objects
 * (directories, dose reports, segmentations) and copies of slices are left out.
 *
 * @param where the folder, for errors.
 * @returns notes: what was left out of the series, and whether its pixels were compressed with losses.
 * @throws InputError where there is no CT series or no such one, several among which nobody chose, or the series is damaged or
 *   no even stack of slices.
 */
export async function openDicomSeries(
  files: readonly string[],
  where: string,
  asked?: string,
): Promise<{ volume: Volume; notes: string[] }> {
  const { headers, others } = await readHeaders(files);
  const series = chosenSeries(seriesOf(headers), where, asked, others);
  const slices = [];
  for (const file of series.files) slices.push(...(await readDicomSlices(await orUnreadable(file, () => readFile(file)), file)));
  const cross = slices.filter(({ isLocalizer }) => !isLocalizer);
  const localizers =
    headers.filter((header) => header.uid === series.uid && header.isLocalizer).length + slices.length - cross.length;
  const single = withoutCopies(cross);
  const copies = cross.length - single.length;
  const lossy = new Set(single.flatMap((slice) => slice.lossy ?? []));
  return {
    volume: assembleSeries(single, where),
    notes: [
      ...(localizers > 0 ? [`${counted(localizers, "localizer")} of the series left out`] : []),
      ...(copies > 0 ? [`${counted(copies, "slice")} left out: copies of others`] : []),
      ...[...lossy].map((how) => `pixels were compressed with losses (${how})`),
    ],
  };
}

/** Every CT series among DICOM files, without localizers. @throws InputError where a file cannot be read */
export async function ctSeriesAmong(files: readonly string[]): Promise<CtSeries[]> {
  return seriesOf((await readHeaders(files)).headers);
}

/** The headers of CTs, and what kinds of objects there are besides. */
async function readHeaders(files: readonly string[]): Promise<{ headers: CtHeader[]; others: string[] }> {
  const headers: CtHeader[] = [];
  const others: string[] = [];
  for (const file of files) {
    const header = await readHeader(file);
    if (typeof header !== "string") headers.push(header);
    if (typeof header === "string") others.push(header);
    else if (header.isLocalizer) others.push("CT localizer");
  }
  return { headers, others };
}

function chosenSeries(all: readonly CtSeries[], where: string, asked: string | undefined, others: readonly string[]): CtSeries {
  const list = all
    .map(
      ({ uid, number, description, images }) =>
        `\n  ${[uid, `number ${number || "–"}`, counted(images, "slice"), description].join("  ").trim()}`,
    )
    .join("");
  const fitting = all.filter(({ uid, number }) => asked === undefined || uid === asked || number === asked);
  if (fitting.length === 1) return fitting[0];
  if (all.length === 0) {
    const kinds = [...new Set(others)].map((kind) => `${others.filter((other) => other === kind).length} × ${kind}`);
    throw new InputError(
      kinds.length === 0 ? "holds neither PNG slices nor a DICOM series" : `holds no CT series, only ${kinds.join(", ")}`,
      where,
      "give a NIfTI file, a folder of PNG slices or a DICOM series",
    );
  }
  if (asked === undefined)
    throw new InputError(`holds ${all.length} CT series`, where, `choose one by its UID or number (--series):${list}`);
  throw new InputError(`holds ${fitting.length || "no"} CT series ${asked}`, where, `choose one of:${list}`);
}

/** Localizers make no series. */
function seriesOf(headers: readonly CtHeader[]): CtSeries[] {
  const series = new Map<string, CtSeries>();
  for (const { uid, number, description, file, images, isLocalizer } of headers) {
    if (isLocalizer) continue;
    const known = series.get(uid) ?? { uid, number, description, files: [], images: 0 };
    series.set(uid, { ...known, files: [...known.files, file], images: known.images + images });
  }
  return [...series.values()].sort((a, b) => Number(a.number) - Number(b.number) || (a.uid < b.uid ? -1 : 1));
}

/** The header of a CT's file; of another object, what kind it is. */
async function readHeader(file: string): Promise<CtHeader | string> {
  let dataSet: DataSet;
  try {
    ({ dataSet } = parseDicomFile(await readBeginning(file, HEADER_BYTES), file, PIXEL_DATA));
  } catch {
    ({ dataSet } = parseDicomFile(await readFile(file), file, PIXEL_DATA));
  }
  return orInputError(file, () => {
    const text = (tag: string): string => (dataSet.string(tag) ?? "").trim();
    if (!isCtClass(text("x00080016"))) return text("x00080060") || "object without a modality";
    return {
      file,
      uid: text("x0020000e"),
      number: text("x00200011"),
      description: text("x0008103e"),
      images: Number(text("x00280008") || 1),
      isLocalizer: imageType(dataSet).includes("LOCALIZER"),
    };
  });
}

async function readBeginning(file: string, bytes: number): Promise<Buffer> {
  const handle = await orUnreadable(file, () => open(file));
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
