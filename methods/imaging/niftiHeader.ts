import { InputError } from "../inputError.ts";
import { sidewaysVoxels } from "./affineAxes.ts";
import { largestCornerShiftMm } from "./sameGrid.ts";
import type { Grid, Vec3 } from "./volume.ts";

/** How the voxels of a NIfTI file are stored. */
export interface NiftiHeader extends Grid {
  readonly datatype: number;
  readonly littleEndian: boolean;
  /** Byte offset of the first voxel. */
  readonly dataOffset: number;
  /** Voxel value = stored · slope + intercept. */
  readonly slope: number;
  readonly intercept: number;
  /** How far the qform, which does not count beside a sform, places a corner from where the sform does. */
  readonly qformShiftMm: number;
}

/** NIfTI-2's header; NIfTI-1's is 348 long. */
const HEADER_BYTES = 540;
/** Bytes of the header that `writeHeader` makes: NIfTI-1's 348 and the empty extension flag. */
const WRITTEN_HEADER_BYTES = 352;

const REMEDY = "expected a 3-D NIfTI image (.nii or .nii.gz)";
/** pixdim and the affine's columns may differ by this part of a voxel: rounding, not another geometry. */
const SPACING_TOLERANCE = 1e-3;
/** As in a DICOM series (dicomSeries.ts): less is rounding, more a tilted gantry. */
const MOST_SIDEWAYS_VOXELS = 0.5;
/** A qform is written where it moves no voxel further than this along an axis. */
const QFORM_TOLERANCE_MM = 0.01;
const FLOAT32_EPSILON = 2 ** -23;

/** Offsets of the fields that are read, and how the two versions of the format store them. */
interface Layout {
  readonly dim: number;
  readonly datatype: number;
  readonly pixdim: number;
  readonly dataOffset: number;
  readonly slope: number;
  readonly intercept: number;
  readonly qformCode: number;
  readonly sformCode: number;
  readonly quaternion: number;
  readonly qoffset: number;
  readonly srow: number;
  readonly units: number;
  readonly realBytes: 4 | 8;
}
// biome-ignore format: one line per version, to compare
const NIFTI1: Layout = { dim: 40, datatype: 70, pixdim: 76, dataOffset: 108, slope: 112, intercept: 116, qformCode: 252, sformCode: 254, quaternion: 256, qoffset: 268, srow: 280, units: 123, realBytes: 4 };
// biome-ignore format: as above
const NIFTI2: Layout = { dim: 16, datatype: 12, pixdim: 104, dataOffset: 168, slope: 176, intercept: 184, qformCode: 344, sformCode: 348, quaternion: 352, qoffset: 376, srow: 400, units: 500, realBytes: 8 };

/**
 * Reads the header of a single-file NIfTI-1 or NIfTI-2 image of either byte order.
 *
 * The affine is the sform where its code is set, else the qform, else `undirectedAffine`: nibabel's order of preference.
 *
 * @param bytes the (uncompressed) file or at least its first 540 bytes.
 * @throws InputError where it is not a 3-D image with a usable geometry.
 */
