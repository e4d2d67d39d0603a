import type { Grid } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import { lengthMm, type Point, type RecistMarks } from "./recist.ts";

/** A box drawn around a lesion on one slice: its first and last column and row, 0-based, pixel centres at integers. */
export interface LesionBox {
  readonly slice: number;
  readonly low: Point;
  readonly high: Point;
}

/**
 * Checks that a box can lie on an image.
 *
 * @param where names the box in the error, e.g. `--box 10,10,30,25,4`.
 * @throws InputError for a slice that the image does not have, a box that leaves it (pixel edges at −½ and size − ½),
 *   is the wrong way round, or is not wider and higher than a pixel.
 */
export function validateBox(box: LesionBox, grid: Pick<Grid, "dims">, where?: string): LesionBox {
  const { low, high, slice } = box;
  for (const [axis, name] of [
    [0, "x"],
    [1, "y"],
  ] as const) {
    if (low[axis] > high[axis])
      throw new InputError(
        `${name} goes from ${low[axis]} back to ${high[axis]}`,
        where,
        "give the smaller corner first: x0,y0,x1,y1,slice",
      );
    if (high[axis] - low[axis] < 1)
      throw new InputError(
        `the box is empty: ${name} from ${low[axis]} to ${high[axis]}`,
        where,
        "give the first and the last column and row of the lesion",
      );
  }
  for (const corner of [low, high]) validatePoint({ slice, at: corner }, grid, where);
  return box;
}

/** A point in a lesion. */
export interface LesionPoint {
  readonly slice: number;
  readonly at: Point;
}

/** @throws InputError for a slice that the image does not have, or a point off it. */
export function validatePoint({ slice, at: [x, y] }: LesionPoint, { dims }: Pick<Grid, "dims">, where?: string): void {
  const [nx, ny, nz] = dims;
  if (!Number.isInteger(slice) || slice < 0 || slice >= nz)
    throw new InputError(
      `slice ${slice} is not in the image, which has slices 0 to ${nz - 1}`,
      where,
      "slices are counted from 0 in the image's own order",
    );
  if (x < -0.5 || y < -0.5 || x > nx - 0.5 || y > ny - 0.5)
    throw new InputError(
      `(${x}, ${y}) is outside the image of ${nx} × ${ny} pixels`,
      where,
      "points are (column, row) in pixels counted from 0, not millimetres",
    );
}

/** The axes of the ellipse inscribed in a box, for methods that work from marks: what a reader would have marked if the lesion were that ellipse. */
export function inscribedAxes({ slice, low, high }: LesionBox, { spacingMm }: Pick<Grid, "spacingMm">): RecistMarks {
  const [cx, cy] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  const across = [
    [low[0], cy],
    [high[0], cy],
  ] as const;
  const down = [
    [cx, low[1]],
    [cx, high[1]],
  ] as const;
  return lengthMm(across, spacingMm) >= lengthMm(down, spacingMm)
    ? { slice, long: across, short: down }
    : { slice, long: down, short: across };
}
