import { cropSlice } from "../imaging/crop.ts";
import type { Box, HuWindow, Slice, Vec3 } from "../imaging/volume.ts";
import { applyWindow, applyWindow8 } from "../imaging/window.ts";
import { type BoxCrfOptions, crfOfBox } from "./boxCrf.ts";
import { ellipseMask } from "./ellipse.ts";
import { bicubicallyEnhanced, grabCutEnhanced } from "./enhancedSlice.ts";
import { grabCut } from "./grabcut.ts";
import { dilatedSize, trimapOfBox } from "./markedBox.ts";
import { priorCut } from "./priorCut.ts";
import { distanceToAxes, smallest, TIE } from "./raster.ts";
import { type Diameters, shiftedTo } from "./recist.ts";
import { IGNORED, type LabelMap, Region, roiOfMarks, type Trimap, trimapOfMarks } from "./trimap.ts";
import { type Zoom, zoomOf } from "./zoom.ts";

/**
 * From the marks to a mask on the RECIST slice (3.1, Tables 1, 2 and 6):
 * `recist`: dilated RECIST; `recist-trimap`: the trimap's foreground against its background, the rest ignored by the
 * loss; `dcrf`: fully connected CRF from the box and its centre; `grabcut`: from the box alone; `grabcut-i`: from the
 * box and its centre; `grabcut-r`: from the trimap of the marks; `grabcut-r-sr`: the same on the slice enlarged, by
 * bicubic interpolation where no enhanced slice is given; `grabcut-prior`: a cut with a shape prior of the marks, learnt
 * from real lesions; `ellipse`: drawn on the marks.
 */
export type InitialMethod =
  | "recist"
  | "recist-trimap"
  | "dcrf"
  | "grabcut"
  | "grabcut-i"
  | "grabcut-r"
  | "grabcut-r-sr"
  | "grabcut-prior"
  | "ellipse";

/**
 * How a mask came about. `drawn`: from the marks without looking at the picture; `dcrf`; `grabcut`; `grabcut on bicubic`
 * and `grabcut on enhanced`: on a finer picture; `prior-cut`; `collapsed`: GrabCut, CRF or cut left no lesion, which stands (their way of
 * failing from a box); `no … samples`: a trimap without a class, so no lesion; `ignored-fallback`: GrabCut failed and
 * the labels are those of `recist-trimap`.
 */
export type InitialOutcome =
  | "drawn"
  | "dcrf"
  | "grabcut"
  | "grabcut on bicubic"
  | "grabcut on enhanced"
  | "prior-cut"
  | "collapsed"
  | "no foreground samples"
  | "no background samples"
  | "ignored-fallback";

/** CT slice in HU. */
export type HuSlice = Slice<Int16Array | Float32Array>;

export interface InitialOptions {
  /** Parameters of `dcrf`. */
  readonly dcrf?: BoxCrfOptions;
  /** Enlargement of `grabcut-r-sr`; default `auto`. */
  readonly zoom?: Zoom;
  /** For `grabcut-r-sr`: `pictureOfRoi` on a finer grid, from a super-resolution network. */
  readonly enhanced?: Slice<Float32Array>;
  /** How `enhanced` was made; default: by a network. */
  readonly enhancedBy?: "network" | "bicubic";
  /** Voxel spacing, for `ellipse` and `grabcut-prior`; default: square pixels. */
  readonly spacingMm?: Vec3;
}

/**
 * Y on one slice.
 *
 * @param image the slice in HU, whole or cropped.
 * @param diameters the marks in the slice's pixels.
 * @param window the display window in which GrabCut and CRF see the slice, in 8 bits.
 * @returns labels of the slice's size: 1 lesion, 0 background, 255 ignored (`recist-trimap` and `ignored-fallback`).
 * @throws RangeError where the marks lie off the slice, or an option is out of range.
 */
