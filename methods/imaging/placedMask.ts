import { cropVolume } from "./crop.ts";
import type { Grid, Mask, Vec3 } from "./volume.ts";
import { rangeOfMask, type VoxelRange } from "./voxelRange.ts";

/** A small mask in a large grid: its first voxel lies at `start`. */
export interface PlacedMask {
  readonly start: Vec3;
  readonly mask: Mask;
}

/** The tight box of a mask whose first voxel lies at `start`; undefined where it is empty. */
export function placedTightly(mask: Mask, [x, y, z]: Vec3): PlacedMask | undefined {
  const range = rangeOfMask(mask.data, mask.dims);
  if (range === undefined) return undefined;
  const { start, end } = range;
  return { start: [x + start[0], y + start[1], z + start[2]], mask: cropVolume(mask, start, end) };
}

export function rangeOfPlaced({ start, mask: { dims } }: PlacedMask): VoxelRange {
  return { start, end: [start[0] + dims[0], start[1] + dims[1], start[2] + dims[2]] };
}

export const voxelsOf = ({ mask }: PlacedMask): number => mask.data.reduce((sum, value) => sum + value, 0);

/** Voxels of a grid that both masks cover. */
export function sharedVoxels(a: PlacedMask, b: PlacedMask): number {
  const [ra, rb] = [rangeOfPlaced(a), rangeOfPlaced(b)];
  const from = ra.start.map((at, axis) => Math.max(at, rb.start[axis]));
  const to = ra.end.map((at, axis) => Math.min(at, rb.end[axis]));
  let shared = 0;
  for (let z = from[2]; z < to[2]; z++)
    for (let y = from[1]; y < to[1]; y++)
      for (let x = from[0]; x < to[0]; x++) if (voxelAt(a, x, y, z) === 1 && voxelAt(b, x, y, z) === 1) shared++;
  return shared;
}

/** 0 outside the mask's box. */
export function voxelAt({ start, mask: { dims, data } }: PlacedMask, x: number, y: number, z: number): number {
  const [i, j, k] = [x - start[0], y - start[1], z - start[2]];
  const inside = i >= 0 && j >= 0 && k >= 0 && i < dims[0] && j < dims[1] && k < dims[2];
  return inside ? data[(k * dims[1] + j) * dims[0] + i] : 0;
}

/** Centre of mass, x, y, z in voxels of the grid. */
export function centreOfMass({ start, mask: { dims, data } }: PlacedMask): Vec3 {
  const sum = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const x = i % dims[0];
    const y = ((i - x) / dims[0]) % dims[1];
    sum[0] += x;
    sum[1] += y;
    sum[2] += Math.floor(i / (dims[0] * dims[1]));
    count++;
  }
  return [start[0] + sum[0] / count, start[1] + sum[1] / count, start[2] + sum[2] / count];
}

/** A place given in voxels, in the world of the grid's affine (NIfTI: RAS), mm. */
export function worldOf([x, y, z]: Vec3, { affine }: Pick<Grid, "affine">): Vec3 {
  const along = (row: number): number => affine[row] * x + affine[row + 1] * y + affine[row + 2] * z + affine[row + 3];
  return [along(0), along(4), along(8)];
}

/** The mask on a range of its grid that holds all of it; the affine stays the mask's own. */
export function onRange(placed: PlacedMask, { start, end }: VoxelRange): Mask {
  const { spacingMm, affine } = placed.mask;
  const [x0, y0, z0] = start;
  const dims: Vec3 = [end[0] - x0, end[1] - y0, end[2] - z0];
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  const own = rangeOfPlaced(placed);
  for (let z = own.start[2]; z < own.end[2]; z++)
    for (let y = own.start[1]; y < own.end[1]; y++)
      for (let x = own.start[0]; x < own.end[0]; x++)
        data[((z - z0) * dims[1] + y - y0) * dims[0] + x - x0] = voxelAt(placed, x, y, z);
  return { dims, spacingMm, affine, data };
}
