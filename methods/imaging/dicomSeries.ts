import { InputError } from "../inputError.ts";
import type { DicomSlice } from "./dicomSlice.ts";
import type { Vec3, Volume } from "./volume.ts";

/** A series as its volume was put together: what an object that refers to it has to know. */
export interface CtStack {
  /** UID of the series. */
  readonly series: string;
  /** One of its files. */
  readonly file: string;
  readonly columns: number;
  readonly rows: number;
  /** In the volume's order. */
  readonly slices: readonly Pick<DicomSlice, "sopClass" | "instance" | "frame" | "position">[];
  readonly alongColumns: Vec3;
  readonly alongRows: Vec3;
  readonly spacingMm: Vec3;
}

/** Steps from slice to slice may differ by this part of a step, */
const STEP_TOLERANCE = 0.02;
/** or by so much: positions may be rounded to 0.1 mm, along three axes; */
const ROUNDING_MM = 0.18;
/** but never by this part of a step. */
const UNEVEN = 0.4;
/** The last slice may be displaced sideways by this part of a pixel; more is a tilted gantry. */
const SIDEWAYS_PIXELS = 0.5;

/**
 * The slices of one CT series as a volume: (i, j, k) = column, row, position along the slice normal. DICOM's world is
 * LPS, the affine's is RAS: its first two rows are negated.
 *
 * @param where the folder, for the error.
 * @throws InputError where slices belong to several series, differ in size, spacing or direction, share a position, or
 *   one is missing between two others.
 */
export function assembleSeries(slices: readonly DicomSlice[], where: string): Volume {
  const [first, ...others] = slices;
  if (first === undefined) throw new InputError("holds no DICOM slice", where);
  const series = new Set(slices.map((slice) => slice.series));
  if (series.size > 1) throw new InputError(`holds slices of ${series.size} series`, where, "give one series");
  for (const other of others) checkAlike(first, other);

  // Rounded directions are not quite perpendicular, which other programs refuse in a NIfTI file.
  const u = unit(first.alongColumns);
  const normal = normalOf(first);
  const v = cross(normal, u);
  const height = ({ position }: DicomSlice): number => dot(position, normal);
  const ordered = inOrder(slices);
  const sz = stepBetween(ordered, height, where);
  if (ordered.length > 1) checkUpright(ordered, normal, where);

  const [sx, sy] = first.spacingMm;
  const [p, q, r] = ordered[0].position;
  // biome-ignore format: a matrix
  const affine = [
    -u[0] * sx, -v[0] * sy, -normal[0] * sz, -p,
    -u[1] * sx, -v[1] * sy, -normal[1] * sz, -q,
    u[2] * sx, v[2] * sy, normal[2] * sz, r,
    0, 0, 0, 1,
  ];
  const size = first.columns * first.rows;
  const data = slices.every((slice) => slice.data instanceof Int16Array)
    ? new Int16Array(size * slices.length)
    : new Float32Array(size * slices.length);
  ordered.forEach((slice, z) => data.set(slice.data, z * size));
  // + 0 turns −0 into 0.
  return {
    dims: [first.columns, first.rows, slices.length],
    spacingMm: [sx, sy, sz],
    affine: affine.map((value) => value + 0),
    data,
  };
}

/** The slices without those that equal another one in place and pixels: archives export slices twice. */
export function withoutCopies(slices: readonly DicomSlice[]): DicomSlice[] {
  const kept = new Map<string, DicomSlice[]>();
  for (const slice of slices) {
    const place = [slice.series, ...slice.position, ...slice.alongColumns, ...slice.alongRows].join();
    const others = kept.get(place) ?? [];
    if (!others.some(({ data }) => data.length === slice.data.length && data.every((hu, i) => hu === slice.data[i])))
      kept.set(place, [...others, slice]);
  }
  return [...kept.values()].flat();
}

/** The slices of a series in the order that they have in its volume: along their normal. */
export function inOrder(slices: readonly DicomSlice[]): DicomSlice[] {
  if (slices.length === 0) return [];
  const normal = normalOf(slices[0]);
  return [...slices].sort((a, b) => dot(a.position, normal) - dot(b.position, normal));
}

const normalOf = ({ alongColumns, alongRows }: DicomSlice): Vec3 => unit(cross(unit(alongColumns), alongRows));

function checkAlike(a: DicomSlice, b: DicomSlice): void {
  const near = (p: readonly number[], q: readonly number[]): boolean => p.every((value, i) => Math.abs(value - q[i]) <= 1e-4);
  const differs = (what: string): never => {
    throw new InputError(`${what} differs from that of ${a.where}`, b.where, "give one series without scouts");
  };
  if (a.columns !== b.columns || a.rows !== b.rows) differs("image size");
  if (!near(a.spacingMm, b.spacingMm)) differs("pixel spacing");
  if (!near(a.alongColumns, b.alongColumns) || !near(a.alongRows, b.alongRows)) differs("orientation");
}

/** From a slice to the next, in mm. A single slice has its thickness for a step. */
function stepBetween(ordered: readonly DicomSlice[], height: (slice: DicomSlice) => number, where: string): number {
  const [first, last] = [ordered[0], ordered[ordered.length - 1]];
  if (ordered.length === 1) {
    const thickness = first.thicknessMm ?? 0;
    if (!(thickness > 0)) throw new InputError("is a single slice without a thickness", where, "give the whole series");
    return thickness;
  }
  const steps = ordered.slice(1).map((slice, i) => height(slice) - height(ordered[i]));
  const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1];
  const tolerance = Math.min(UNEVEN * usual, Math.max(STEP_TOLERANCE * usual, ROUNDING_MM));
  steps.forEach((step, i) => {
    const between = `between ${ordered[i].where} and ${ordered[i + 1].where}`;
    if (step < 1e-3)
      throw new InputError(
        `two slices lie at one position, ${ordered[i].where} and ${ordered[i + 1].where}`,
        where,
        "give one series, one phase",
      );
    if (Math.abs(step - usual) > tolerance) {
      throw new InputError(
        `the step ${between} is ${Number(step.toFixed(3))} mm, elsewhere ${Number(usual.toFixed(3))} mm`,
        where,
        "a slice is missing, or the spacing is not even",
      );
    }
  });
  const even = (height(last) - height(first)) / steps.length;
  ordered.forEach((slice, i) => {
    const off = height(slice) - height(first) - i * even;
    if (Math.abs(off) > tolerance)
      throw new InputError(
        `${slice.where} lies ${Number(Math.abs(off).toFixed(3))} mm off an even spacing of ${Number(even.toFixed(3))} mm`,
        where,
        "resample the series to an even spacing first",
      );
  });
  return even;
}

function checkUpright(ordered: readonly DicomSlice[], normal: Vec3, where: string): void {
  const [first, last] = [ordered[0], ordered[ordered.length - 1]];
  const way = last.position.map((value, axis) => value - first.position[axis]) as unknown as Vec3;
  const up = dot(way, normal);
  const sideways = Math.hypot(...way.map((value, axis) => value - normal[axis] * up));
  if (sideways <= Math.max(ROUNDING_MM, SIDEWAYS_PIXELS * Math.min(...first.spacingMm))) return;
  throw new InputError(
    `slices are displaced sideways by ${Number((sideways / (ordered.length - 1)).toFixed(3))} mm per step`,
    where,
    "a tilted gantry: resample the series to a right-angled grid first",
  );
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(a: Vec3): Vec3 {
  const length = Math.hypot(...a);
  return [a[0] / length, a[1] / length, a[2] / length];
}

function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
