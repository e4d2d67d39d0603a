import { scalingAffine, type Vec3, type Volume } from "../../methods/imaging/volume.ts";

/** A ball in a volume: centre in voxels. */
export interface BrightBall {
  readonly at: Vec3;
  readonly radiusMm: number;
}

/** A round body of 0 HU in air, 1.5 × 1.5 × 4 mm, with balls of 1000 HU in it, or beside it. */
export function brightBalls(balls: readonly BrightBall[], dims: Vec3 = [120, 110, 24]): Volume {
  const spacingMm: Vec3 = [1.5, 1.5, 4];
  const [nx, ny] = dims;
  const data = Int16Array.from({ length: nx * ny * dims[2] }, (_, i) => {
    const [x, y, z] = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))];
    const isBright = balls.some(({ at, radiusMm }) => inBall([x, y, z], at, radiusMm, spacingMm));
    return isBright ? 1000 : Math.hypot((x - nx / 2) / (0.4 * nx), (y - ny / 2) / (0.4 * ny)) < 1 ? 0 : -1000;
  });
  return { dims, spacingMm, affine: scalingAffine(spacingMm), data };
}

export function inBall([x, y, z]: Vec3, at: Vec3, radiusMm: number, spacingMm: Vec3): boolean {
  return Math.hypot((x - at[0]) * spacingMm[0], (y - at[1]) * spacingMm[1], (z - at[2]) * spacingMm[2]) <= radiusMm;
}
