import { InputError } from "../inputError.ts";
import type { Grid, Vec3 } from "./volume.ts";

/** Formats round directions and origins to float32 or to decimals; this is far above that and far below a voxel. */
const TOLERANCE_MM = 0.02;

/**
 * Two images must lie on one grid: equal dims, and every corner voxel at the same place in the world.
 *
 * @throws InputError that shows both grids otherwise.
 */
export function checkSameGrid(a: Grid, b: Grid, whereA: string, whereB: string): void {
  const sameDims = a.dims.every((n, axis) => n === b.dims[axis]);
  if (sameDims && largestCornerShiftMm(a.dims, a.affine, b.affine) <= TOLERANCE_MM) return;
  throw new InputError(
    `lies on another grid than ${whereA}: ${describe(b)} here, ${describe(a)} there`,
    whereB,
    "give images of one geometry; nothing is resampled silently",
  );
}

/** How far apart two affines (4 × 4, row major) place the corner voxel of an image on which they differ most, in mm. */
export function largestCornerShiftMm(dims: Vec3, a: readonly number[], b: readonly number[]): number {
  let largest = 0;
  for (let corner = 0; corner < 8; corner++) {
    const voxel = dims.map((n, axis) => ((corner >> axis) & 1) * (n - 1));
    const shift = [0, 4, 8].map((row) =>
      voxel.reduce((sum, v, axis) => sum + v * (a[row + axis] - b[row + axis]), a[row + 3] - b[row + 3]),
    );
    largest = Math.max(largest, Math.hypot(...shift));
  }
  return largest;
}

function describe({ dims, spacingMm, affine }: Grid): string {
  const number = (value: number): string => String(Number(value.toFixed(4)));
  const rows = [0, 4, 8].map((row) =>
    affine
      .slice(row, row + 4)
      .map(number)
      .join(" "),
  );
  return `${dims.join("×")} voxels of ${spacingMm.map(number).join("×")} mm, affine [${rows.join("; ")}]`;
}