export function readHeader(bytes: Uint8Array, where: string): NiftiHeader {
  const fail = (what: string, remedy = REMEDY): never => {
    throw new InputError(what, where, remedy);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { layout, littleEndian } = recognise(view) ?? fail("is not a NIfTI file");
  if (view.byteLength < (layout === NIFTI1 ? 348 : HEADER_BYTES)) fail("the header is cut off");
  if (layout === NIFTI1 && view.getUint8(345) === 0x69)
    fail("is the header of a .hdr/.img pair", "convert the pair to one .nii.gz");

  const short = (at: number): number => view.getInt16(at, littleEndian);
  const real = (at: number, index = 0): number =>
    layout.realBytes === 4 ? view.getFloat32(at + 4 * index, littleEndian) : view.getFloat64(at + 8 * index, littleEndian);
  const code = (at: number): number => (layout === NIFTI1 ? short(at) : view.getInt32(at, littleEndian));
  const long = (at: number): number => Number(view.getBigInt64(at, littleEndian));

  const dim = Array.from({ length: 8 }, (_, i) => (layout === NIFTI1 ? short(layout.dim + 2 * i) : long(layout.dim + 8 * i)));
  if (dim[0] < 2 || dim[0] > 7) fail(`declares ${dim[0]} dimensions`);
  const sizes = dim.slice(1, dim[0] + 1);
  if (sizes.some((n) => n < 1)) fail(`declares a size of ${sizes.join(" × ")}`);
  const frames = sizes.slice(3).reduce((product, n) => product * n, 1);
  if (frames !== 1) fail(`holds ${frames} frames (${sizes.join(" × ")})`, "give one 3-D image");
  const dims: Vec3 = [dim[1], dim[2], dim[0] > 2 ? dim[3] : 1];

  const lengthUnit = (layout === NIFTI1 ? view.getUint8(layout.units) : view.getInt32(layout.units, littleEndian)) & 7;
  if (lengthUnit === 1 || lengthUnit === 3)
    fail(`gives lengths in ${lengthUnit === 1 ? "metres" : "micrometres"}`, "expected millimetres");
  const spacingMm: Vec3 = [real(layout.pixdim, 1), real(layout.pixdim, 2), real(layout.pixdim, 3)];
  if (!spacingMm.every((s) => s > 0 && s < Infinity))
    fail(`voxel spacing is ${spacingMm.join(" × ")} mm`, "correct pixdim in the header");

  const quaternion = [0, 1, 2].map((i) => real(layout.quaternion, i)) as unknown as Vec3;
  const rotation = rotationOf(quaternion);
  const qformAffine = (rotation: readonly number[]): number[] => {
    const handedness = real(layout.pixdim) === -1 ? -1 : 1;
    const scale = [spacingMm[0], spacingMm[1], spacingMm[2] * handedness];
    const row = (r: number): number[] => [...[0, 1, 2].map((c) => rotation[3 * r + c] * scale[c]), real(layout.qoffset, r)];
    return [...row(0), ...row(1), ...row(2), 0, 0, 0, 1];
  };
  const [hasSform, hasQform] = [code(layout.sformCode) > 0, code(layout.qformCode) > 0];
  const affine = hasSform
    ? [...Array.from({ length: 12 }, (_, i) => real(layout.srow, i)), 0, 0, 0, 1]
    : hasQform
      ? qformAffine(rotation ?? fail(`the qform's quaternion (${quaternion.join(", ")}) is no rotation`, "correct the header"))
      : undirectedAffine(dims, spacingMm);
  checkAffine(affine, { dims, spacingMm }, fail);
  // A damaged qform beside a sform says nothing.
  const qformShiftMm = hasSform && hasQform && rotation ? largestCornerShiftMm(dims, affine, qformAffine(rotation)) : 0;

  let slope = real(layout.slope);
  let intercept = real(layout.intercept);
  if (slope === 0 || Number.isNaN(slope)) [slope, intercept] = [1, 0];
  if (!Number.isFinite(slope) || !Number.isFinite(intercept))
    fail(`scales its values by ${slope} and ${intercept}`, "correct scl_slope and scl_inter in the header");

  const dataOffset = layout === NIFTI1 ? real(layout.dataOffset) : long(layout.dataOffset);
  if (!Number.isInteger(dataOffset) || dataOffset < (layout === NIFTI1 ? 348 : HEADER_BYTES))
    fail(`says that its voxels begin at byte ${dataOffset}`);
  return { dims, spacingMm, affine, datatype: short(layout.datatype), littleEndian, dataOffset, slope, intercept, qformShiftMm };
}

/**
 * The affine of a header whose two codes are both 0, as nibabel reads it: x runs to the left and the middle of the
 * image is the origin. (Readers disagree about such files, which is why `writeHeader` keeps the codes at 0 for it.)
 */
export function undirectedAffine(dims: Vec3, [sx, sy, sz]: Vec3): number[] {
  const middle = (axis: number, step: number): number => (-step * (dims[axis] - 1)) / 2;
  return [-sx, 0, 0, middle(0, -sx), 0, sy, 0, middle(1, sy), 0, 0, sz, middle(2, sz), 0, 0, 0, 1];
}

/**
 * A NIfTI-1 header, little endian, without scaling: sform = the affine as float32, qform the same placement, left out
 * where a float32 quaternion cannot express it (shear; turns within a hair of 180°). Both are left out for `undirectedAffine`.
 */
export function writeHeader({ dims, spacingMm, affine }: Grid, datatype: 2 | 4 | 16): Buffer {
  const header = Buffer.alloc(WRITTEN_HEADER_BYTES);
  const directed = undirectedAffine(dims, spacingMm).some((value, i) => value !== affine[i]);
  const qform = directed ? qformOf({ dims, spacingMm, affine }) : undefined;
  header.writeInt32LE(348, 0);
  header.write("r", 38, "latin1");
  [3, ...dims, 1, 1, 1, 1].forEach((n, i) => header.writeInt16LE(n, NIFTI1.dim + 2 * i));
  header.writeInt16LE(datatype, NIFTI1.datatype);
  header.writeInt16LE({ 2: 8, 4: 16, 16: 32 }[datatype], 72);
  [qform?.handedness ?? 1, ...spacingMm].forEach((s, i) => header.writeFloatLE(s, NIFTI1.pixdim + 4 * i));
  header.writeFloatLE(WRITTEN_HEADER_BYTES, NIFTI1.dataOffset);
  header.writeFloatLE(1, NIFTI1.slope);
  header.writeUInt8(2, NIFTI1.units);
  if (directed) {
    header.writeInt16LE(1, NIFTI1.sformCode);
    for (let i = 0; i < 12; i++) header.writeFloatLE(affine[i], NIFTI1.srow + 4 * i);
  }
  if (qform !== undefined) {
    header.writeInt16LE(1, NIFTI1.qformCode);
    qform.quaternion.forEach((q, i) => header.writeFloatLE(q, NIFTI1.quaternion + 4 * i));
    [3, 7, 11].forEach((at, i) => header.writeFloatLE(affine[at], NIFTI1.qoffset + 4 * i));
  }
  header.write("n+1\0", 344, "latin1");
  return header;
}

/** The header's own size (348 or 540) tells the byte order; the magic string must agree with the version. */
function recognise(view: DataView): { layout: Layout; littleEndian: boolean } | undefined {
  if (view.byteLength < 348) return undefined;
  const magic = (at: number): string => String.fromCharCode(...[0, 1, 2].map((i) => view.getUint8(at + i)));
  for (const littleEndian of [true, false]) {
    const size = view.getInt32(0, littleEndian);
    if (size === 348 && ["n+1", "ni1"].includes(magic(344))) return { layout: NIFTI1, littleEndian };
    if (size === 540 && magic(4) === "n+2") return { layout: NIFTI2, littleEndian };
  }
  return undefined;
}

function checkAffine(
  affine: readonly number[],
  { dims, spacingMm }: Pick<Grid, "dims" | "spacingMm">,
  fail: (what: string, remedy?: string) => never,
): void {
  if (!affine.every(Number.isFinite)) fail("the affine is not finite", "correct the header");
  const lengths = [0, 1, 2].map((axis) => Math.hypot(affine[axis], affine[4 + axis], affine[8 + axis]));
  if (lengths.some((length, axis) => Math.abs(length - spacingMm[axis]) > SPACING_TOLERANCE * spacingMm[axis])) {
    fail(
      `pixdim says ${spacingMm.join(" × ")} mm, the affine ${lengths.map((l) => Number(l.toFixed(6))).join(" × ")} mm`,
      "correct the header: millimetres would be wrong",
    );
  }
  if (Math.abs(determinant(affine)) < 1e-3 * lengths[0] * lengths[1] * lengths[2])
    fail("the affine's axes are not independent", "correct the header");
  const askew = sidewaysVoxels(affine, dims);
  if (askew > MOST_SIDEWAYS_VOXELS)
    fail(
      `its axes are not perpendicular: opposite sides of the image lie up to ${Number(askew.toFixed(1))} voxels askew`,
      "a tilted gantry? resample the image to a right-angled grid first: volumes and distances would be wrong",
    );
}

function determinant(m: readonly number[]): number {
  return m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) + m[2] * (m[4] * m[9] - m[5] * m[8]);
}

