import type { Grid } from "./volume.ts";

/** Axes of the patient by their planes, in the world's order x, y, z. */
const PLANES = ["sagittal", "coronal", "axial"] as const;

/** In which anatomical plane the slices of a grid lie, the nearest one; its world is RAS. */
export function planeOf(grid: Pick<Grid, "affine">): (typeof PLANES)[number] {
  return PLANES[axisOf(grid)];
}

/**
 * Where the first and the last slice lie along the patient's axis that is nearest to the slice normal, as DICOM's
 * ImagePositionPatient has it (LPS, mm).
 */
export function sliceEnds(grid: Pick<Grid, "affine" | "dims">): {
  readonly axis: "x" | "y" | "z";
  readonly endsMm: [number, number];
} {
  const axis = axisOf(grid);
  const sign = axis === 2 ? 1 : -1;
  const at = (k: number): number => sign * (grid.affine[4 * axis + 3] + k * grid.affine[4 * axis + 2]) + 0;
  return { axis: (["x", "y", "z"] as const)[axis], endsMm: [at(0), at(grid.dims[2] - 1)] };
}

function axisOf({ affine }: Pick<Grid, "affine">): number {
  const along = [affine[2], affine[6], affine[10]].map(Math.abs);
  return along.indexOf(Math.max(...along));
}
