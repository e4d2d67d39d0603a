import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { components } from "../imaging/components.ts";
import { cropVolume } from "../imaging/crop.ts";
import { GRID_BYTES, readNiftiGrid, readNiftiImage, readNiftiMask } from "../imaging/nifti.ts";
import { checkSameGrid } from "../imaging/sameGrid.ts";
import type { HuWindow, Mask, Vec3 } from "../imaging/volume.ts";
import { rangeOfMask, type VoxelRange } from "../imaging/voxelRange.ts";
import { InputError } from "../inputError.ts";
import type { LesionCase, VolumeLesions, VolumeSource } from "./lesionCase.ts";
import { caseOfMask, type MarkNoise } from "./maskedLesion.ts";

export interface NiftiMasksOptions {
  /** Seeds the noise of the marks, together with the lesion's id. */
  readonly seed: number;
  /** Each diameter is lengthened or shortened by a factor uniform in 1 ± this, about the marks' intersection. Default 0. */
  readonly noise?: number;
  /** Display window, or `auto` (default): lung or soft tissue, see `windowOf`. */
  readonly window?: "auto" | HuWindow;
  /** Which file of a case's folder is the CT, by path inside it. */
  readonly imagePattern?: RegExp;
  /** Which files are masks; a file that is both is a mask. */
  readonly maskPattern?: RegExp;
}

/** `…image….nii`, or any NIfTI in a folder `image`. */
const IMAGE_PATTERN = /(^|\/)([^/]*image[^/]*|image\/[^/]+)\.nii(\.gz)?$/i;
const MASK_PATTERN = /(^|\/)([^/]*mask[^/]*|mask\/[^/]+)\.nii(\.gz)?$/i;
/** Smaller components are specks of the drawing, not lesions. */
const SMALLEST_LESION_VOXELS = 30;

/** A folder with one CT and its masks; paths relative to the root. */
interface CaseFolder {
  readonly name: string;
  readonly image: string;
  readonly masks: readonly string[];
}

/**
 * CT volumes with 3D lesion masks (NIfTI), one folder per case: the lymph-node protocol of section 4, where marks are
 * simulated from masks (READINGS 13). Every 26-connected component of at least 30 voxels is a lesion
 * `<folder>-<mask file>-<n>`; its patient is the folder. Listing reads headers only; an entry is a case.
 *
 * @throws InputError where no case is found, a folder holds two CTs, or a mask lies on another grid than its CT.
 */
export async function openNiftiMasks(root: string, options: NiftiMasksOptions): Promise<VolumeSource> {
  const { seed, noise = 0, window = "auto", imagePattern = IMAGE_PATTERN, maskPattern = MASK_PATTERN } = options;
  if (!(noise >= 0 && noise < 1))
    throw new InputError(`noise of the marks is ${noise}`, undefined, "give a part from 0 to below 1, e.g. 0.2");
  const skipped: Record<string, number> = {};
  const folders = await caseFolders(root, imagePattern, maskPattern, (reason) => count(skipped, reason));
  const names = new Set<string>();
  for (const { name, image, masks } of folders) {
    const imagePath = path.join(root, image);
    const imageGrid = readNiftiGrid(await readBeginning(imagePath), imagePath);
    for (const mask of masks) {
      const maskPath = path.join(root, mask);
      checkSameGrid(imageGrid, readNiftiGrid(await readBeginning(maskPath), maskPath), imagePath, maskPath);
      const lesions = lesionsOf(name, mask);
      if (names.has(lesions))
        throw new InputError(
          `a second lesion would be called ${lesions}-1`,
          maskPath,
          "give the mask files of a case different names",
        );
      names.add(lesions);
    }
  }
  return {
    entries: folders.map(({ name, image, masks }) => ({ id: idOf(name), patient: name, files: [image, ...masks] })),
    skipped,
    load: (index) => loadCase(root, folders[index], window, { seed, noise }),
  };
}

