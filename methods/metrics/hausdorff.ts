import { distanceTo } from "../imaging/distanceTransform.ts";
import type { Vec3 } from "../imaging/volume.ts";
import { cropToUnion } from "./unionBox.ts";

/** Hausdorff distances over all voxels of two masks, in the unit of the spacing they were measured with. */
export interface HausdorffDistances {
  /** AVD = ½ (mean over a ∈ A of d(a, B) + mean over b ∈ B of d(b, A)). */
  readonly average: number;
  /** HD = max(max over a ∈ A of d(a, B), max over b ∈ B of d(b, A)). */
  readonly maximum: number;
}

/**
 * Hausdorff distances between two `[z, y, x]` masks of size `dims` (x, y, z), as the evaluation tool of the paper's
 * reference 36 (Taha and Hanbury 2015) measures them: over *all* voxels, those inside the other mask counting 0, not
 * over surfaces. `spacing` 1, 1, 1 gives voxels, the grid's spacing gives mm. A slice has `dims[2]` = 1.
 *
 * Two empty masks are 0 apart; null where only one is empty.
 */
export function hausdorff(a: Uint8Array, b: Uint8Array, dims: Vec3, spacing: Vec3): HausdorffDistances | null {
  const union = cropToUnion(a, b, dims);
  const [sizeA, sizeB] = union.sizes;
  if (sizeA === 0 && sizeB === 0) return { average: 0, maximum: 0 };
  if (sizeA === 0 || sizeB === 0) return null;
  const there = directed(union.a, distanceTo(union.b, union.dims, spacing));
  const back = directed(union.b, distanceTo(union.a, union.dims, spacing));
  return { average: (there.sum / sizeA + back.sum / sizeB) / 2, maximum: Math.max(there.maximum, back.maximum) };
}

/** Sum and maximum of the distances at the mask's voxels. */
function directed(mask: Uint8Array, distance: Float64Array): { sum: number; maximum: number } {
  let sum = 0;
  let maximum = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    sum += distance[i];
    if (distance[i] > maximum) maximum = distance[i];
  }
  return { sum, maximum };
}
