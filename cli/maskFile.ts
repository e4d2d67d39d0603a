import { readFile } from "node:fs/promises";
import { readNiftiMask } from "../methods/imaging/nifti.ts";
import type { Mask } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";

/**
 * Reads a NIfTI mask (`.nii` or `.nii.gz`); any value but 0 is inside.
 *
 * @throws InputError where the file cannot be read or is not a mask.
 */
export async function readMaskFile(path: string): Promise<Mask> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const what = { ENOENT: "there is no such file", EISDIR: "is a folder, not a mask file", EACCES: "may not be read" }[
      error.code ?? ""
    ];
    throw new InputError(what ?? `cannot be read: ${error.message}`, path, "give a NIfTI mask (.nii or .nii.gz)", {
      cause: error,
    });
  });
  return readNiftiMask(bytes, path);
}