async function caseFolders(
  root: string,
  imagePattern: RegExp,
  maskPattern: RegExp,
  skip: (reason: string) => void,
): Promise<CaseFolder[]> {
  const children = await readdir(root, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be listed (${error.code})`, root, "give a folder with one folder per case", { cause: error });
  });
  const cases: CaseFolder[] = [];
  for (const name of children
    .filter((child) => child.isDirectory())
    .map((child) => child.name)
    .sort()) {
    const files = (await readdir(path.join(root, name), { recursive: true })).map((file) => file.split(path.sep).join("/"));
    const masks = files.filter((file) => maskPattern.test(file)).sort();
    const images = files.filter((file) => imagePattern.test(file) && !masks.includes(file)).sort();
    if (images.length > 1)
      throw new InputError(
        `holds ${images.length} CT images: ${images.join(", ")}`,
        path.join(root, name),
        "keep one per folder",
      );
    if (images.length === 0) skip("folder has no CT image");
    else if (masks.length === 0) skip("folder has no mask");
    else cases.push({ name, image: `${name}/${images[0]}`, masks: masks.map((mask) => `${name}/${mask}`) });
  }
  if (cases.length === 0)
    throw new InputError(
      "no folder in it holds a CT image and a mask",
      root,
      "expected e.g. <case>/CT_image.nii.gz and <case>/CT_mask.nii.gz",
    );
  return cases;
}

async function loadCase(
  root: string,
  { name, image: imageFile, masks }: CaseFolder,
  window: "auto" | HuWindow,
  noise: MarkNoise,
): Promise<VolumeLesions> {
  const imagePath = path.join(root, imageFile);
  const { volume: image, notes: noted } = readNiftiImage(await readFile(imagePath), imagePath);
  const notes = noted.map((note) => `CT: ${note}`);
  const cases: LesionCase[] = [];
  const skipped: Record<string, number> = {};
  for (const maskFile of masks) {
    const maskPath = path.join(root, maskFile);
    const mask = readNiftiMask(await readFile(maskPath), maskPath);
    checkSameGrid(image, mask, imagePath, maskPath);
    let lesions = 0;
    for (const { start, lesion } of lesionsIn(mask, (reason) => count(skipped, reason))) {
      const id = `${lesionsOf(name, maskFile)}-${lesions + 1}`;
      const about = { id, patient: name, category: "unknown", series: imageFile, window, notes } as const;
      const lesionCase = caseOfMask(image, lesion, start, about, noise);
      if (lesionCase === undefined) count(skipped, "component is too thin to have two diameters");
      else {
        cases.push(lesionCase);
        lesions++;
      }
    }
  }
  return { cases, skipped };
}

/** The components of a mask that are lesions, each in its tight box. */
function* lesionsIn(mask: Mask, skip: (reason: string) => void): Generator<{ start: Vec3; lesion: Mask }> {
  const whole = rangeOfMask(mask.data, mask.dims);
  if (whole === undefined) return skip("mask is empty");
  const tight = cropVolume(mask, whole.start, whole.end);
  const { labels, sizes } = components(tight.data, tight.dims, 26);
  for (const [i, size] of sizes.entries()) {
    if (size < SMALLEST_LESION_VOXELS) {
      skip(`component of fewer than ${SMALLEST_LESION_VOXELS} voxels`);
      continue;
    }
    const data = Uint8Array.from(labels, (label) => (label === i + 1 ? 1 : 0));
    const { start, end } = rangeOfMask(data, tight.dims) as VoxelRange;
    const [x, y, z] = whole.start;
    yield { start: [start[0] + x, start[1] + y, start[2] + z], lesion: cropVolume({ ...tight, data }, start, end) };
  }
}

function count(counts: Record<string, number>, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}

/** What the lesions of a mask are called, without their numbers. */
function lesionsOf(name: string, maskFile: string): string {
  return idOf(`${name}-${path.posix.basename(maskFile).replace(/\.nii(\.gz)?$/i, "")}`);
}

/** Ids name files: other characters become `_`. */
function idOf(name: string): string {
  return name
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]/, "x")
    .slice(0, 120);
}

async function readBeginning(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(GRID_BYTES), 0, GRID_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