/** 3 × 3 rotation, row major, of a unit quaternion (a, b, c, d) with a ≥ 0, from b, c, d (NIfTI-1, "method 2"). */
function rotationOf([b, c, d]: Vec3): number[] | undefined {
  const rest = 1 - (b * b + c * c + d * d);
  if (!(rest > -1e-5)) return undefined;
  // What float32 cannot tell from a half turn is one; nibabel draws the line at the same place.
  const a = rest < 3 * FLOAT32_EPSILON ? 0 : Math.sqrt(rest);
  const k = 2 / (a * a + b * b + c * c + d * d);
  // biome-ignore format: a matrix
  return [
    1 - k * (c * c + d * d), k * (b * c - a * d), k * (b * d + a * c),
    k * (b * c + a * d), 1 - k * (b * b + d * d), k * (c * d - a * b),
    k * (b * d - a * c), k * (c * d + a * b), 1 - k * (b * b + c * c),
  ];
}

/** The affine's directions as a float32 quaternion, the third axis turned round (`handedness` −1) where they are left-handed. */
function qformOf({ dims, spacingMm, affine }: Grid): { quaternion: Vec3; handedness: 1 | -1 } | undefined {
  const handedness = determinant(affine) < 0 ? -1 : 1;
  const scale = [spacingMm[0], spacingMm[1], spacingMm[2] * handedness];
  const directions = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => affine[4 * row + column] / scale[column]));
  const quaternion = quaternionOf(directions).map(Math.fround) as unknown as Vec3;
  const rotation = rotationOf(quaternion);
  const shiftMm = rotation?.map((r, i) => Math.abs(r - directions[i]) * spacingMm[i % 3] * (dims[i % 3] - 1)) ?? [Infinity];
  return Math.max(...shiftMm) < QFORM_TOLERANCE_MM ? { quaternion, handedness } : undefined;
}

/** (b, c, d) of the unit quaternion with a ≥ 0; divides by the largest of the four, so that half turns are exact. */
function quaternionOf(r: readonly number[]): Vec3 {
  const squares = [1 + r[0] + r[4] + r[8], 1 + r[0] - r[4] - r[8], 1 - r[0] + r[4] - r[8], 1 - r[0] - r[4] + r[8]];
  const largest = squares.indexOf(Math.max(...squares));
  const half = Math.sqrt(squares[largest]) / 2;
  const over = 1 / (4 * half);
  const [a, b, c, d] = [
    [half, (r[7] - r[5]) * over, (r[2] - r[6]) * over, (r[3] - r[1]) * over],
    [(r[7] - r[5]) * over, half, (r[1] + r[3]) * over, (r[2] + r[6]) * over],
    [(r[2] - r[6]) * over, (r[1] + r[3]) * over, half, (r[5] + r[7]) * over],
    [(r[3] - r[1]) * over, (r[2] + r[6]) * over, (r[5] + r[7]) * over, half],
  ][largest];
  return a < 0 ? [-b, -c, -d] : [b, c, d];
}
