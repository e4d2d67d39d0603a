import type { BodyMask } from "../../imaging/bodyMask.ts";
import type { Grid } from "../../imaging/volume.ts";
import { InputError } from "../../inputError.ts";
import type { UnmarkedRegion } from "../lesionRegion.ts";

/** Where a sliding search looks. */
export interface SearchGrid {
  /** Long diameters that are looked for, in mm; a network that follows its own answer finds those between, a factor of 1.4 apart. */
  readonly lengthsMm: readonly number[];
  /** Distance of neighbouring places, in each slice and across slices, in lengths. */
  readonly stride: number;
}
export const defaultSearchGrid: SearchGrid = { lengthsMm: [16, 22.6, 32, 45, 64, 90, 128], stride: 0.5 };

/**
 * The places of every length in turn, on grids that leave equal margins on either side, slice after slice; those whose
 * centre is not in the body are left out.
 *
 * @throws InputError where a length or the stride is not positive.
 */
export function* searchPlaces(grid: Grid, body: Pick<BodyMask, "has">, search: SearchGrid): Generator<UnmarkedRegion> {
  for (const mm of search.lengthsMm) {
    if (!(mm > 0 && search.stride > 0))
      throw new InputError(`cannot look for ${mm} mm in steps of ${search.stride}`, undefined, "give positive numbers");
    const [sx, sy, sz] = grid.spacingMm;
    const lengthPx = mm / Math.sqrt(sx * sy);
    const [xs, ys, zs] = [sx, sy, sz].map((spacing, axis) =>
      steps(grid.dims[axis], Math.max(1, Math.round((search.stride * mm) / spacing))),
    );
    for (const slice of zs)
      for (const y of ys) for (const x of xs) if (body.has(x, y, slice)) yield { slice, centre: [x, y], lengthPx };
  }
}

/** Number of places that `searchPlaces` gives. */
export function countPlaces(grid: Grid, body: Pick<BodyMask, "has">, search: SearchGrid): number {
  let count = 0;
  for (const _ of searchPlaces(grid, body, search)) count++;
  return count;
}

/** 0 … n − 1 in steps, with equal rests before the first and after the last. */
function steps(n: number, step: number): number[] {
  const first = ((n - 1) % step) >> 1;
  return Array.from({ length: Math.floor((n - 1 - first) / step) + 1 }, (_, i) => first + i * step);
}
