import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { type Components, components } from "../imaging/components.ts";
import { dicomFilesBelow } from "../imaging/dicomFolder.ts";
import { readNiftiLabels } from "../imaging/nifti.ts";
import { openImage } from "../imaging/openImage.ts";
import { type PlacedMask, placedTightly } from "../imaging/placedMask.ts";
import { checkSameGrid } from "../imaging/sameGrid.ts";
import { turnedTo } from "../imaging/turned.ts";
import type { Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { validateMarks } from "../labels/recist.ts";
import { readTextFile } from "../textFile.ts";
import { lesionAtMarks } from "./lesionAtMarks.ts";
import type { LesionCase, SourceEntry, VolumeLesions, VolumeSource } from "./lesionCase.ts";
import { marksInRange } from "./lesionCrop.ts";
import { markedCase, notesOnImage } from "./markedCase.ts";
import { type FiledLesion, parseMarksFile } from "./marksFile.ts";
import { parseMarksTable } from "./marksTable.ts";
import { openReportedScans } from "./reportedScans.ts";

/** Files that list the lesions, in the root: one of them. */
const MARKS_FILES = ["marks.json", "marks.csv"];

const REMEDY =
  "give a folder with marks.json (or marks.csv) and the images that it names, or with DICOM series and their reports";

/** The lesions of one image. */
interface MarkedScan {
  /** As the marks file writes it, without `./`. */
  readonly image: string;
  readonly patient: string;
  readonly lesions: readonly FiledLesion[];
}

/**
 * CT images as they are, with the marks that somebody drew in them: DICOM series with structured reports (see
 * `openReportedScans`), or a folder with `marks.json` (or the same as a table, `marks.csv`), in which every lesion names
 * its `image` (a NIfTI file, or a folder with a DICOM series or with PNG slices and their `spacing`, below that folder) and
 * its `patient`, and may have a `category`, a display `window`, the DICOM `series` that is meant, a reference `mask`, of which
 * the part at the marks is taken, and a `split`. Windows that are not given follow from the image around the marks. Listing
 * reads no pixels; an entry is an image.
 *
 * @throws InputError where the marks file is missing or malformed, a lesion names no image or patient, an image or a mask is absent or lies
 *   elsewhere, or lesions of one image contradict each other; `load` where a file is damaged, marks lie outside their image, a mask lies
 *   on another grid or not at the marks.
 */
export async function openMarkedScans(root: string): Promise<VolumeSource> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, root, REMEDY, { cause: error });
  });
  const [name, another] = MARKS_FILES.filter((one) => names.includes(one));
  if (another !== undefined) throw new InputError(`holds ${name} and ${another}`, root, "leave one of them");
  if (name === undefined) return openReportedScans(root, REMEDY);
  const file = path.join(root, name);
  const text = await readTextFile(file, "make it readable");
  const scans = scansOf((name === "marks.csv" ? parseMarksTable : parseMarksFile)(text, file));
  const entries: SourceEntry[] = [];
  for (const { image, patient, lesions } of scans) {
    const [{ split, where }] = lesions;
    const masks = [...new Set(lesions.flatMap(({ mask, where }) => (mask === undefined ? [] : [below(mask, where)])))];
    entries.push({
      id: image,
      patient,
      ...(split !== undefined && { officialSplit: split }),
      files: [...(await filesOf(root, image, where)), ...masks],
    });
  }
  return { entries, index: [name], skipped: {}, load: (index) => loadScan(root, scans[index]) };
}

function scansOf(lesions: readonly FiledLesion[]): MarkedScan[] {
  const scans = new Map<string, { image: string; patient: string; lesions: FiledLesion[] }>();
  for (const lesion of lesions) {
    const { where, patient } = lesion;
    if (lesion.image === undefined) throw new InputError("names no image", where, 'give it as "image", e.g. "case-1/ct.nii.gz"');
    if (patient === undefined)
      throw new InputError(
        "names no patient",
        where,
        'give a pseudonym as "patient": the lesions of a patient never fall on both sides of a split',
      );
    const image = below(lesion.image, where);
    const key = JSON.stringify([image, lesion.series]);
    const scan = scans.get(key) ?? { image, patient, lesions: [] };
    scans.set(key, scan);
    const [first = lesion] = scan.lesions;
    for (const name of ["patient", "spacing", "split"] as const)
      if (String(first[name]) !== String(lesion[name]))
        throw new InputError(`gives ${image} another ${name} than lesion ${first.id}`, where, "correct one of the two");
    scan.lesions.push(lesion);
  }
  return [...scans.values()];
}

