import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { componentAt, components } from "../imaging/components.ts";
import { cropVolume } from "../imaging/crop.ts";
import { GRID_BYTES, readNifti, readNiftiGrid, readNiftiMask } from "../imaging/nifti.ts";
import { checkSameGrid } from "../imaging/sameGrid.ts";
import { type HuWindow, type Mask, type Slice, sliceOf, type Vec3, type Volume } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { type RecistMarks, shiftedTo } from "../labels/recist.ts";
import type { LesionCase, LesionSource } from "./lesionCase.ts";
import { lesionRange, marksInRange, rangeOfMask, type VoxelRange } from "./lesionCrop.ts";
import { marksOfMask, withNoise } from "./simulatedMarks.ts";
import { windowOf } from "./windowOf.ts";

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

interface Listed {
  readonly id: string;
  readonly patient: string;
  readonly image: string;
  readonly mask: string;
  /** The component's range in the volume, and one of its voxels. */
  readonly range: VoxelRange;
  readonly voxel: Vec3;
  /** On the volume's grid, noise included. */
  readonly marks: RecistMarks;
}

/**
 * CT volumes with 3D lesion masks (NIfTI), one folder per case: the lymph-node protocol of section 4, where marks are
 * simulated from masks (READINGS 13). Every 26-connected component of at least 30 voxels is a lesion
 * `<folder>-<mask file>-<n>`; its patient is the folder.
 *
 * All masks are read to list their lesions; a case's CT is read when one of them is loaded.
 *
 * @throws InputError where no case is found, a folder holds two CTs, or a mask lies on another grid than its CT.
 */
