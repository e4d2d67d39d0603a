import type { ShownCase } from "../../schemas/review.ts";
import type { PictureProps } from "./picture.tsx";

export type Zoom = NonNullable<PictureProps["zoom"]>;

/**
 * A square around the marks, its side in long diameters; undefined without marks.
 *
 * @param size of the picture that they lie in, in pixels.
 */
export function zoomOnMarks(
  { marks }: Pick<ShownCase, "marks">,
  { width, height }: { readonly width: number; readonly height: number },
  sideDiameters: number,
): Zoom | undefined {
  if (marks === undefined) return undefined;
  const ends = [...marks.long, ...marks.short];
  const middle = (axis: 0 | 1): number =>
    (Math.min(...ends.map((end) => end[axis])) + Math.max(...ends.map((end) => end[axis]))) / 2;
  const [[x1, y1], [x2, y2]] = marks.long;
  const side = sideDiameters * Math.max(4, Math.hypot(x2 - x1, y2 - y1));
  return {
    factor: Math.max(1, Math.max(width, height) / side),
    x: (middle(0) + 0.5) / width,
    y: (middle(1) + 0.5) / height,
  };
}
