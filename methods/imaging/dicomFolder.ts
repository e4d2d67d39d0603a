import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { DataSet } from "dicom-parser";
import { InputError } from "../inputError.ts";
import { rememberLast } from "../rememberLast.ts";
import { type CtFrame, ctFrame, imageType } from "./ctAttributes.ts";
import { BEGINNING_BYTES, isCtClass, isDicom, orInputError, parseDicomFile } from "./dicomFile.ts";
import { assembleSeries, type CtStack, inOrder, withoutCopies } from "./dicomSeries.ts";
import { readDicomSlices } from "./dicomSlice.ts";
import { orUnreadable } from "./unreadable.ts";
import type { Volume } from "./volume.ts";

/** A series of CT images in a folder, as its headers tell. */
export interface CtSeries {
  readonly uid: string;
  readonly number: string;
  readonly description: string;
  readonly frameOfReference: string;
  /** `YYYYMMDD`; "" where it is not told. */
  readonly studyDate: string;
  readonly patient: DicomPatient;
  readonly files: readonly string[];
  /** The file of an object, by its SOP instance UID. */
  readonly fileOf: ReadonlyMap<string, string>;
  readonly images: number;
}

/** Whose images they are. */
export interface DicomPatient {
  readonly id: string;
  /** Whether the headers say that the patient's identity was removed, so that `id` is a pseudonym. */
  readonly isPseudonym: boolean;
}

/** What of a CT's file is read to know its series. */
interface CtHeader extends Omit<CtSeries, "files" | "fileOf"> {
  readonly file: string;
  readonly instance: string;
  readonly isLocalizer: boolean;
}

/** A file that is no CT: its SOP class, and what kind of object it is in words. */
interface OtherHeader {
  readonly file: string;
  readonly sopClass: string;
  readonly kind: string;
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

/** The DICOM files of a folder, or of a file that is one itself; of another file, nothing. @throws InputError as `dicomFilesBelow` */
export async function dicomFilesAt(place: string): Promise<string[]> {
  if ((await orUnreadable(place, () => stat(place))).isDirectory()) return dicomFilesBelow(place);
  return isDicom(await readBeginning(place, BEGINNING_BYTES)) ? [place] : [];
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
): Promise<{ volume: Volume; stack: CtStack; notes: string[] }> {
  const { headers, others } = await readHeaders(files);
  const kinds = others.map(({ kind }) => kind);
  for (const { isLocalizer } of headers) if (isLocalizer) kinds.push("CT localizer");
  const series = chosenSeries(seriesOf(headers), where, asked, kinds);
  const slices = [];
  for (const file of series.files) slices.push(...(await readDicomSlices(await orUnreadable(file, () => readFile(file)), file)));
  const cross = slices.filter(({ isLocalizer }) => !isLocalizer);
  const localizers =
    headers.filter((header) => header.uid === series.uid && header.isLocalizer).length + slices.length - cross.length;
  const single = withoutCopies(cross);
  const copies = cross.length - single.length;
  const lossy = new Set(single.flatMap((slice) => slice.lossy ?? []));
  const volume = assembleSeries(single, where);
  const ordered = inOrder(single);
  const [{ columns, rows, alongColumns, alongRows }] = ordered;
  return {
    volume,
    stack: {
      series: series.uid,
      file: series.files[0],
      columns,
      rows,
      slices: ordered.map(({ sopClass, instance, frame, position }) => ({ sopClass, instance, frame, position })),
      alongColumns,
      alongRows,
      spacingMm: volume.spacingMm,
    },
    notes: [
      ...(localizers > 0 ? [`${counted(localizers, "localizer")} of the series left out`] : []),
      ...(copies > 0 ? [`${counted(copies, "slice")} left out: copies of others`] : []),
      ...[...lossy].map((how) => `pixels were compressed with losses (${how})`),
    ],
  };
}

/** Every CT series among DICOM files, without localizers. @throws InputError where a file cannot be read */
export async function ctSeriesAmong(files: readonly string[]): Promise<CtSeries[]> {
  return (await dicomContents(files)).series;
}

/** Every CT series among DICOM files, without localizers, and the other objects. @throws InputError where a file cannot be read */
export async function dicomContents(files: readonly string[]): Promise<{ series: CtSeries[]; others: OtherHeader[] }> {
  const { headers, others } = await readHeaders(files);
  return { series: seriesOf(headers), others };
}

/**
 * Where a frame (from 1) of a CT's file lies in the patient; undefined where it has no such frame.
 * @throws InputError where the file cannot be read or does not say where it lies
 */
export async function framePlane(file: string, frame: number): Promise<CtFrame | undefined> {
  const dataSet = await rememberedHeader(file);
  return orInputError(file, () => {
    const frames = Number(dataSet.string("x00280008") ?? 1);
    return frame >= 1 && frame <= frames ? ctFrame(dataSet, frame - 1, file) : undefined;
  });
}

/** The headers of CTs, and what there is besides. */
async function readHeaders(files: readonly string[]): Promise<{ headers: CtHeader[]; others: OtherHeader[] }> {
  const headers: CtHeader[] = [];
  const others: OtherHeader[] = [];
  for (const file of files) {
    const header = await readHeader(file);
    if ("kind" in header) others.push(header);
    else headers.push(header);
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
  const series = new Map<string, ReturnType<typeof emptySeries>>();
  for (const { file, instance, images, isLocalizer, ...about } of headers) {
    if (isLocalizer) continue;
    const known = series.get(about.uid) ?? emptySeries(about);
    known.files.push(file);
    known.fileOf.set(instance, file);
    known.images += images;
    series.set(about.uid, known);
  }
  return [...series.values()].sort((a, b) => Number(a.number) - Number(b.number) || (a.uid < b.uid ? -1 : 1));
}

const emptySeries = (about: Omit<CtSeries, "files" | "fileOf" | "images">) => ({
  ...about,
  files: [] as string[],
  fileOf: new Map<string, string>(),
  images: 0,
});

/** The elements of a file before its pixels. @throws InputError where it cannot be read */
export async function headerOf(file: string): Promise<DataSet> {
  const beginning = await readBeginning(file, HEADER_BYTES);
  if (beginning.length === HEADER_BYTES) {
    // A beginning that is cut off in a sequence may parse as if that were all.
    try {
      const { dataSet } = parseDicomFile(beginning, file, PIXEL_DATA);
      if (dataSet.elements[PIXEL_DATA] !== undefined) return dataSet;
    } catch {}
    return parseDicomFile(await orUnreadable(file, () => readFile(file)), file, PIXEL_DATA).dataSet;
  }
  return parseDicomFile(beginning, file, PIXEL_DATA).dataSet;
}

/** Several diameters lie in one image. */
const rememberedHeader = rememberLast(4, (file: string) => file, headerOf);

async function readHeader(file: string): Promise<CtHeader | OtherHeader> {
  const dataSet = await headerOf(file);
  return orInputError(file, () => {
    const text = (tag: string): string => (dataSet.string(tag) ?? "").trim();
    const sopClass = text("x00080016");
    if (!isCtClass(sopClass)) return { file, sopClass, kind: text("x00080060") || "object without a modality" };
    return {
      file,
      instance: text("x00080018"),
      uid: text("x0020000e"),
      number: text("x00200011"),
      description: text("x0008103e"),
      frameOfReference: text("x00200052"),
      studyDate: text("x00080020"),
      patient: { id: text("x00100020"), isPseudonym: text("x00120062").toUpperCase() === "YES" },
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
