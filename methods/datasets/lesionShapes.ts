import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type Mask, scalingAffine, type Vec3 } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";

/** Data sets of ULS23 whose masks an archive of shapes may hold. */
export const shapeSets = [
  "DeepLesion3D",
  "NIH_LN_ABD",
  "NIH_LN_MED",
  "Radboudumc_Bone",
  "Radboudumc_Pancreas",
  "kits21",
  "LIDC-IDRI",
  "LiTS",
  "MDSC_Task06_Lung",
  "MDSC_Task07_Pancreas",
  "MDSC_Task10_Colon",
] as const;
export type ShapeSet = (typeof shapeSets)[number];

/** A lesion's shape as the archive lists it. */
export interface LesionShape {
  /** Unique in its set, e.g. `ABD_LYMPH_001_lesion_02_sample_0`. */
  readonly name: string;
  readonly set: ShapeSet;
  /** Whose lesion it is: see `patientOfShape`. */
  readonly patient: string;
  /** Size of the tight box x, y, z. */
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly voxels: number;
}

/** An archive of manual 3D lesion masks without images. */
export interface LesionShapes {
  readonly entries: readonly LesionShape[];
  /** The mask of `entries[index]` in its tight box, `[z, y, x]`; the affine only scales: where it lay is not known. */
  load(index: number): Mask;
}

interface IndexedShape extends LesionShape {
  /** Of the first byte in the unpacked bits. */
  readonly offset: number;
  readonly bytes: number;
}

const INDEX = "masks_tight_index.json";
const BITS = "masks_tight_packbits_zyx.bin.gz";
/** The files of an archive. */
export const shapeFiles: readonly string[] = [INDEX, BITS];

/**
 * Opens an archive of tight lesion masks (ULS23): `masks_tight_index.json`, and `masks_tight_packbits_zyx.bin.gz` beside
 * it, in which each mask's voxels are bits in z, y, x order, the most significant bit first, from a byte of its own. The
 * unpacked bits stay in memory (25 MB for 6,376 masks).
 *
 * @param where the index, or the folder that holds it.
 * @throws InputError where the index cannot be understood or does not fit the bits.
 */
export async function openLesionShapes(where: string): Promise<LesionShapes> {
  const isFolder = await stat(where).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const indexPath = isFolder ? path.join(where, INDEX) : where;
  const bitsPath = path.join(path.dirname(indexPath), BITS);
  const entries = parseIndex((await read(indexPath)).toString("utf8"), indexPath);
  const packed = await promisify(gunzip)(await read(bitsPath)).catch((error: Error) => {
    throw new InputError(`is not gzip (${error.message})`, bitsPath, undefined, { cause: error });
  });
  for (const { name, offset, bytes } of entries) {
    if (offset + bytes <= packed.length) continue;
    throw new InputError(`ends before the voxels of ${name}`, bitsPath, "fetch the index and the bits again, as a pair");
  }
  return {
    entries: entries.map(({ offset: _, bytes: __, ...shape }) => shape),
    load(index) {
      const { name, dims, spacingMm, voxels, offset } = entries[index];
      const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
      let set = 0;
      for (let i = 0; i < data.length; i++) set += data[i] = (packed[offset + (i >> 3)] >> (7 - (i & 7))) & 1;
      if (set !== voxels)
        throw new InputError(`${name} has ${set} voxels where the index says ${voxels}`, bitsPath, "fetch the archive again");
      return { dims, spacingMm, affine: scalingAffine(spacingMm), data };
    },
  };
}

/**
 * The patient in a shape's name: what stands before `_lesion_` (`ABD_LYMPH_001`, `lidcidri_100`, `bone_00002`), but the
 * first number of DeepLesion's `<patient>_<study>_<series>_<slice>`. Names of different sets never give the same patient,
 * although sets may share a person (abdominal and mediastinal lymph nodes are numbered apart).
 */
export function patientOfShape(name: string, set: ShapeSet): string | undefined {
  const pattern = set === "DeepLesion3D" ? /^(\d{6})_\d\d_\d\d_\d+_lesion_\d+/ : /^([A-Za-z]\w*?)_lesion_\d+/;
  return pattern.exec(name)?.[1];
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be read (${error.code})`, file, `give a folder with ${INDEX} and ${BITS}`, { cause: error });
  });
}

function parseIndex(text: string, where: string): IndexedShape[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not JSON (${(error as Error).message})`, where, undefined, { cause: error });
  }
  if (!Array.isArray(rows)) throw new InputError("is not a list of shapes", where);
  return rows.map((row: Record<string, unknown>, i) => shapeOf(row, `${where}[${i}]`));
}

function shapeOf(row: Record<string, unknown>, where: string): IndexedShape {
  const { name, set, dims, spacing, voxels, offset, bytes } = row;
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const isTriple = (value: unknown): value is Vec3 =>
    Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === "number" && part > 0);
  if (typeof name !== "string" || !shapeSets.includes(set as ShapeSet))
    throw new InputError("has no name, or a set that is not known", where, `sets are ${shapeSets.join(", ")}`);
  if (!isTriple(dims) || !dims.every(isCount) || !isTriple(spacing))
    throw new InputError("dims and spacing must be three positive numbers each", where);
  if (!isCount(voxels) || !isCount(offset) || bytes !== Math.ceil((dims[0] * dims[1] * dims[2]) / 8))
    throw new InputError("voxels, offset and bytes must be counts, with a bit for each voxel of dims", where);
  const patient = patientOfShape(name, set as ShapeSet);
  if (patient === undefined) throw new InputError(`the name ${name} does not tell the patient`, where);
  return { name, set: set as ShapeSet, patient, dims, spacingMm: spacing, voxels, offset, bytes };
}
