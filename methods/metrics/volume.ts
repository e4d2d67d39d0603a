import type { Vec3 } from "../imaging/volume.ts";

/** Volume of a mask in mm³: voxels inside times the voxel's volume. */
export function maskVolumeMm3(mask: Uint8Array, [sx, sy, sz]: Vec3): number {
  let voxels = 0;
  for (const value of mask) if (value !== 0) voxels++;
  return voxels * sx * sy * sz;
}

/** How a predicted volume differs from the reference's. */
export interface VolumeDifference {
  /** Predicted − reference, in mm³: positive where the prediction is too large. */
  readonly volumeDifferenceMm3: number;
  /** (Predicted − reference) / reference; 0 where both are empty, null where only the reference is. */
  readonly relativeVolumeDifference: number | null;
}

/** Both differences keep their sign; tables show them with it (bias) and without (error). */
export function volumeDifference(predictedMm3: number, referenceMm3: number): VolumeDifference {
  const difference = predictedMm3 - referenceMm3;
  if (referenceMm3 === 0) return { volumeDifferenceMm3: difference, relativeVolumeDifference: predictedMm3 === 0 ? 0 : null };
  return { volumeDifferenceMm3: difference, relativeVolumeDifference: difference / referenceMm3 };
}

/** V = π · L · W² / 6 in mm³: the ellipsoid that the paper estimates volumes with from long (L) and short (W) axis in mm (section 4.1). */
export function ellipsoidVolumeMm3(longMm: number, shortMm: number): number {
  return (Math.PI * longMm * shortMm ** 2) / 6;
}

/** 1 ml = 1000 mm³. */
export function millilitres(volumeMm3: number): number {
  return volumeMm3 / 1000;
}
