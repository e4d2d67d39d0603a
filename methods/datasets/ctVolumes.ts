import { readdir } from "node:fs/promises";
import path from "node:path";
import { type CtSeries, ctSeriesAmong, dicomFilesBelow, openDicomSeries } from "../imaging/dicomFolder.ts";
import { openImage } from "../imaging/openImage.ts";
import type { Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import type { SourceEntry } from "./lesionCase.ts";

/** Whole CT volumes without lesions or marks: what is searched. */
export interface CtVolumes {
  readonly entries: readonly SourceEntry[];
  /** DICOM series that were left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** @returns notes: what one should know about the image, as `openImage` tells it. */
  load(index: number): Promise<{ readonly volume: Volume; readonly notes: readonly string[] }>;
}

const NIFTI = /\.nii(\.gz)?$/i;
/** Files that other data sets take for masks. */
const MASK = /(^|\/)([^/]*mask[^/]*|mask\/[^/]+)\.nii(\.gz)?$/i;
/** A scan of the trunk has more; what has fewer watches a bolus arrive, or guides a needle. */
const LEAST_SLICES = 16;

interface Listed {
  readonly entry: SourceEntry;
  readonly load: () => ReturnType<CtVolumes["load"]>;
}

/**
 * Every NIfTI file below a folder but masks, and every DICOM CT series of at least 16 slices, in the order of their paths. A volume
 * is named after the path of its file, or of the series' folder (with the series' number where a folder has several); its
 * patient is the folder directly below the root that it lies in, else the volume itself.
 *
 * @throws InputError where the folder cannot be listed, holds none, or two would have one name.
 */
export async function openCtVolumes(root: string): Promise<CtVolumes> {
  const all = await readdir(root, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, root, REMEDY, { cause: error });
  });
  const niftis = all.map(withSlashes).filter((file) => NIFTI.test(file) && !MASK.test(file));
  const series = await ctSeriesAmong(await dicomFilesBelow(root));
  const scans = series.filter(({ images }) => images >= LEAST_SLICES);
  const listed = [...niftis.map((file) => listedNifti(root, file)), ...listedSeries(root, scans)].sort((a, b) =>
    a.entry.files[0] < b.entry.files[0] ? -1 : 1,
  );
  const few = series.length - scans.length;
  const skipped: Record<string, number> = few === 0 ? {} : { [`CT series of fewer than ${LEAST_SLICES} slices`]: few };
  if (listed.length === 0)
    throw new InputError(
      few === 0 ? "holds no CT volume" : `holds only ${few} CT series of fewer than ${LEAST_SLICES} slices`,
      root,
      REMEDY,
    );
  const seen = new Map<string, string>();
  for (const { id, files } of listed.map(({ entry }) => entry)) {
    const other = seen.get(id);
    if (other !== undefined)
      throw new InputError(`would be called ${id}, as ${other} is`, path.join(root, files[0]), "rename one");
    seen.set(id, files[0]);
  }
  return { entries: listed.map(({ entry }) => entry), skipped, load: (index) => listed[index].load() };
}

const REMEDY = "give a folder with NIfTI files (.nii or .nii.gz) or DICOM CT series";

function listedNifti(root: string, file: string): Listed {
  return { entry: entryOf(file.replace(NIFTI, ""), [file]), load: () => openImage(path.join(root, file)) };
}

function listedSeries(root: string, all: readonly CtSeries[]): Listed[] {
  const relative = all.map(({ files }) => files.map((file) => withSlashes(path.relative(root, file))));
  const folders = relative.map(([first]) => path.posix.dirname(first));
  return all.map(({ number, uid, files }, i) => {
    const folder = folders[i];
    const isAlone = folders.filter((other) => other === folder).length === 1;
    const name = isAlone && folder !== "." ? folder : path.posix.join(folder, `series-${number || uid}`);
    return { entry: entryOf(name, relative[i]), load: () => openDicomSeries(files, path.join(root, folder), uid) };
  });
}

function entryOf(name: string, files: readonly string[]): SourceEntry {
  const [folder, ...rest] = name.split("/");
  return { id: idOf(name), patient: rest.length > 0 ? folder : idOf(name), files };
}

const withSlashes = (file: string): string => file.split(path.sep).join("/");

/** Ids name files: other characters become `_`. */
function idOf(name: string): string {
  return name
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]/, "x")
    .slice(0, 100);
}
