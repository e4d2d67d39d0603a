import type { Slice } from "../imaging/volume.ts";

/** By how much a lesion's picture is enlarged (READINGS 11: 2 to 5). */
export type Zoom = number | "auto";
const SMALLEST_ZOOM = 2;
const LARGEST_ZOOM = 5;
/** `auto` brings the longer side of the ROI near the 128 pixels of the patches on which the enhancing GAN is trained (3.4). */
const USUAL_SIDE_PX = 128;

/** The nearest zoom from 2 to 5. */
export function nearestZoom(zoom: number): number {
  return Math.min(Math.max(zoom, SMALLEST_ZOOM), LARGEST_ZOOM);
}

/**
 * The zoom of a ROI; `auto` is the whole number from 2 to 5 that brings its longer side nearest to 128 pixels.
 *
 * @throws RangeError for a zoom outside 2 … 5.
 */
export function zoomOf({ width, height }: Pick<Slice, "width" | "height">, zoom: Zoom): number {
  if (zoom === "auto") return nearestZoom(Math.round(USUAL_SIDE_PX / Math.max(width, height)));
  if (!(zoom >= SMALLEST_ZOOM && zoom <= LARGEST_ZOOM)) throw new RangeError(`zoom ${zoom} is not between 2 and 5`);
  return zoom;
}

/** The zoom that brings a diameter of `lengthPx` pixels to `wantedPx`, at least 2 and at most 5: as a radiologist zooms in to measure. */
export function zoomOfDiameter(lengthPx: number, wantedPx: number): number {
  return nearestZoom(wantedPx / lengthPx);
}
