import { constants as constantsOfBuffer } from "node:buffer";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { InputError } from "../inputError.ts";
import { leanOf } from "./affineAxes.ts";
import { type NiftiHeader, readHeader, writeHeader } from "./niftiHeader.ts";
import { notesOnHu } from "./valuesInHu.ts";
import type { Grid, LabelVolume, Mask, Volume } from "./volume.ts";
import { narrowest } from "./voxelValues.ts";

/** Deflate cannot expand its input more than this. */
const MAX_DEFLATE_RATIO = 1032;
/** Less is rounding. */
const PLACEMENT_TOLERANCE_MM = 0.1;
/** ITK's, seen. */
const PERPENDICULAR_TOLERANCE = 1e-4;
const MOST_VALUES = 6;
/** zlib's own default; fixed, so that equal masks are equal bytes. */
const GZIP_LEVEL = 6;

/** Bytes of a voxel and how one is read, by NIfTI datatype code. */
const DATATYPES: Readonly<
  Record<number, { bytes: number; read: (view: DataView, at: number, littleEndian: boolean) => number }>
> = {
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  256: { bytes: 1, read: (view, at) => view.getInt8(at) },
  4: { bytes: 2, read: (view, at, le) => view.getInt16(at, le) },
  512: { bytes: 2, read: (view, at, le) => view.getUint16(at, le) },
  8: { bytes: 4, read: (view, at, le) => view.getInt32(at, le) },
  768: { bytes: 4, read: (view, at, le) => view.getUint32(at, le) },
  1024: { bytes: 8, read: (view, at, le) => Number(view.getBigInt64(at, le)) },
  1280: { bytes: 8, read: (view, at, le) => Number(view.getBigUint64(at, le)) },
  16: { bytes: 4, read: (view, at, le) => view.getFloat32(at, le) },
  64: { bytes: 8, read: (view, at, le) => view.getFloat64(at, le) },
};
const UNREADABLE: Readonly<Record<number, string>> = {
  1: "1-bit",
  32: "complex",
  128: "RGB",
  1536: "128-bit float",
  1792: "complex",
  2048: "complex",
  2304: "RGBA",
};

/**
 * Reads a `.nii` or `.nii.gz` image (NIfTI-1 or -2, either byte order, integer or float voxels) with its rescaling.
 * Values come as Int16Array where all of them are integers of 16 bits, whatever their stored type, else as Float32Array.
 *
 * @param where path of the file, for the error.
 * @throws InputError where it is not a whole, finite 3-D scalar image; a damaged header allocates nothing beyond what
 *   the file's size can justify.
 */
export function readNifti(bytes: Uint8Array, where: string): Volume {
  return readNiftiImage(bytes, where).volume;
}

/**
 * As `readNifti`.
 * @returns notes: what programs on ITK make of the image, where they place it elsewhere or do not open its masks; values that look like none in HU.
 */
export function readNiftiImage(bytes: Uint8Array, where: string): { volume: Volume; notes: string[] } {
  const { header, voxels, valueAt } = openVoxels(bytes, where);
  const volume = { ...gridOf(header), data: narrowest(voxels, valueAt, where) };
  return { volume, notes: [...notesOn(header), ...notesOnHu(volume)] };
}

function notesOn({ qformShiftMm, affine }: NiftiHeader): string[] {
  const notes: string[] = [];
  if (qformShiftMm >= PLACEMENT_TOLERANCE_MM)
    notes.push(
      `its qform places it up to ${Number(qformShiftMm.toFixed(1))} mm from its sform, which counts here: programs that go by the qform (ITK's) see masks beside the image`,
    );
  if (leanOf(affine) > PERPENDICULAR_TOLERANCE)
    notes.push("its axes are not perpendicular, nor are its masks', which programs on ITK then do not open");
  return notes;
}

/**
 * As `readNifti`, for a mask: a voxel belongs to the lesion where it is not 0 (labels and fractions count).
 * @throws InputError also when a value is negative: that is an image, not a mask.
 */
export function readNiftiMask(bytes: Uint8Array, where: string): Mask {
  return readNiftiMaskOf(bytes, where).mask;
}

/**
 * As `readNiftiMask`; the mask of `label` alone where one is given.
 * @returns values: the first few other than 0, in the order in which they are met; `listed` for telling them.
 * @throws InputError also when there are other values but not `label`.
 */
export function readNiftiMaskOf(bytes: Uint8Array, where: string, label?: number): { mask: Mask; values: number[] } {
  const { header, voxels, valueAt } = openVoxels(bytes, where);
  const data = new Uint8Array(voxels);
  const values = new Set<number>();
  let notNumbers = 0;
  let lowest = 0;
  let last = 0;
  for (let i = 0; i < voxels; i++) {
    const value = valueAt(i);
    if (value !== 0 && value !== last && (values.size < MOST_VALUES || value === label)) values.add(value);
    last = value;
    if (!Number.isFinite(value)) notNumbers++;
    if (value < lowest) lowest = value;
    if (label === undefined ? value !== 0 : value === label) data[i] = 1;
  }
  if (notNumbers > 0) throw new InputError(`${notNumbers} voxels are NaN or infinite`, where, "replace them by 0");
  if (lowest < 0)
    throw new InputError(
      `holds negative values (${lowest}): this is an image, not a mask`,
      where,
      "give the mask that belongs to it",
    );
  if (label !== undefined && values.size > 0 && !values.has(label))
    throw new InputError(`has no label ${label}`, where, `its labels are ${listed([...values])}`);
  return { mask: { ...gridOf(header), data }, values: [...values] };
}