/** A path below the root, with `/` and without detours. */
function below(file: string, where: string): string {
  const plain = path.posix.normalize(file.split(path.sep).join("/")).replace(/\/$/, "");
  if (path.posix.isAbsolute(plain) || path.isAbsolute(file) || plain === ".." || plain.startsWith("../") || plain.includes("\0"))
    throw new InputError(`${file} does not lie below the folder of the marks file`, where, "give a path relative to it");
  return plain;
}

/** The files that opening an image reads. */
async function filesOf(root: string, image: string, where: string): Promise<string[]> {
  const place = path.join(root, image);
  const found = await stat(place).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`its image ${place} cannot be opened (${error.code})`, where, "correct the path", { cause: error });
  });
  if (!found.isDirectory()) return [image];
  const dicom = await dicomFilesBelow(place);
  const relative = dicom.map((file) => path.posix.join(image, path.relative(place, file).split(path.sep).join("/")));
  if (relative.length > 0) return relative;
  const slices = (await readdir(place)).filter((name) => /\.png$/i.test(name)).sort();
  if (slices.length === 0)
    throw new InputError(`its image ${place} holds neither PNG slices nor a DICOM series`, where, "correct the path");
  return slices.map((name) => path.posix.join(image, name));
}

async function loadScan(root: string, { image, patient, lesions }: MarkedScan): Promise<VolumeLesions> {
  const [{ series, spacing }] = lesions;
  const place = path.join(root, image);
  const { volume, notes } = await openImage(place, { series, spacingMm: spacing });
  const noted = notesOnImage(volume, notes);
  const masks = new Map<string, LoadedMask>();
  const cases: LesionCase[] = [];
  for (const lesion of lesions) {
    const { id, marks, where, category = "unknown", split, window } = lesion;
    const about = {
      id,
      patient,
      category,
      ...(split !== undefined && { officialSplit: split }),
      where,
      marks,
      ...(window !== undefined && { window: { low: window[0], high: window[1] } }),
      series: image,
    };
    if (lesion.mask === undefined) {
      cases.push(markedCase(volume, { ...about, notes: noted }));
      continue;
    }
    validateMarks(marks, volume, where);
    const file = path.join(root, below(lesion.mask, where));
    const mask = masks.get(file) ?? (await loadMask(file, volume, place));
    masks.set(file, mask);
    const turned = mask.turned === "" ? [] : [`mask's axes (${mask.turned}) were turned to the CT's, as both affines say`];
    cases.push(markedCase(volume, { ...about, notes: [...noted, ...turned], reference: referenceAt(mask, lesion) }));
  }
  return { cases, skipped: {} };
}

/** A mask on its image's grid, cut to what is not 0. */
interface LoadedMask {
  readonly tight: PlacedMask;
  readonly found: Components;
  readonly turned: string;
}

async function loadMask(file: string, volume: Volume, image: string): Promise<LoadedMask> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be read (${error.code})`, file, "correct the path, or leave the mask out", { cause: error });
  });
  const { labels, turned } = turnedTo(volume, readNiftiLabels(bytes, file));
  checkSameGrid(volume, labels, image, file);
  const tight = placedTightly({ ...labels, data: labels.data.map((label) => (label === 0 ? 0 : 1)) }, [0, 0, 0]);
  if (tight === undefined) throw new InputError("is empty", file, "leave it out, or give the lesion's mask");
  return { tight, found: components(tight.mask.data, tight.mask.dims, 26), turned };
}

/** The part of a mask at the marks. */
function referenceAt({ tight: { mask, start }, found }: LoadedMask, lesion: FiledLesion): PlacedMask {
  const data = lesionAtMarks(found, mask.dims, marksInRange(lesion.marks, { start }));
  if (data === undefined)
    throw new InputError(
      `less than half of its marks lie in the mask ${lesion.mask}`,
      lesion.where,
      "give the mask of this lesion, or leave it out",
    );
  return placedTightly({ ...mask, data }, start)!;
}
