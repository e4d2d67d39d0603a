import type { Volume } from "./volume.ts";

/** A CT with brighter voxels than this has bone or metal in view, and so air or fat. */
const BRIGHT_HU = 300;

/** What values look like that were stored without their intercept, or cut to a display window: none is below water. */
export function notesOnHu({ data }: Pick<Volume, "data">): string[] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (lowest < 0 || highest < BRIGHT_HU) return [];
  return [
    `its values are ${lowest} to ${highest}, none below 0: HU without their intercept (often −1024), or cut to a window? Masks of such values are wrong`,
  ];
}
