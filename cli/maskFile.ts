import { readFile } from "node:fs/promises";
import { listed, readNiftiMaskOf } from "../methods/imaging/nifti.ts";
import type { Mask } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import { say } from "./output.ts";

/**
 * Reads a NIfTI mask (`.nii` or `.nii.gz`): what is not 0, or what is `label`. Says so where the file holds more than a
 * mask of one lesion does.
 *
 * @throws InputError where the file cannot be read or is not a mask, or has other labels but not this one.
 */
export async function readMaskFile(path: string, label?: number): Promise<Mask> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const what = { ENOENT: "there is no such file", EISDIR: "is a folder, not a mask file", EACCES: "may not be read" }[
      error.code ?? ""
    ];
    throw new InputError(what ?? `cannot be read: ${error.message}`, path, "give a NIfTI mask (.nii or .nii.gz)", {
      cause: error,
    });
  });
  const { mask, values } = readNiftiMaskOf(bytes, path, label);
  if (label === undefined && !values.every(Number.isInteger))
    say(`${path} holds fractions (${listed(values.map((value) => value.toPrecision(2)))}): every voxel that is not 0 counts`);
  else if (label === undefined && values.length > 1) say(`${path} holds the labels ${listed(values)}: all of them count`);
  return mask;
}
