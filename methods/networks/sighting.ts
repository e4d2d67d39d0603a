import { componentAt } from "../imaging/components.ts";
import type { Slice } from "../imaging/volume.ts";
import { diametersOfMask } from "../labels/diameters.ts";
import { centreOf, lengthMm, type Point } from "../labels/recist.ts";
import type { UnmarkedRegion } from "./lesionRegion.ts";

/** What a network sees at a point of a slice. */
export interface Sighting {
  /** The component of {Ŷ ≥ ½} that holds the point, on the slice's grid. */
  readonly mask: Slice<Uint8Array>;
  /** The place that this mask would be looked at in: its own centre and long diameter. */
  readonly region: UnmarkedRegion;
  /** Mean Ŷ inside the mask. */
  readonly probability: number;
  /** The same less mean Ŷ around it, up to its half length outside. */
  readonly contrast: number;
}

/** @returns null where Ŷ is below ½ at the point, or the mask is too small to be measured. */
export function sightingAt(
  { width, height, data }: Slice<Float32Array>,
  slice: number,
  at: Point,
  spacingMm: readonly [number, number, ...number[]],
): Sighting | null {
  const [x, y] = at.map(Math.round);
  if (x < 0 || y < 0 || x >= width || y >= height || data[y * width + x] < 0.5) return null;
  const likely = Uint8Array.from(data, (p) => (p >= 0.5 ? 1 : 0));
  const mask = { data: componentAt(likely, [width, height, 1], 8, [x, y, 0]), width, height };
  const diameters = diametersOfMask(mask, spacingMm);
  if (diameters === null) return null;
  const centre = centreOf(diameters);
  const lengthPx = lengthMm(diameters.long, [1, 1, 1]);
  let [inside, insideCount, around, aroundCount] = [0, 0, 0, 0];
  const reach = lengthPx;
  for (let p = 0; p < data.length; p++) {
    if (mask.data[p] === 1) {
      inside += data[p];
      insideCount++;
    } else if (Math.hypot((p % width) - centre[0], Math.floor(p / width) - centre[1]) <= reach) {
      around += data[p];
      aroundCount++;
    }
  }
  const probability = inside / insideCount;
  const contrast = probability - (aroundCount === 0 ? 0 : around / aroundCount);
  return { mask, region: { slice, centre, lengthPx }, probability, contrast };
}