export async function openNiftiMasks(root: string, options: NiftiMasksOptions): Promise<LesionSource> {
  const { seed, noise = 0, window = "auto", imagePattern = IMAGE_PATTERN, maskPattern = MASK_PATTERN } = options;
  if (!(noise >= 0 && noise < 1))
    throw new InputError(`noise of the marks is ${noise}`, undefined, "give a part from 0 to below 1, e.g. 0.2");
  const skipped: Record<string, number> = {};
  const skip = (reason: string): void => {
    skipped[reason] = (skipped[reason] ?? 0) + 1;
  };
  const listed: Listed[] = [];
  for (const folder of await caseFolders(root, imagePattern, maskPattern, skip)) {
    for (const mask of folder.masks) listed.push(...(await listLesions(root, folder, mask, { seed, noise }, skip)));
  }
  const ids = new Set<string>();
  for (const { id, mask } of listed) {
    if (ids.has(id))
      throw new InputError(
        `a second lesion would be called ${id}`,
        path.join(root, mask),
        "give the mask files of a case different names",
      );
    ids.add(id);
  }
  // Lesions of a case are loaded one after the other, so that keeping one volume is enough.
  const readImage = keepLatest(async (file) => readNifti(await readFile(path.join(root, file)), path.join(root, file)));
  const readMask = keepLatest(async (file) => readNiftiMask(await readFile(path.join(root, file)), path.join(root, file)));
  return {
    entries: listed.map(({ id, patient, image, mask }) => ({ id, patient, files: [image, mask] })),
    skipped,
    load: async (index) =>
      caseOf(listed[index], await readImage(listed[index].image), await readMask(listed[index].mask), window),
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

async function listLesions(
  root: string,
  { name, image }: CaseFolder,
  maskFile: string,
  { seed, noise }: { seed: number; noise: number },
  skip: (reason: string) => void,
): Promise<Listed[]> {
  const imagePath = path.join(root, image);
  const maskPath = path.join(root, maskFile);
  const mask = readNiftiMask(await readFile(maskPath), maskPath);
  checkSameGrid(readNiftiGrid(await readBeginning(imagePath), imagePath), mask, imagePath, maskPath);
  const whole = rangeOfMask(mask.data, mask.dims);
  if (whole === undefined) {
    skip("mask is empty");
    return [];
  }
  const tight = cropVolume(mask, whole.start, whole.end);
  const { labels, sizes } = components(tight.data, tight.dims, 26);
  const [nx, ny] = tight.dims;
  const maskName = path.posix.basename(maskFile).replace(/\.nii(\.gz)?$/i, "");
  const listed: Listed[] = [];
  sizes.forEach((size, i) => {
    if (size < SMALLEST_LESION_VOXELS) return skip(`component of fewer than ${SMALLEST_LESION_VOXELS} voxels`);
    const first = labels.indexOf(i + 1);
    const inTight: Vec3 = [first % nx, Math.floor(first / nx) % ny, Math.floor(first / (nx * ny))];
    const lesion = { ...tight, data: componentAt(tight.data, tight.dims, 26, inTight) };
    const own = rangeOfMask(lesion.data, lesion.dims) as VoxelRange;
    const measured = marksOfMask(lesion);
    if (measured === undefined) return skip("component is too thin to have two diameters");
    const id = idOf(`${name}-${maskName}-${listed.length + 1}`);
    const noisy = withNoise(measured, noise, seed, id);
    const marks: RecistMarks = { slice: noisy.slice + whole.start[2], ...shiftedTo([-whole.start[0], -whole.start[1]], noisy) };
    listed.push({
      id,
      patient: name,
      image,
      mask: maskFile,
      range: { start: sum(own.start, whole.start), end: sum(own.end, whole.start) },
      voxel: sum(inTight, whole.start),
      marks,
    });
  });
  return listed;
}

function caseOf(
  { id, patient, image: imageFile, range, voxel, marks }: Listed,
  image: Volume,
  mask: Mask,
  window: "auto" | HuWindow,
): LesionCase {
  const own = cropVolume(mask, range.start, range.end);
  const lesion = componentAt(own.data, own.dims, 26, sum(voxel, negative(range.start)));
  const cut = lesionRange(marks, image.spacingMm, image.dims, range);
  const crop = cropVolume(image, cut.start, cut.end);
  const reference: Mask = {
    dims: crop.dims,
    spacingMm: crop.spacingMm,
    affine: crop.affine,
    data: new Uint8Array(crop.data.length),
  };
  place(lesion, own.dims, reference, sum(range.start, negative(cut.start)));
  return {
    id,
    patient,
    category: "unknown",
    marks: marksInRange(marks, cut),
    window: window === "auto" ? windowOf(sliceOf(image, marks.slice), sectionOf(lesion, range, marks.slice, image)) : window,
    image: crop,
    reference,
    source: { series: imageFile, origin: cut.start },
    notes: [],
  };
}

/** One lesion's section on a whole slice of its volume. */
function sectionOf(
  lesion: Uint8Array,
  { start, end }: VoxelRange,
  slice: number,
  { dims, spacingMm, affine }: Volume,
): Slice<Uint8Array> {
  const [width, height] = [end[0] - start[0], end[1] - start[1]];
  const from = (slice - start[2]) * width * height;
  const whole: Mask = { dims: [dims[0], dims[1], 1], spacingMm, affine, data: new Uint8Array(dims[0] * dims[1]) };
  place(lesion.subarray(from, from + width * height), [width, height, 1], whole, [start[0], start[1], 0]);
  return sliceOf(whole, 0);
}

/** Writes a block of voxels into a mask, its first voxel at `at`. */
function place(block: Uint8Array, [width, height, depth]: Vec3, { data, dims }: Mask, at: Vec3): void {
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const from = (z * height + y) * width;
      data.set(block.subarray(from, from + width), ((at[2] + z) * dims[1] + at[1] + y) * dims[0] + at[0]);
    }
  }
}

/** Ids name files: other characters become `_`. */
function idOf(name: string): string {
  return name
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]/, "x")
    .slice(0, 128);
}

function keepLatest<T>(read: (file: string) => Promise<T>): (file: string) => Promise<T> {
  let latest: { file: string; value: Promise<T> } | undefined;
  return (file) => {
    if (latest?.file !== file) latest = { file, value: read(file) };
    return latest.value;
  };
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

function sum([a, b, c]: Vec3, [d, e, f]: Vec3): Vec3 {
  return [a + d, b + e, c + f];
}

function negative([x, y, z]: Vec3): Vec3 {
  return [-x, -y, -z];
}
