import type { Vec3 } from "../imaging/volume.ts";

/** A point on a slice: `[x, y]` = (column, row), 0-based, in pixels; pixel centres lie at integers. */
export type Point = readonly [number, number];

/** A diameter: its two end points. */
export type Axis = readonly [Point, Point];

/** The RECIST marks R of one lesion: long and short diameter on the axial RECIST slice r. */
export interface RecistMarks {
  /** r: 0-based position of the RECIST slice in the volume (z). */
  readonly slice: number;
  readonly long: Axis;
  readonly short: Axis;
}

/** The two diameters on some slice, measured (R) or projected (R̂). */
export type Diameters = Pick<RecistMarks, "long" | "short">;

/** In-plane and through-plane spacing, x, y, z, in mm. */
export type SpacingMm = Vec3;

/** Length of an axis in mm; anisotropic in-plane spacing is allowed. */
export function lengthMm([[ax, ay], [bx, by]]: Axis, [sx, sy]: SpacingMm): number {
  return Math.hypot((bx - ax) * sx, (by - ay) * sy);
}
