import { distanceTo } from "../imaging/distanceTransform.ts";
import type { Vec3 } from "../imaging/volume.ts";
import { outlineLengths, surfelAreas } from "./surfels.ts";
import { cropToUnion } from "./unionBox.ts";

/**
 * Surface Dice at each tolerance: the share of both surfaces that lies within the tolerance of the other one (Nikolov
 * et al. 2018, arXiv:1809.04430). Surfaces run through the corner points between voxels, each with the area of its
 * piece of surface (`surfelAreas`); a slice (`dims[2]` = 1) has an outline instead, weighted by length. Beyond the grid
 * nothing is inside. Same definition as DeepMind's surface-distance.
 *
 * @param a `[z, y, x]` of size `dims` (x, y, z), like `b`.
 * @param spacing of the grid, in the unit of the tolerances.
 * @returns one value in [0, 1] per tolerance; 1 where both masks are empty, 0 where one is.
 */
export function surfaceDice(a: Uint8Array, b: Uint8Array, dims: Vec3, spacing: Vec3, tolerances: readonly number[]): number[] {
  const union = cropToUnion(a, b, dims);
  const [sizeA, sizeB] = union.sizes;
  if (sizeA === 0 || sizeB === 0) return tolerances.map(() => (sizeA === sizeB ? 1 : 0));
  const surfaceA = surfaceOf(union.a, union.dims, spacing);
  const surfaceB = surfaceOf(union.b, union.dims, spacing);
  const toA = distanceTo(surfaceA.border, surfaceA.dims, spacing);
  const toB = distanceTo(surfaceB.border, surfaceB.dims, spacing);
  // what is too far is added up in the same order as the total, so that 0 and 1 come out exact
  const far = new Float64Array(tolerances.length);
  let total = 0;
  for (let i = 0; i < toA.length; i++) {
    const [areaA, areaB] = [surfaceA.area[i], surfaceB.area[i]];
    if (areaA === 0 && areaB === 0) continue;
    total += areaA;
    total += areaB;
    for (let t = 0; t < tolerances.length; t++) {
      if (toB[i] > tolerances[t]) far[t] += areaA;
      if (toA[i] > tolerances[t]) far[t] += areaB;
    }
  }
  return [...far].map((area) => (total - area) / total);
}

interface CornerSurface {
  /** 1 at corner points with voxels of both kinds around them. */
  readonly border: Uint8Array;
  /** Area of the surface at each corner point; 0 off the border. */
  readonly area: Float64Array;
  /** Size x, y, z of the grid of corner points: one more than voxels along every axis, but 1 of a slice. */
  readonly dims: Vec3;
}

function surfaceOf(mask: Uint8Array, [nx, ny, nz]: Vec3, spacing: Vec3): CornerSurface {
  const flat = nz === 1;
  const [cx, cy, cz] = [nx + 1, ny + 1, flat ? 1 : nz + 1];
  const code = new Uint8Array(cx * cy * cz);
  // the corner points of a voxel, from its first one; seen from the first, the voxel is the last of the eight
  const corners = (flat ? [3, 2, 1, 0] : [7, 6, 5, 4, 3, 2, 1, 0]).map((seen, k) => ({
    step: (k & 1) + ((k >> 1) & 1) * cx + (k >> 2) * cx * cy,
    bit: 1 << seen,
  }));
  const steps = Int32Array.from(corners, ({ step }) => step);
  const codes = Uint8Array.from(corners, ({ bit }) => bit);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0, first = (z * cy + y) * cx; x < nx; x++, i++, first++) {
        if (mask[i] === 0) continue;
        for (let k = 0; k < steps.length; k++) code[first + steps[k]] |= codes[k];
      }
    }
  }
  const areas = flat ? outlineLengths(spacing) : surfelAreas(spacing);
  const full = areas.length - 1;
  const area = new Float64Array(code.length);
  const border = new Uint8Array(code.length);
  for (let i = 0; i < code.length; i++) {
    if (code[i] === 0 || code[i] === full) continue;
    border[i] = 1;
    area[i] = areas[code[i]];
  }
  return { border, area, dims: [cx, cy, cz] };
}
