import { cropSlice } from "../imaging/crop.ts";
import type { Box, HuWindow, Slice } from "../imaging/volume.ts";
import { applyWindow8 } from "../imaging/window.ts";
import { ellipseMask } from "./ellipse.ts";
import { grabCut } from "./grabcut.ts";
import { distanceToAxes, smallest } from "./raster.ts";
import { boundingBox, centreOf, type Diameters, shiftedTo } from "./recist.ts";
import { IGNORED, type LabelMap, Region, roiOfMarks, type Trimap, trimapOfMarks } from "./trimap.ts";

/**
 * From the marks to a mask on the RECIST slice (3.1, Tables 1, 2 and 6):
 * `recist`: dilated RECIST; `recist-trimap`: the trimap's foreground against its background, the rest ignored by the
 * loss; `grabcut`: from the box alone; `grabcut-i`: from the box and its centre; `grabcut-r`: from the trimap of the
 * marks; `ellipse`: drawn on the marks.
 */
export type InitialMethod = "recist" | "recist-trimap" | "grabcut" | "grabcut-i" | "grabcut-r" | "ellipse";

/**
 * How a mask came about. `drawn`: from the marks without looking at the picture; `grabcut`; `collapsed`: GrabCut left
 * no lesion, which stands (its way of failing from a box); `no … samples`: a trimap without a class, so no lesion;
 * `ignored-fallback`: GrabCut failed and the labels are those of `recist-trimap`.
 */
export type InitialOutcome =
  | "drawn"
  | "grabcut"
  | "collapsed"
  | "no foreground samples"
  | "no background samples"
  | "ignored-fallback";

/** CT slice in HU. */
export type HuSlice = Slice<Int16Array | Float32Array>;

/** The box of the marks is padded by a quarter (dilated RECIST, GrabCut, GrabCut-i). */
const BOX_PADDING = 1.25;
/** Dilated RECIST has this share of the padded box. */
const DILATED_SHARE = 0.2;
/** GrabCut-i takes this share of the padded box, at its centre, for foreground. */
const CENTRE_SHARE = 0.2;

/**
 * Y on one slice.
 *
 * @param image the slice in HU, whole or cropped.
 * @param diameters the marks in the slice's pixels.
 * @param window the display window in which GrabCut sees the slice, in 8 bits.
 * @returns labels of the slice's size: 1 lesion, 0 background, 255 ignored (`recist-trimap` and `ignored-fallback`).
 * @throws RangeError where the marks lie off the slice.
 */
export function initialMask(
  method: InitialMethod,
  image: HuSlice,
  diameters: Diameters,
  window: HuWindow,
): { readonly labels: LabelMap; readonly outcome: InitialOutcome } {
  const { width, height } = image;
  if (method === "ellipse") return { labels: { data: ellipseMask(diameters, width, height), width, height }, outcome: "drawn" };

  const roi = roiOfMarks(diameters, width, height);
  if (roi.x0 >= roi.x1 || roi.y0 >= roi.y1) throw new RangeError(`the marks lie off the slice of ${width} × ${height} pixels`);
  const [roiWidth, roiHeight] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
  const marks = shiftedTo([roi.x0, roi.y0], diameters);
  const onSlice = (data: Uint8Array): LabelMap => placed({ data, width: roiWidth, height: roiHeight }, roi, width, height);
  if (method === "recist") {
    const distance = distanceToAxes(marks, roiWidth, roiHeight);
    return { labels: onSlice(smallest(distance, dilatedSize(marks))), outcome: "drawn" };
  }
  const trimap =
    method === "grabcut" || method === "grabcut-i"
      ? trimapOfBox(marks, roiWidth, roiHeight, method)
      : trimapOfMarks(marks, roiWidth, roiHeight);
  if (method === "recist-trimap") return { labels: onSlice(labelsOfTrimap(trimap)), outcome: "drawn" };

  const result = grabCut(applyWindow8(cropSlice(image as Slice<Int16Array>, roi), window), trimap);
  if (!("failure" in result)) {
    const outcome = result.mask.includes(1) ? "grabcut" : "collapsed";
    return { labels: onSlice(result.mask), outcome };
  }
  if (method === "grabcut-r") return { labels: onSlice(labelsOfTrimap(trimap)), outcome: "ignored-fallback" };
  return { labels: onSlice(new Uint8Array(roiWidth * roiHeight)), outcome: result.failure };
}

/** Number of pixels of dilated RECIST: a fifth of the padded box; not rounded. */
export function dilatedSize(diameters: Diameters): number {
  const [boxWidth, boxHeight] = paddedBox(diameters);
  return DILATED_SHARE * boxWidth * boxHeight;
}

/** The trimap's certain pixels as labels, the others ignored. */
export function labelsOfTrimap({ data }: Trimap): Uint8Array {
  return data.map((region) => (region === Region.foreground ? 1 : region === Region.background ? 0 : IGNORED));
}

/** A slice of `width` × `height` that is 0 but for `part` at `box`. */
export function placed(part: Slice<Uint8Array>, box: Box, width: number, height: number): Slice<Uint8Array> {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < part.height; y++) {
    data.set(part.data.subarray(y * part.width, (y + 1) * part.width), (box.y0 + y) * width + box.x0);
  }
  return { data, width, height };
}

/** Size in pixels of the tight box, padded. */
function paddedBox(diameters: Diameters): [number, number] {
  const { low, high } = boundingBox(diameters);
  return [(high[0] - low[0] + 1) * BOX_PADDING, (high[1] - low[1] + 1) * BOX_PADDING];
}

/** GrabCut's usual start: the padded box may be lesion, the rest is not; for GrabCut-i the box's centre is lesion. */
function trimapOfBox(diameters: Diameters, width: number, height: number, method: "grabcut" | "grabcut-i"): Trimap {
  const [cx, cy] = centreOf(diameters);
  const [boxWidth, boxHeight] = paddedBox(diameters);
  const inner = method === "grabcut-i" ? Math.sqrt(CENTRE_SHARE) : -1;
  const data = new Uint8Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const [dx, dy] = [Math.abs(x - cx), Math.abs(y - cy)];
      if (dx <= (boxWidth / 2) * inner && dy <= (boxHeight / 2) * inner) data[p] = Region.foreground;
      else if (dx <= boxWidth / 2 && dy <= boxHeight / 2) data[p] = Region.probableForeground;
    }
  }
  return { data, width, height };
}