export function initialMask(
  method: InitialMethod,
  image: HuSlice,
  diameters: Diameters,
  window: HuWindow,
  options: InitialOptions = {},
): { readonly labels: LabelMap; readonly outcome: InitialOutcome } {
  const { width, height } = image;
  const spacingMm = options.spacingMm ?? [1, 1, 1];
  if (method === "ellipse") {
    const data = ellipseMask(diameters, width, height, spacingMm[1] / spacingMm[0]);
    return { labels: { data, width, height }, outcome: "drawn" };
  }

  if (method === "grabcut-prior") return priorCut(image, diameters, spacingMm, window);

  const roi = roiOnSlice(image, diameters);
  const [roiWidth, roiHeight] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
  const marks = shiftedTo([roi.x0, roi.y0], diameters);
  const onSlice = (data: Uint8Array): LabelMap => placed({ data, width: roiWidth, height: roiHeight }, roi, width, height);
  const cropped = (): Slice<Int16Array> => cropSlice(image as Slice<Int16Array>, roi);
  switch (method) {
    case "recist":
      return { labels: onSlice(dilatedMarks(marks, roiWidth, roiHeight)), outcome: "drawn" };
    case "recist-trimap":
      return { labels: onSlice(labelsOfTrimap(trimapOfMarks(marks, roiWidth, roiHeight))), outcome: "drawn" };
    case "dcrf": {
      const mask = crfOfBox(applyWindow8(cropped(), window), marks, options.dcrf);
      return { labels: onSlice(mask), outcome: mask.includes(1) ? "dcrf" : "collapsed" };
    }
    case "grabcut":
    case "grabcut-i": {
      const result = grabCut(applyWindow8(cropped(), window), trimapOfBox(marks, roiWidth, roiHeight, method === "grabcut-i"));
      if ("failure" in result) return { labels: onSlice(new Uint8Array(roiWidth * roiHeight)), outcome: result.failure };
      return { labels: onSlice(result.mask), outcome: result.mask.includes(1) ? "grabcut" : "collapsed" };
    }
    case "grabcut-r": {
      const trimap = trimapOfMarks(marks, roiWidth, roiHeight);
      const result = grabCut(applyWindow8(cropped(), window), trimap);
      if ("failure" in result) return { labels: onSlice(labelsOfTrimap(trimap)), outcome: "ignored-fallback" };
      return { labels: onSlice(result.mask), outcome: result.mask.includes(1) ? "grabcut" : "collapsed" };
    }
    case "grabcut-r-sr": {
      const picture = applyWindow(cropped(), window);
      const enhanced = options.enhanced ?? bicubicallyEnhanced(picture, zoomOf(picture, options.zoom ?? "auto"));
      const result = grabCutEnhanced(enhanced, marks, roiWidth, roiHeight);
      if ("failure" in result)
        return { labels: onSlice(labelsOfTrimap(trimapOfMarks(marks, roiWidth, roiHeight))), outcome: "ignored-fallback" };
      const isBicubic = options.enhanced === undefined || options.enhancedBy === "bicubic";
      const found = isBicubic ? "grabcut on bicubic" : "grabcut on enhanced";
      return { labels: onSlice(result.mask), outcome: result.mask.includes(1) ? found : "collapsed" };
    }
  }
}

/**
 * What a super-resolution network is to make finer for `grabcut-r-sr`: the ROI of the marks as fractions of the display
 * window, `[y, x]`.
 *
 * @throws RangeError where the marks lie off the slice.
 */
export function pictureOfRoi(image: HuSlice, diameters: Diameters, window: HuWindow): Slice<Float32Array> {
  return applyWindow(cropSlice(image as Slice<Int16Array>, roiOnSlice(image, diameters)), window);
}

/** Dilated RECIST: the pixels nearest to the axes until they are a fifth of the padded box. */
function dilatedMarks(marks: Diameters, width: number, height: number): Uint8Array {
  return smallest(distanceToAxes(marks, width, height), dilatedSize(marks), TIE);
}

function roiOnSlice({ width, height }: HuSlice, diameters: Diameters): Box {
  const roi = roiOfMarks(diameters, width, height);
  if (roi.x0 >= roi.x1 || roi.y0 >= roi.y1) throw new RangeError(`the marks lie off the slice of ${width} × ${height} pixels`);
  return roi;
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
