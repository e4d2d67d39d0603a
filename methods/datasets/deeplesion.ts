import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type Components, components } from "../imaging/components.ts";
import { cropSlice } from "../imaging/crop.ts";
import { readNiftiMask } from "../imaging/nifti.ts";
import { decodeCtPng } from "../imaging/png16.ts";
import { type Mask, type Slice, sliceOf, type Vec3, type Volume } from "../imaging/volume.ts";
import { rangeOfMask, type VoxelRange } from "../imaging/voxelRange.ts";
import { InputError } from "../inputError.ts";
import { endPoints, lengthMm, type RecistMarks } from "../labels/recist.ts";
import { rememberLast } from "../rememberLast.ts";
import { readTextFile } from "../textFile.ts";
import { type DeepLesionRow, parseDeepLesionInfo } from "./deeplesionInfo.ts";
import { lesionAtMarks } from "./lesionAtMarks.ts";
import type { LesionCase, LesionSource, SourceEntry } from "./lesionCase.ts";
import { lesionRange, marksInRange, wantedSlices } from "./lesionCrop.ts";

export interface DeepLesionOptions {
  /** Folder of the slices, `<images>/<series>/<slice>.png`, relative to the root. Default `Images_png`. */
  readonly images?: string;
  /** The table of the lesions, relative to the root. Default `DL_info.csv`. */
  readonly info?: string;
  /** Folder of 3D masks, `<series>_<first>-<last>_mask.nii.gz`, relative to the root; may be absent. Default `masks3d`. */
  readonly masks?: string;
  /** Rows marked `Possibly_noisy`. Default `skip`. */
  readonly noisyRows?: "skip" | "keep";
}

/** A lesion that can be loaded. */
interface Listed {
  readonly row: DeepLesionRow;
  /** All positive. */
  readonly spacingMm: Vec3;
  /** First and last slice of the unbroken run of image files around the key slice. */
  readonly run: readonly [number, number];
  /** File name of every slice of the run. */
  readonly files: ReadonlyMap<number, string>;
  readonly masks: readonly MaskFile[];
  readonly notes: readonly string[];
}

