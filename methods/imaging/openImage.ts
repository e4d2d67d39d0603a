import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "../inputError.ts";
import { isDicom } from "./dicomFile.ts";
import { dicomFilesBelow, openDicomSeries } from "./dicomFolder.ts";
import type { CtStack } from "./dicomSeries.ts";
import { readNiftiImage } from "./nifti.ts";
import { decodeCtPng } from "./png16.ts";
import { orUnreadable } from "./unreadable.ts";
import { notesOnHu } from "./valuesInHu.ts";
import { scalingAffine, type Vec3, type Volume } from "./volume.ts";

export type ImageKind = "nifti" | "png-slices" | "dicom";

export interface OpenOptions {
  /** x, y, z of PNG slices, which do not say how large they are in mm. */
  readonly spacingMm?: Vec3;
  /** UID or number of the DICOM series to open where there are several. */
  readonly series?: string;
}

export interface OpenedImage {
  readonly volume: Volume;
  readonly kind: ImageKind;
  /** What one should know about it: copies and localizers that were left out, lossy compression, two placements, values that are hardly HU. */
  readonly notes: readonly string[];
  /** Of a DICOM series: what an object that refers to it has to know. */
  readonly stack?: CtStack;
}

/**
 * Opens a CT image: a NIfTI file, a folder of DeepLesion PNG slices, or a DICOM CT series in a folder and its subfolders or, of many
 * frames, in one file.
 *
 * PNG slices lie in the order of their numbers, which must be unbroken; they say nothing about their size in mm, so
 * `spacingMm` is required, and the affine is the scaling by it. A spacing given with another kind is an error: those images know
 * their own. PNG files beside DICOM files are previews.
 *
 * @throws InputError where the path is none of these, or what it holds is damaged or incomplete.
 */
export async function openImage(image: string, { spacingMm, series }: OpenOptions = {}): Promise<OpenedImage> {
  const found = await stat(image).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(
      `cannot be opened (${error.code})`,
      image,
      "give a NIfTI file, a folder of PNG slices or a DICOM series",
      { cause: error },
    );
  });
  const bytes = found.isFile() ? await orUnreadable(image, () => readFile(image)) : undefined;
  const dicomFiles = bytes === undefined ? await dicomFilesBelow(image) : isDicom(bytes) ? [image] : [];
  const names = found.isDirectory() ? (await readdir(image)).sort() : [];
  const slices = dicomFiles.length > 0 ? [] : names.filter((name) => /\.png$/i.test(name));
  if (series !== undefined && dicomFiles.length === 0)
    throw new InputError("holds no DICOM series", image, "leave the series out");
  if (slices.length > 0) {
    const volume = await readPngSlices(image, slices, spacingMm);
    return { volume, kind: "png-slices", notes: notesOnHu(volume) };
  }
  if (spacingMm !== undefined)
    throw new InputError("is no folder of PNG slices, so it has a spacing of its own", image, "leave the spacing out");
  if (bytes !== undefined && dicomFiles.length === 0) return { ...readNiftiImage(bytes, image), kind: "nifti" };
  return { ...(await openDicomSeries(dicomFiles, image, series)), kind: "dicom" };
}

async function readPngSlices(folder: string, names: readonly string[], spacingMm: Vec3 | undefined): Promise<Volume> {
  if (spacingMm === undefined)
    throw new InputError("PNG slices do not say how large a pixel is", folder, "give the spacing x,y,z in mm");
  if (!spacingMm.every((s) => s > 0 && s < Infinity))
    throw new InputError(`spacing is ${spacingMm.join(" × ")} mm`, folder, "give three positive numbers");
  const numbered = names
    .map((name) => ({ name, number: Number(/(\d+)\.png$/i.exec(name)?.[1] ?? Number.NaN) }))
    .sort((a, b) => a.number - b.number);
  numbered.forEach(({ name, number }, i) => {
    if (Number.isNaN(number))
      throw new InputError(
        "its name does not end in the slice's number",
        path.join(folder, name),
        "name slices 001.png, 002.png …",
      );
    const previous = numbered[i - 1];
    if (previous !== undefined && number !== previous.number + 1) {
      const what =
        number === previous.number
          ? `${previous.name} and ${name} have one number`
          : `slice ${previous.number + 1} is missing between ${previous.name} and ${name}`;
      throw new InputError(what, folder, "give an unbroken run of slices");
    }
  });

  let size: { width: number; height: number } | undefined;
  let data = new Int16Array(0);
  for (const [z, { name }] of numbered.entries()) {
    const file = path.join(folder, name);
    const slice = decodeCtPng(await orUnreadable(file, () => readFile(file)), file);
    if (size === undefined) {
      size = { width: slice.width, height: slice.height };
      data = new Int16Array(slice.data.length * numbered.length);
    } else if (slice.width !== size.width || slice.height !== size.height) {
      throw new InputError(
        `is ${slice.width} × ${slice.height} pixels, ${numbered[0].name} is ${size.width} × ${size.height}`,
        file,
        "give slices of one series",
      );
    }
    data.set(slice.data, z * slice.data.length);
  }
  const { width, height } = size as { width: number; height: number };
  return { dims: [width, height, numbered.length], spacingMm, affine: scalingAffine(spacingMm), data };
}
