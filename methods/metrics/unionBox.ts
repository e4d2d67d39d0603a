import type { Vec3 } from "../imaging/volume.ts";

/** Two masks cut to the box that holds every voxel of both, plus a rim of one voxel where the grid has one. */
export interface CroppedPair {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly dims: Vec3;
  /** Voxels inside the first and the second mask. */
  readonly sizes: readonly [number, number];
}

/**
 * Crops two `[z, y, x]` masks of size `dims` (x, y, z) to their union. Distances between the masks are the same in the
 * crop, at the cost of the lesion instead of the volume; the rim keeps what a border voxel is. Two empty masks give
 * empty arrays.
 *
 * @throws RangeError where a mask does not hold `dims` voxels.
 */
export function cropToUnion(a: Uint8Array, b: Uint8Array, dims: Vec3): CroppedPair {
  const [nx, ny, nz] = dims;
  for (const mask of [a, b]) {
    if (mask.length !== nx * ny * nz) throw new RangeError(`mask holds ${mask.length} voxels, not ${nx} × ${ny} × ${nz}`);
  }
  const low = [nx, ny, nz];
  const high = [-1, -1, -1];
  const sizes: [number, number] = [0, 0];
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        if (a[i] === 0 && b[i] === 0) continue;
        if (a[i] !== 0) sizes[0]++;
        if (b[i] !== 0) sizes[1]++;
        if (x < low[0]) low[0] = x;
        if (x > high[0]) high[0] = x;
        if (y < low[1]) low[1] = y;
        if (y > high[1]) high[1] = y;
        if (z < low[2]) low[2] = z;
        high[2] = z;
      }
    }
  }
  if (high[0] < 0) return { a: new Uint8Array(0), b: new Uint8Array(0), dims: [0, 0, 0], sizes };
  const start = low.map((v) => Math.max(0, v - 1));
  const end = high.map((v, axis) => Math.min(dims[axis], v + 2));
  const [width, height, depth] = end.map((v, axis) => v - start[axis]);
  const crop = (mask: Uint8Array): Uint8Array => {
    const cut = new Uint8Array(width * height * depth);
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < height; y++) {
        const from = ((z + start[2]) * ny + y + start[1]) * nx + start[0];
        cut.set(mask.subarray(from, from + width), (z * height + y) * width);
      }
    }
    return cut;
  };
  return { a: crop(a), b: crop(b), dims: [width, height, depth], sizes };
}
