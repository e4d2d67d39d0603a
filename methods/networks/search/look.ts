import { windowAround } from "../../datasets/windowOf.ts";
import { cropVolume } from "../../imaging/crop.ts";
import { type PlacedMask, placedTightly } from "../../imaging/placedMask.ts";
import { type HuWindow, sliceOf, type Vec3, type Volume } from "../../imaging/volume.ts";
import { roiAround } from "../../labels/trimap.ts";
import type { Backend } from "../backend.ts";
import { cropSquare } from "../cropSquare.ts";
import type { UnmarkedRegion } from "../lesionRegion.ts";
import type { Model } from "../model.ts";
import { isOfStacks, stackInput, stackReach } from "../planeStack.ts";
import { predict } from "../predict.ts";
import { type NetworkInput, networkInput, type Preprocessing } from "../preprocess.ts";
import { sightingAt } from "../sighting.ts";

/** What a network saw when it looked at a place of a volume, on the volume's grid. */
export interface Seen {
  /** The place that was looked at, and through which display window. */
  readonly at: UnmarkedRegion;
  readonly window: HuWindow;
  /** What was seen: its own centre and long diameter, and its mask, one slice thick. */
  readonly region: UnmarkedRegion;
  readonly mask: PlacedMask;
  /** Mean Ŷ inside the mask, and the same less mean Ŷ around it. */
  readonly probability: number;
  readonly contrast: number;
}

/** Pixels beyond a network's square that its interpolation may touch, besides one step of it. */
const MARGIN_PX = 2;

/** A display window for a place that nobody has chosen one for: lung or soft tissue, by what lies within twice its length. */
export function windowAtRegion(image: Volume, { slice, centre: [x, y], lengthPx }: UnmarkedRegion): HuWindow {
  const half = lengthPx / 2;
  const box = roiAround({ low: [x - half, y - half], high: [x + half, y + half] }, image.dims[0], image.dims[1]);
  return windowAround(sliceOf<Int16Array | Float32Array>(image, slice), box);
}

/**
 * Looks at many places of a volume at once. A network sees no more of the volume than its own square, which is cut out
 * first, so that a look costs the same in a volume of any size.
 *
 * @param window the display window; if absent, each place's own (`windowAtRegion`).
 * @returns for each place null where the network sees nothing in its middle. Centres must lie in the volume.
 */
export async function looksAt(
  model: Model,
  backend: Backend,
  image: Volume,
  places: readonly UnmarkedRegion[],
  window?: HuWindow,
): Promise<(Seen | null)[]> {
  const looks = places.map((at) => {
    const { start, end } = lookRange(at, image, model);
    const [x, y] = at.centre;
    const local: UnmarkedRegion = { ...at, slice: at.slice - start[2], centre: [x - start[0], y - start[1]] };
    const chosen = window ?? windowAtRegion(image, at);
    const part = cropVolume(image, start, end);
    return { at, start, local, window: chosen, input: inputAt(part, local, chosen, model.preprocessing) };
  });
  const probabilities = await predict(
    model,
    backend,
    looks.map(({ input }) => input),
  );
  return looks.map(({ at, start, local, window: chosen, input }, i) => {
    const output = input.toSlice(probabilities[i]);
    const seen = sightingAt(output, local.slice, local.centre, image.spacingMm);
    if (seen === null) return null;
    const { mask, region, probability, contrast } = seen;
    const { affine, spacingMm } = image;
    const placed = placedTightly({ dims: [mask.width, mask.height, 1], spacingMm, affine, data: mask.data }, [
      start[0],
      start[1],
      at.slice,
    ]);
    const [x, y] = region.centre;
    const centre = [x + start[0], y + start[1]] as const;
    return { at, window: chosen, region: { ...region, slice: at.slice, centre }, mask: placed!, probability, contrast };
  });
}

/** The input at a place, and the way back to the place's own slice. */
function inputAt(
  image: Volume,
  at: UnmarkedRegion,
  window: HuWindow,
  preprocessing: Preprocessing,
): Pick<NetworkInput, "pixels" | "size" | "toSlice"> {
  if (!isOfStacks(preprocessing)) return networkInput(image, at.slice, at, window, preprocessing);
  const { toSlice, ...input } = stackInput(image, at, window, preprocessing);
  return { ...input, toSlice: (probability) => toSlice(probability, at.slice) };
}

/** Everything that the network's input at a place can depend on: its square, on the slice and the two beside it, or on those of the stack. */
function lookRange(
  at: UnmarkedRegion,
  { dims, spacingMm }: Volume,
  { preprocessing: { crop, stack } }: Model,
): { start: Vec3; end: Vec3 } {
  const { left, top, size, stepX, stepY } = cropSquare(at, crop);
  const range = (from: number, step: number, n: number): [number, number] => {
    const margin = MARGIN_PX + Math.ceil(step);
    const low = Math.min(Math.max(0, Math.floor(from) - margin), n - 1);
    return [low, Math.max(low + 1, Math.min(n, Math.ceil(from + size * step) + margin))];
  };
  const [x0, x1] = range(left, stepX, dims[0]);
  const [y0, y1] = range(top, stepY, dims[1]);
  const across = stack === undefined ? 1 : stackReach(at, spacingMm, stack);
  return { start: [x0, y0, Math.max(0, at.slice - across)], end: [x1, y1, Math.min(dims[2], at.slice + across + 1)] };
}
