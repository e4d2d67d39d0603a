import type { Grid, Vec3 } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";

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

/** The four end points: long axis first. */
export function endPoints({ long, short }: Diameters): readonly [Point, Point, Point, Point] {
  return [long[0], long[1], short[0], short[1]];
}

/** Where the lines through the two axes cross; the mean of the end points where they are parallel or have no direction. */
export function intersection(diameters: Diameters): Point {
  const [[ax, ay], [bx, by], [cx, cy], [dx, dy]] = endPoints(diameters);
  const [ux, uy] = [bx - ax, by - ay];
  const [vx, vy] = [dx - cx, dy - cy];
  const cross = ux * vy - uy * vx;
  if (Math.abs(cross) <= 1e-9 * Math.hypot(ux, uy) * Math.hypot(vx, vy))
    return [(ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4];
  const t = ((cx - ax) * vy - (cy - ay) * vx) / cross;
  return [ax + t * ux, ay + t * uy];
}

/** Smallest and largest coordinates of the marks. */
export interface Extent {
  readonly low: Point;
  readonly high: Point;
}

/** The tight box of the marks, in pixels. */
export function boundingBox(diameters: Diameters): Extent {
  const points = endPoints(diameters);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { low: [Math.min(...xs), Math.min(...ys)], high: [Math.max(...xs), Math.max(...ys)] };
}

/** Centre of the tight box of the marks, in pixels. */
export function centreOf(diameters: Diameters): Point {
  const { low, high } = boundingBox(diameters);
  return [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
}

/** The same marks seen from a crop whose first pixel is `[x0, y0]`. */
export function shiftedTo([x0, y0]: Point, { long, short }: Diameters): Diameters {
  const shift = ([x, y]: Point): Point => [x - x0, y - y0];
  return { long: [shift(long[0]), shift(long[1])], short: [shift(short[0]), shift(short[1])] };
}

/**
 * How the marks shrink away from the RECIST slice. With ρ the half length that the rule looks at, the factor is
 * √(1 − (dz/ρ)²):
 * `long-axis`: ρ = L/2 for all four end points, so the axes keep their ratio (supplement, Fig. 9; the default);
 * `each-axis`: ρ = half of the axis's own length;
 * `each-end-point`: ρ = the end point's own distance from the intersection (3.3: “relative distance to the
 * intersection point”).
 */
export type ProjectionVariant = "long-axis" | "each-axis" | "each-end-point";

/**
 * 3D RECIST estimation (3.3, supplement Fig. 9): the marks on the slice `dzMm` from the RECIST slice. The intersection
 * stays, every end point moves towards it.
 *
 * @returns R̂ in pixels, or null where |dz| ≥ L/2: no lesion is expected there, whatever the variant. An axis that has
 *   vanished before the long one lies in the intersection with length 0.
 */
export function projectDiameters(
  marks: Diameters,
  dzMm: number,
  spacing: SpacingMm,
  variant: ProjectionVariant = "long-axis",
): Diameters | null {
  const longMm = lengthMm(marks.long, spacing);
  if (Math.abs(dzMm) >= longMm / 2) return null;
  if (dzMm === 0) return { long: marks.long, short: marks.short };
  const centre = intersection(marks);
  const moved = (axis: Axis, point: Point): Point => {
    const rho = {
      "long-axis": longMm / 2,
      "each-axis": lengthMm(axis, spacing) / 2,
      "each-end-point": lengthMm([centre, point], spacing),
    }[variant];
    const s = Math.abs(dzMm) >= rho ? 0 : Math.sqrt(1 - (dzMm / rho) ** 2);
    return [centre[0] + (point[0] - centre[0]) * s, centre[1] + (point[1] - centre[1]) * s];
  };
  const { long, short } = marks;
  return { long: [moved(long, long[0]), moved(long, long[1])], short: [moved(short, short[0]), moved(short, short[1])] };
}

/** Readers' diameters cross at some 90°, and within both, or nearly so: */
const LEAST_ANGLE = 45;
/** by this part of a diameter they may miss each other. */
const MOST_APART = 0.25;

/** Why these are hardly the two diameters of one lesion (a wrong row, exchanged points); undefined where they may be. */
export function oddityOf({ long, short }: Diameters, [sx, sy]: Vec3): string | undefined {
  const vector = ([a, b]: Axis): Point => [(b[0] - a[0]) * sx, (b[1] - a[1]) * sy];
  const cross = (a: Point, b: Point): number => a[0] * b[1] - a[1] * b[0];
  const [l, s, between] = [vector(long), vector(short), vector([long[0], short[0]])];
  const crossed = cross(l, s);
  const degrees = (Math.asin(Math.min(1, Math.abs(crossed) / (Math.hypot(...l) * Math.hypot(...s)))) * 180) / Math.PI;
  if (degrees < LEAST_ANGLE) return `its diameters meet at ${degrees.toFixed(0)}°, where about 90° is expected`;
  const alongBoth = [cross(between, s) / crossed, cross(between, l) / crossed];
  if (alongBoth.every((t) => t >= -MOST_APART && t <= 1 + MOST_APART)) return undefined;
  return "its diameters do not cross each other";
}

/**
 * Checks that marks can lie on an image and puts the longer axis first (in mm). Which stroke was called “long” says
 * nothing that the lengths do not, so marks drawn, or simulated with noise, the other way round are not an error.
 *
 * @param where names the marks in the error, e.g. `marks.json: lesion a`.
 * @throws InputError for a slice that the image does not have, coordinates that are not finite or lie outside the
 *   image (pixel edges at −½ and size − ½), and axes without length.
 */
export function validateMarks(marks: RecistMarks, grid: Pick<Grid, "dims" | "spacingMm">, where?: string): RecistMarks {
  const [nx, ny, nz] = grid.dims;
  if (!Number.isInteger(marks.slice) || marks.slice < 0 || marks.slice >= nz) {
    throw new InputError(
      `slice ${marks.slice} is not in the image, which has slices 0 to ${nz - 1}`,
      where,
      "slices are counted from 0 in the image's own order",
    );
  }
  for (const name of ["long", "short"] as const) {
    for (const [x, y] of marks[name]) {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        throw new InputError(
          `the ${name} axis has an end point (${x}, ${y}) that is not a number`,
          where,
          "give both end points as finite pixel coordinates",
        );
      }
      if (x < -0.5 || y < -0.5 || x > nx - 0.5 || y > ny - 0.5) {
        throw new InputError(
          `the ${name} axis ends at (${x}, ${y}), outside the image of ${nx} × ${ny} pixels`,
          where,
          "points are (column, row) in pixels counted from 0, not millimetres",
        );
      }
    }
    if (lengthMm(marks[name], grid.spacingMm) === 0) {
      throw new InputError(`the ${name} axis has no length`, where, "give two different end points");
    }
  }
  if (lengthMm(marks.short, grid.spacingMm) <= lengthMm(marks.long, grid.spacingMm)) return marks;
  return { ...marks, long: marks.short, short: marks.long };
}