/** A mask on the slices `first` … `last` of its series: voxel (x, y, z) is column x, row y of slice `first` + z. */
interface MaskFile {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** More than a case reads, where slices are 5 mm thick: 16 MB of slices of 512 × 512. */
const SLICES_KEPT = 32;

/**
 * DeepLesion (Yan et al. 2018) as distributed: 16-bit PNG slices and `DL_info.csv`. A case's z origin is the slice
 * number of its first slice; its affine scales voxels to mm from slice 0, column 0, row 0.
 *
 * Rows that cannot be used are counted by reason: no image of the key slice, z spacing unknown, a diameter of length 0,
 * marks outside the image, possibly noisy.
 *
 * @throws InputError where the table is missing or malformed; `load` where a slice or a mask is damaged or has another
 *   geometry than its row.
 */
export async function openDeepLesion(root: string, options: DeepLesionOptions = {}): Promise<LesionSource> {
  const { images = "Images_png", info = "DL_info.csv", masks = "masks3d", noisyRows = "skip" } = options;
  const infoPath = path.join(root, info);
  const rows = parseDeepLesionInfo(await readText(infoPath), infoPath);
  const masksBySeries = await listMasks(path.join(root, masks));
  const slicesBySeries = new Map<string, Map<number, string>>();
  const skipped: Record<string, number> = {};
  const listed: Listed[] = [];
  for (const row of rows) {
    const slices = slicesBySeries.get(row.series) ?? (await listSlices(path.join(root, images, row.series)));
    slicesBySeries.set(row.series, slices);
    const reason = reasonToSkip(row, slices, noisyRows);
    if (reason === undefined) listed.push(list(row, slices, masksBySeries.get(row.series) ?? []));
    else skipped[reason] = (skipped[reason] ?? 0) + 1;
  }
  const folders = { images: path.join(root, images), masks: path.join(root, masks) };
  const readers = rememberingReaders();
  return {
    entries: listed.map((lesion) => entryOf(lesion, images, masks)),
    index: [info],
    skipped,
    load: (index) => loadCase(listed[index], folders, readers),
  };
}

interface Readers {
  slice(file: string): Promise<Slice<Int16Array>>;
  mask(file: string): Promise<{ readonly mask: Mask } & Components>;
}

/** Rows of a series stand together in the table and share slices and masks: the last ones are not decoded again. */
function rememberingReaders(): Readers {
  const byName = (file: string): string => file;
  return {
    slice: rememberLast(SLICES_KEPT, byName, async (file) => decodeCtPng(await readFile(file), file)),
    mask: rememberLast(1, byName, async (file) => {
      const mask = readNiftiMask(await readFile(file), file);
      return { mask, ...components(mask.data, mask.dims, 26) };
    }),
  };
}

function reasonToSkip(row: DeepLesionRow, slices: ReadonlyMap<number, string>, noisyRows: "skip" | "keep"): string | undefined {
  const [width, height] = row.imageSize;
  if (row.possiblyNoisy && noisyRows === "skip") return "possibly noisy";
  if (!slices.has(row.keySlice)) return "image file is absent";
  if (!(Math.abs(row.spacingMm[2]) > 0)) return "z spacing is unknown";
  if (Math.min(lengthMm(row.diameters.long, row.spacingMm), lengthMm(row.diameters.short, row.spacingMm)) === 0)
    return "a diameter has length 0";
  if (endPoints(row.diameters).some(([x, y]) => x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5))
    return "marks lie outside the image";
  return undefined;
}

function list(row: DeepLesionRow, files: ReadonlyMap<number, string>, masks: readonly MaskFile[]): Listed {
  const [sx, sy, sz] = row.spacingMm;
  let [first, last] = [row.keySlice, row.keySlice];
  while (files.has(first - 1)) first--;
  while (files.has(last + 1)) last++;
  const spacingMm: Vec3 = [sx, sy, Math.abs(sz)];
  const [wantedFirst, wantedLast] = wantedSlices({ ...row.diameters, slice: row.keySlice }, spacingMm);
  const notes: string[] = [];
  if (sz < 0) notes.push("z spacing was negative");
  // Where DeepLesion itself stops, nothing is missing.
  if (first > Math.max(wantedFirst, row.sliceRange[0]) || last < Math.min(wantedLast, row.sliceRange[1]))
    notes.push("neighbouring slices are absent");
  return {
    row,
    spacingMm,
    run: [first, last],
    files,
    masks: masks.filter((mask) => mask.first <= row.keySlice && row.keySlice <= mask.last),
    notes,
  };
}

/** Lists the slices that the case can need: a reference can enlarge it up to its mask's own slices. */
function entryOf({ row, spacingMm, run, files, masks }: Listed, imagesFolder: string, masksFolder: string): SourceEntry {
  const [wantedFirst, wantedLast] = wantedSlices({ ...row.diameters, slice: row.keySlice }, spacingMm);
  const first = Math.max(run[0], Math.min(wantedFirst, ...masks.map((mask) => mask.first)));
  const last = Math.min(run[1], Math.max(wantedLast, ...masks.map((mask) => mask.last)));
  const slices = Array.from({ length: last - first + 1 }, (_, i) =>
    path.posix.join(imagesFolder, row.series, files.get(first + i) as string),
  );
  return {
    id: row.id,
    patient: row.patient,
    officialSplit: row.officialSplit,
    files: [...slices, ...masks.map((mask) => path.posix.join(masksFolder, mask.name))],
  };
}

async function loadCase(
  { row, spacingMm, run, files, masks, notes }: Listed,
  folders: { images: string; masks: string },
  readers: Readers,
): Promise<LesionCase> {
  const dims: Vec3 = [row.imageSize[0], row.imageSize[1], run[1] - run[0] + 1];
  const marks: RecistMarks = { ...row.diameters, slice: row.keySlice - run[0] };
  const found = await findReference(row, spacingMm, masks, folders.masks, readers);
  const reach = found && shifted(rangeOfMask(found.mask.data, found.mask.dims), found.first - run[0]);
  const range = lesionRange(marks, spacingMm, dims, reach);
  const firstSlice = run[0] + range.start[2];

  const fileOf = (slice: number): string => path.join(folders.images, row.series, files.get(slice) as string);
  const image = await readCrop(row, spacingMm, range, firstSlice, fileOf, readers);
  const beyond = reach !== undefined && (reach.start[2] < 0 || reach.end[2] > dims[2]);
  return {
    id: row.id,
    patient: row.patient,
    category: row.category,
    officialSplit: row.officialSplit,
    marks: marksInRange(marks, range),
    window: row.window,
    image,
    ...(found && { reference: cropReference(found, image, range, firstSlice) }),
    source: { series: row.series, origin: [range.start[0], range.start[1], firstSlice] },
    notes: beyond ? [...notes, "the reference reaches slices that are absent"] : notes,
  };
}

async function readCrop(
  row: DeepLesionRow,
  spacingMm: Vec3,
  { start, end }: VoxelRange,
  firstSlice: number,
  fileOf: (slice: number) => string,
  readers: Readers,
): Promise<Volume> {
  const [width, height, depth] = [end[0] - start[0], end[1] - start[1], end[2] - start[2]];
  const data = new Int16Array(width * height * depth);
  for (let z = 0; z < depth; z++) {
    const file = fileOf(firstSlice + z);
    const slice = await readers.slice(file);
    if (slice.width !== row.imageSize[0] || slice.height !== row.imageSize[1]) {
      throw new InputError(
        `is ${slice.width} × ${slice.height} pixels, its row says ${row.imageSize.join(" × ")}`,
        file,
        `compare line ${row.line} of the table`,
      );
    }
    data.set(cropSlice(slice, { x0: start[0], y0: start[1], x1: end[0], y1: end[1] }).data, z * width * height);
  }
  const [sx, sy, sz] = spacingMm;
  const affine = [sx, 0, 0, start[0] * sx, 0, sy, 0, start[1] * sy, 0, 0, sz, firstSlice * sz, 0, 0, 0, 1];
  return { dims: [width, height, depth], spacingMm, affine, data };
}

/** The part of a mask that is this row's lesion. A mask file belongs to a series, not to a lesion, so the marks decide. */
async function findReference(
  row: DeepLesionRow,
  spacingMm: Vec3,
  masks: readonly MaskFile[],
  folder: string,
  readers: Readers,
): Promise<{ mask: Mask; first: number } | undefined> {
  for (const { name, first, last } of masks) {
    const file = path.join(folder, name);
    const { mask, labels, sizes } = await readers.mask(file);
    checkGeometry(mask, [...row.imageSize, last - first + 1], spacingMm, file, row);
    const data = lesionAtMarks({ labels, sizes }, mask.dims, { ...row.diameters, slice: row.keySlice - first });
    if (data === undefined) continue;
    return { mask: { ...mask, data }, first };
  }
  return undefined;
}

function checkGeometry(
  { dims, spacingMm }: Mask,
  expectedDims: readonly number[],
  expectedSpacingMm: Vec3,
  file: string,
  row: DeepLesionRow,
): void {
  const same =
    dims.every((n, axis) => n === expectedDims[axis]) &&
    spacingMm.every((s, axis) => Math.abs(s - expectedSpacingMm[axis]) <= 1e-3 * s);
  if (same) return;
  throw new InputError(
    `is ${dims.join("×")} voxels of ${spacingMm.map((s) => Number(s.toFixed(4))).join("×")} mm, its series is ${expectedDims.join("×")} voxels of ${expectedSpacingMm.join("×")} mm`,
    file,
    `compare line ${row.line} of the table and the slices in the mask's name`,
  );
}

/** The reference on the crop's grid; slices of the mask that have no image are left out. */
function cropReference(
  { mask, first }: { mask: Mask; first: number },
  { dims, spacingMm, affine }: Volume,
  { start, end }: VoxelRange,
  firstSlice: number,
): Mask {
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let z = 0; z < dims[2]; z++) {
    const inMask = firstSlice + z - first;
    if (inMask < 0 || inMask >= mask.dims[2]) continue;
    const box = { x0: start[0], y0: start[1], x1: end[0], y1: end[1] };
    data.set(cropSlice(sliceOf(mask, inMask), box).data, z * dims[0] * dims[1]);
  }
  return { dims, spacingMm, affine, data };
}

