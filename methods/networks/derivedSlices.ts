import { cropSlice } from "../imaging/crop.ts";
import { type Box, type HuWindow, type Slice, sliceOf, type Volume } from "../imaging/volume.ts";
import { applyWindow } from "../imaging/window.ts";
import type { RecistMarks } from "../labels/recist.ts";
import { nearestZoom } from "../labels/zoom.ts";
import { cropSquare, type Square } from "./cropSquare.ts";
import type { PictureEnhancer } from "./enhancedPictures.ts";
import type { UnmarkedRegion } from "./lesionRegion.ts";
import type { ChannelName, DerivedSlices, Preprocessing } from "./preprocess.ts";

/** Whether a channel shows a slice that another network made. */
export function isDerivedChannel(name: ChannelName): name is "denoised" | "enhanced" {
  return name === "denoised" || name === "enhanced";
}

/** What the enhancer sees around the network's crop, so that the crop's own edge is not the picture's. */
const MARGIN_PX = 4;

/**
 * The denoised and enhanced slices that a network's channels need of slice `z`, of what its crop shows and a little more;
 * none where no channel needs one. The zoom is that of the network's input, at least 2 and at most 5: where the input is
 * coarser, enhanced pixels are averaged.
 */
export async function derivedSlices(
  enhancer: PictureEnhancer,
  image: Volume,
  z: number,
  region: RecistMarks | UnmarkedRegion,
  window: HuWindow,
  { crop, channels }: Preprocessing,
): Promise<DerivedSlices> {
  if (!channels.some(isDerivedChannel)) return {};
  const square = cropSquare(region, crop);
  const box = boxAround(square, image.dims[0], image.dims[1]);
  const slice = sliceOf(image, z) as Slice<Int16Array>;
  const denoised = await enhancer.denoise(applyWindow(cropSlice(slice, box), window));
  if (!channels.includes("enhanced")) return { box, denoised };
  return { box, denoised, enhanced: await enhancer.enhance(denoised, nearestZoom(1 / square.stepX)) };
}

function boxAround({ size, left, top, stepX, stepY }: Square, width: number, height: number): Box {
  const [x0, x1] = range(left, size * stepX, width);
  const [y0, y1] = range(top, size * stepY, height);
  return { x0, y0, x1, y1 };
}

/** Pixels from the edge `start` on, with the margin, that the slice has; at least one. */
function range(start: number, length: number, limit: number): [from: number, to: number] {
  const from = Math.min(Math.max(Math.floor(start) - MARGIN_PX, 0), limit - 1);
  return [from, Math.max(Math.min(Math.ceil(start + length) + MARGIN_PX, limit), from + 1)];
}
