import type { Vec3 } from "../imaging/volume.ts";

/** Volume of a mask in mm³: voxels inside times the voxel's volume. */
export function maskVolumeMm3(mask: Uint8Array, [sx, sy, sz]: Vec3): number {
  let voxels = 0;
  for (const value of mask) if (value !== 0) voxels++;
  return voxels * sx * sy * sz;
}

/** V = π · L · W² / 6 in mm³: the ellipsoid that the paper estimates volumes with from long (L) and short (W) axis in mm (section 4.1). */
export function ellipsoidVolumeMm3(longMm: number, shortMm: number): number {
  return (Math.PI * longMm * shortMm ** 2) / 6;
}

/** 1 ml = 1000 mm³. */
export function millilitres(volumeMm3: number): number {
  return volumeMm3 / 1000;
}
