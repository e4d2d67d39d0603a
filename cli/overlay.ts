import { cropSlice } from "../methods/imaging/crop.ts";
import type { HuWindow, Slice } from "../methods/imaging/volume.ts";
import type { Diameters, Extent } from "../methods/labels/recist.ts";
import { roiAround } from "../methods/labels/trimap.ts";
import { galleryColours } from "../report/palette.ts";
import { greyRaster, line, outline, rasterPng } from "../report/raster.ts";

/** The picture is about this wide, in pixels, whatever the lesion's size. */
const WIDTH_PX = 480;

/** PNG of a slice around a lesion: CT through the window, the mask's outline, the two diameters where there are any. Pixels are enlarged, never interpolated. */
export function overlayPng(
  hu: Slice<Int16Array | Float32Array>,
  window: HuWindow,
  extent: Extent,
  diameters: Diameters | undefined,
  mask: Slice<Uint8Array>,
): Uint8Array {
  const view = roiAround(extent, hu.width, hu.height);
  const zoom = Math.max(1, Math.round(WIDTH_PX / Math.max(view.x1 - view.x0, view.y1 - view.y0)));
  const raster = greyRaster(cropSlice(hu as Slice<Int16Array>, view), window, zoom);
  outline(raster, cropSlice(mask, view), galleryColours.mask);
  for (const [[ax, ay], [bx, by]] of diameters === undefined ? [] : [diameters.long, diameters.short]) {
    line(raster, [ax - view.x0, ay - view.y0], [bx - view.x0, by - view.y0], galleryColours.marks, 2);
  }
  return rasterPng(raster);
}
