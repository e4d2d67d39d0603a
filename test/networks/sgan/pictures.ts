import { drawDeadLeaves } from "../../../methods/datasets/deadLeaves.ts";
import type { Picture } from "../../../methods/networks/sgan/pairs.ts";

/** Drawn pictures, `[side, side]`. */
export const pictures = (count: number, side: number, seed = 1): Picture[] =>
  Array.from({ length: count }, (_, i) => ({ id: `leaves-${seed}-${i}`, pixels: drawDeadLeaves(side, seed, i) }));
