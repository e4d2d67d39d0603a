import { distanceTo } from "../imaging/distanceTransform.ts";
import type { Vec3 } from "../imaging/volume.ts";
import { quantile } from "./summary.ts";
import { cropToUnion } from "./unionBox.ts";

/** Distances between the surfaces of two masks, in the unit of the spacing. */
export interface SurfaceDistances {
  /** ASSD: mean of the distances in both directions, pooled. */
  readonly average: number;
  /** HD95: their 95th percentile. */
  readonly percentile95: number;
}

/**
 * Surface distances between two `[z, y, x]` masks of size `dims` (x, y, z). The surface is the set of voxels with a
 * face neighbour outside the mask or the grid; an axis of size 1 does not count, so a slice has an outline. Same
 * definitions as MedPy's `assd` and `hd95` with connectivity 1.
 *
 * Two empty masks are 0 apart; null where only one is empty.
 */
export function surfaceDistances(a: Uint8Array, b: Uint8Array, dims: Vec3, spacing: Vec3): SurfaceDistances | null {
  const union = cropToUnion(a, b, dims);
  const [sizeA, sizeB] = union.sizes;
  if (sizeA === 0 && sizeB === 0) return { average: 0, percentile95: 0 };
  if (sizeA === 0 || sizeB === 0) return null;
  const surfaceA = surface(union.a, union.dims);
  const surfaceB = surface(union.b, union.dims);
  const distances = Float64Array.from([
    ...distancesAt(surfaceA, distanceTo(surfaceB, union.dims, spacing)),
    ...distancesAt(surfaceB, distanceTo(surfaceA, union.dims, spacing)),
  ]).sort();
  return { average: distances.reduce((sum, d) => sum + d, 0) / distances.length, percentile95: quantile(distances, 0.95) };
}

function surface(mask: Uint8Array, [nx, ny, nz]: Vec3): Uint8Array {
  const border = new Uint8Array(mask.length);
  if (mask.length === 1) return mask;
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        if (mask[i] === 0) continue;
        const inside =
          (nx === 1 || (x > 0 && x < nx - 1 && mask[i - 1] !== 0 && mask[i + 1] !== 0)) &&
          (ny === 1 || (y > 0 && y < ny - 1 && mask[i - nx] !== 0 && mask[i + nx] !== 0)) &&
          (nz === 1 || (z > 0 && z < nz - 1 && mask[i - nx * ny] !== 0 && mask[i + nx * ny] !== 0));
        if (!inside) border[i] = 1;
      }
    }
  }
  return border;
}

function distancesAt(mask: Uint8Array, distance: Float64Array): number[] {
  const found: number[] = [];
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) found.push(distance[i]);
  return found;
}
