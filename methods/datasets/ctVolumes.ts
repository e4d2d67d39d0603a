import { readdir } from "node:fs/promises";
import path from "node:path";
import { openImage } from "../imaging/openImage.ts";
import type { Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import type { SourceEntry } from "./lesionCase.ts";

/** Whole CT volumes without lesions or marks: what is searched. */
export interface CtVolumes {
  readonly entries: readonly SourceEntry[];
  load(index: number): Promise<Volume>;
}

const NIFTI = /\.nii(\.gz)?$/i;
/** Files that other data sets take for masks. */
const MASK = /(^|\/)([^/]*mask[^/]*|mask\/[^/]+)\.nii(\.gz)?$/i;

/**
 * Every NIfTI file below a folder but masks, in the order of their paths. A volume is named after its path; its patient is the
 * folder directly below the root that it lies in, else the file itself.
 *
 * @throws InputError where the folder cannot be listed, holds none, or two would have one name.
 */
export async function openCtVolumes(root: string): Promise<CtVolumes> {
  const all = await readdir(root, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, root, "give a folder with NIfTI files", { cause: error });
  });
  const files = all
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => NIFTI.test(file) && !MASK.test(file))
    .sort();
  if (files.length === 0) throw new InputError("holds no CT volume", root, "give a folder with NIfTI files (.nii or .nii.gz)");
  const entries = files.map((file) => {
    const [folder, ...rest] = file.split("/");
    return { id: idOf(file), patient: rest.length > 0 ? folder : idOf(file), files: [file] };
  });
  const seen = new Map<string, string>();
  for (const {
    id,
    files: [file],
  } of entries) {
    const other = seen.get(id);
    if (other !== undefined) throw new InputError(`would be called ${id}, as ${other} is`, path.join(root, file), "rename one");
    seen.set(id, file);
  }
  return { entries, load: async (index) => (await openImage(path.join(root, files[index]))).volume };
}

/** Ids name files: other characters become `_`. */
function idOf(file: string): string {
  return file
    .replace(NIFTI, "")
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]/, "x")
    .slice(0, 100);
}