function shifted(range: VoxelRange | undefined, slices: number): VoxelRange | undefined {
  if (range === undefined) return undefined;
  const [x0, y0, z0] = range.start;
  const [x1, y1, z1] = range.end;
  return { start: [x0, y0, z0 + slices], end: [x1, y1, z1 + slices] };
}

/** Slice number → file name of the PNG files of a series; empty where the folder is absent. */
async function listSlices(folder: string): Promise<Map<number, string>> {
  const names = (await listFolder(folder)).filter((name) => /^\d+\.png$/.test(name));
  return new Map(names.map((name) => [Number.parseInt(name, 10), name]));
}

async function listMasks(folder: string): Promise<Map<string, MaskFile[]>> {
  const bySeries = new Map<string, MaskFile[]>();
  for (const name of (await listFolder(folder)).sort()) {
    const parts = /^(\d+_\d+_\d+)_(\d+)-(\d+)_mask\.nii(?:\.gz)?$/.exec(name);
    if (parts === null) continue;
    const file: MaskFile = { name, first: Number(parts[2]), last: Number(parts[3]) };
    bySeries.set(parts[1], [...(bySeries.get(parts[1]) ?? []), file]);
  }
  return bySeries;
}

async function listFolder(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new InputError(`cannot be listed (${error.code})`, folder, undefined, { cause: error });
  });
}

const readText = (file: string): Promise<string> => readTextFile(file, "give the folder that holds DL_info.csv and Images_png");
