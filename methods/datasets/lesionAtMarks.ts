import type { Components } from "../imaging/components.ts";
import type { Vec3 } from "../imaging/volume.ts";
import { drawnAxes } from "../labels/raster.ts";
import type { RecistMarks } from "../labels/recist.ts";

/** Of the pixels on the marks' axes, a component must hold this part to belong to the lesion … */
const COMPONENT_ON_AXES = 0.1;
/** … and all that do together this part, or the mask is another lesion's. */
const REFERENCE_ON_AXES = 0.5;

/**
 * The part of a mask that is the marked lesion: of the pixels on the two axes, at least half must lie in the mask; its
 * 26-connected components that hold a tenth or more of them are the lesion, so that a neighbour that an end point grazes is not.
 *
 * @param mask components of a mask of size `dims`, `[z, y, x]`, on whose grid the marks lie.
 * @returns 0 or 1, `[z, y, x]`; undefined where the mask is another lesion's.
 */
export function lesionAtMarks(
  { labels, sizes }: Components,
  [width, height, depth]: Vec3,
  marks: RecistMarks,
): Uint8Array | undefined {
  if (marks.slice < 0 || marks.slice >= depth) return undefined;
  const onAxes = new Array<number>(sizes.length + 1).fill(0);
  const keySlice = marks.slice * width * height;
  drawnAxes(marks, width, height).forEach((drawn, i) => {
    if (drawn !== 0) onAxes[labels[keySlice + i]]++;
  });
  const drawn = onAxes.reduce((sum, count) => sum + count, 0);
  const isLesion = onAxes.map((count, label) => label > 0 && count >= COMPONENT_ON_AXES * drawn);
  const covered = onAxes.reduce((sum, count, label) => sum + (isLesion[label] ? count : 0), 0);
  if (covered === 0 || covered < REFERENCE_ON_AXES * drawn) return undefined;
  const data = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) if (isLesion[labels[i]]) data[i] = 1;
  return data;
}