/** Of `readNiftiMaskOf`'s values, which may be cut off. */
export const listed = (values: readonly (number | string)[]): string =>
  values.length < MOST_VALUES ? values.join(", ") : `${values.slice(0, MOST_VALUES - 1).join(", ")}, …`;

/**
 * As `readNifti`, for a label map: the values 0 … 255 as they are, `[z, y, x]`.
 * @throws InputError also when a value is no integer from 0 to 255.
 */
export function readNiftiLabels(bytes: Uint8Array, where: string): LabelVolume {
  const { header, voxels, valueAt } = openVoxels(bytes, where);
  const data = new Uint8Array(voxels);
  for (let i = 0; i < voxels; i++) {
    const value = valueAt(i);
    data[i] = value;
    if (data[i] !== value)
      throw new InputError(`holds the value ${value}: labels are integers from 0 to 255`, where, "give the labelled mask");
  }
  return { ...gridOf(header), data };
}

/** Bytes of a file from which `readNiftiGrid` reads. */
export const GRID_BYTES = 16384;

/** The grid of an image of which only the beginning (`GRID_BYTES`) was read. */
export function readNiftiGrid(bytes: Uint8Array, where: string): Grid {
  return gridOf(readHeader(isGzip(bytes) ? beginning(bytes, where) : bytes, where));
}

/** A `.nii.gz` of unsigned bytes, on the mask's grid and affine; equal masks give equal bytes (same zlib). */
export function writeNiftiMask(mask: Mask): Buffer {
  return compress(mask, 2, mask.data);
}

/** A `.nii.gz` of int16 or float32 voxels, as the volume holds them; equal volumes give equal bytes (same zlib). */
export function writeNifti(volume: Volume): Buffer {
  return compress(volume, volume.data instanceof Int16Array ? 4 : 16, volume.data);
}

function gridOf({ dims, spacingMm, affine }: NiftiHeader): Grid {
  return { dims, spacingMm, affine };
}

/** The file's voxels as they lie, checked against its size; `valueAt` decodes and rescales one. */
function openVoxels(
  bytes: Uint8Array,
  where: string,
): { header: NiftiHeader; voxels: number; valueAt: (index: number) => number } {
  const compressed = isGzip(bytes);
  const header = readHeader(compressed ? beginning(bytes, where) : bytes, where);
  const type = DATATYPES[header.datatype];
  if (type === undefined) {
    throw new InputError(
      `stores ${UNREADABLE[header.datatype] ?? `datatype ${header.datatype}`} voxels`,
      where,
      "expected one integer or real number per voxel",
    );
  }
  const { dims, dataOffset, littleEndian, slope, intercept } = header;
  const voxels = dims[0] * dims[1] * dims[2];
  const size = dataOffset + voxels * type.bytes;
  if (size > bytes.length * (compressed ? MAX_DEFLATE_RATIO : 1))
    throw wrongSize(`its ${bytes.length} bytes cannot hold`, header, where);
  if (size >= constantsOfBuffer.MAX_LENGTH) throw tooLarge(size, where);
  const file = compressed ? decompress(bytes, size, where) : bytes;
  if (file.length !== size) throw wrongSize(`${file.length - dataOffset} bytes of voxels are not`, header, where);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return {
    header,
    voxels,
    valueAt: (index) => type.read(view, dataOffset + index * type.bytes, littleEndian) * slope + intercept,
  };
}

function wrongSize(what: string, { dims }: NiftiHeader, where: string): InputError {
  return new InputError(
    `${what} the ${dims.join(" × ")} voxels that its header declares`,
    where,
    "copy the file again from its source",
  );
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Enough of a compressed file to read its header; the rest stays compressed until the sizes are known to agree. */
function beginning(bytes: Uint8Array, where: string): Uint8Array {
  return inflate(
    () =>
      gunzipSync(bytes.subarray(0, GRID_BYTES), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: 2 * GRID_BYTES * MAX_DEFLATE_RATIO,
      }),
    where,
  );
}

/** At most one byte more than expected comes out: what is too long is as wrong as what is too short. */
function decompress(bytes: Uint8Array, size: number, where: string): Uint8Array {
  return inflate(() => gunzipSync(bytes, { maxOutputLength: size + 1 }), where);
}

function inflate(run: () => Uint8Array, where: string): Uint8Array {
  try {
    return run();
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const what = tooLong
      ? "holds more bytes than its header declares"
      : `the gzip stream is damaged or cut off: ${(error as Error).message}`;
    throw new InputError(what, where, "copy the file again from its source", { cause: error });
  }
}

function tooLarge(size: number, where: string): InputError {
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return new InputError(
    `unpacks to ${gib(size)}, more than the ${gib(constantsOfBuffer.MAX_LENGTH)} that are read`,
    where,
    "crop it, or store it as 16-bit integers",
  );
}

function compress(grid: Grid, datatype: 2 | 4 | 16, data: Uint8Array | Int16Array | Float32Array): Buffer {
  const [nx, ny, nz] = grid.dims;
  if (data.length !== nx * ny * nz) throw new RangeError(`holds ${data.length} voxels, not ${nx} × ${ny} × ${nz}`);
  const voxels = Buffer.alloc(data.byteLength);
  const view = new DataView(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  if (data instanceof Uint8Array) voxels.set(data);
  else if (data instanceof Int16Array) data.forEach((value, i) => view.setInt16(2 * i, value, true));
  else data.forEach((value, i) => view.setFloat32(4 * i, value, true));
  const file = gzipSync(Buffer.concat([writeHeader(grid, datatype), voxels]), { level: GZIP_LEVEL });
  // zlib leaves the time at 0 but writes the operating system here; 255 is "unknown".
  file[9] = 255;
  return file;
}
