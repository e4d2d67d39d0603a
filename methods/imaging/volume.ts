/**
 * The grids everything lives on.
 *
 * Axis order is stated once, here: a volume lies in memory as `[z, y, x]`, x fastest, so voxel (x, y, z) is
 * `data[(z * ny + y) * nx + x]`. Points are `[x, y]` pixels (column, row), 0-based, pixel centres at integers.
 * For NIfTI, (x, y, z) are the voxel indices (i, j, k).
 */
export type Vec3 = readonly [number, number, number];

/** Size, spacing and position of a volume. `affine` maps (x, y, z, 1) voxels to NIfTI world millimetres (RAS+), row major, 4 × 4. */
export interface Grid {
  /** Number of voxels along x, y, z. */
  readonly dims: Vec3;
  /** Voxel spacing along x, y, z in mm, all positive. */
  readonly spacingMm: Vec3;
  readonly affine: readonly number[];
}

/** CT intensities in Hounsfield units, `[z, y, x]`. */
export interface Volume extends Grid {
  readonly data: Int16Array | Float32Array;
}

/** Binary mask, 0 or 1, `[z, y, x]`. */
export interface Mask extends Grid {
  readonly data: Uint8Array;
}

/** Objects by number, 0 = none, `[z, y, x]`. */
export interface LabelVolume extends Grid {
  readonly data: Uint8Array;
}

/** One axial slice, `[y, x]`, x fastest. */
export interface Slice<A extends ArrayLike<number> = Float32Array> {
  readonly data: A;
  readonly width: number;
  readonly height: number;
}

/** Display window in HU: `low` maps to black (0), `high` to white. */
export interface HuWindow {
  readonly low: number;
  readonly high: number;
}

/** Integer box on a slice; `x1`, `y1` are exclusive. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Affine of a grid whose axes are the image's own: (x, y, z) voxels → (x·sx, y·sy, z·sz) mm. */
export function scalingAffine(spacingMm: Vec3): number[] {
  const [sx, sy, sz] = spacingMm;
  return [sx, 0, 0, 0, 0, sy, 0, 0, 0, 0, sz, 0, 0, 0, 0, 1];
}

/** Copy of slice `z` of a volume or mask, `[y, x]`. */
export function sliceOf<A extends Int16Array | Float32Array | Uint8Array>(
  volume: Grid & { readonly data: A },
  z: number,
): Slice<A> {
  const [width, height, depth] = volume.dims;
  if (!Number.isInteger(z) || z < 0 || z >= depth) throw new RangeError(`slice ${z} is outside the volume's ${depth} slices`);
  return { data: volume.data.slice(z * width * height, (z + 1) * width * height) as A, width, height };
}
