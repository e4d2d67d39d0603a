import { contours } from "d3-contour";
import type { Pixels } from "./pixels.ts";

export type Ring = readonly (readonly [x: number, y: number])[];

/** Outlines of slice `z` of a mask, in pixels of its grid: (0, 0) is the upper left corner of the first pixel. */
export function outlinesOf({ height, width, data }: Pixels, z: number): Ring[] {
  const values = Array.from(data.subarray(z * height * width, (z + 1) * height * width), (value) => (value > 0 ? 1 : 0));
  const shape = contours().size([width, height]).smooth(false).contour(values, 0.5);
  return shape.coordinates.flat() as unknown as Ring[];
}
