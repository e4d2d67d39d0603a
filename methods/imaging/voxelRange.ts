import type { Vec3 } from "./volume.ts";

/** Voxels from `start` up to but not including `end`, x, y, z. */
export interface VoxelRange {
  readonly start: Vec3;
  readonly end: Vec3;
}

/** The tight range of the voxels that are not 0; undefined where there are none. */
export function rangeOfMask(mask: Uint8Array, [nx, ny, nz]: Vec3): VoxelRange | undefined {
  const start: [number, number, number] = [nx, ny, nz];
  const end: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    const x = i % nx;
    const y = ((i - x) / nx) % ny;
    const at = [x, y, Math.floor(i / (nx * ny))];
    for (let axis = 0; axis < 3; axis++) {
      start[axis] = Math.min(start[axis], at[axis]);
      end[axis] = Math.max(end[axis], at[axis] + 1);
    }
  }
  return end[0] === 0 ? undefined : { start, end };
}
