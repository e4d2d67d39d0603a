import { resizeArea, resizeCubic } from "../imaging/resample.ts";
import type { Slice } from "../imaging/volume.ts";
import { applyWindow8 } from "../imaging/window.ts";
import { type GrabCutResult, grabCut } from "./grabcut.ts";
import type { Diameters, Point } from "./recist.ts";
import { trimapOfMarks } from "./trimap.ts";

/**
 * The stand-in for super-resolution: bicubic interpolation (Keys's kernel with a = −¾), clipped to [0, 1]. It adds pixels,
 * not detail.
 *
 * @param picture the ROI as fractions of its display window, `[y, x]`.
 */
export function bicubicallyEnhanced(picture: Slice<Float32Array>, zoom: number): Slice<Float32Array> {
  const finer = resizeCubic(picture, Math.round(picture.width * zoom), Math.round(picture.height * zoom));
  return { ...finer, data: finer.data.map((value) => Math.min(Math.max(value, 0), 1)) };
}

/**
 * GrabCut-R on an enhanced slice (GrabCut-R-SR, Table 6): marks and trimap are laid on the finer grid, and a pixel of
 * the ROI is lesion where at least half of its area is. Area, not the nearest fine pixel: at an even zoom the centre of a
 * pixel is a corner of four fine ones, and the nearest of them would move every mask by half of one.
 *
 * @param enhanced the ROI on any finer grid, as fractions of the display window, from a network or `bicubicallyEnhanced`.
 * @param marks in the ROI's own pixels.
 * @returns 0/1 `[y, x]` on the ROI's own `width` × `height` pixels.
 * @throws RangeError where `enhanced` is coarser than the ROI or another shape by more than a pixel's rounding.
 */
export function grabCutEnhanced(
  enhanced: Slice<Float32Array>,
  marks: Diameters,
  width: number,
  height: number,
): { readonly mask: Uint8Array } | Extract<GrabCutResult, { failure: string }> {
  const [zoomX, zoomY] = [enhanced.width / width, enhanced.height / height];
  const rounding = 0.5 / width + 0.5 / height;
  if (zoomX < 1 || zoomY < 1 || Math.abs(zoomX - zoomY) > rounding) {
    throw new RangeError(`${enhanced.width} × ${enhanced.height} pixels are no finer picture of a ROI of ${width} × ${height}`);
  }
  const finer = ([x, y]: Point): Point => [(x + 0.5) * zoomX - 0.5, (y + 0.5) * zoomY - 0.5];
  const { long, short } = marks;
  const diameters: Diameters = { long: [finer(long[0]), finer(long[1])], short: [finer(short[0]), finer(short[1])] };
  const result = grabCut(applyWindow8(enhanced, { low: 0, high: 1 }), trimapOfMarks(diameters, enhanced.width, enhanced.height));
  if ("failure" in result) return result;
  const share = resizeArea({ ...enhanced, data: result.mask }, width, height);
  return { mask: Uint8Array.from(share.data, (lesion) => (lesion >= 0.5 - 1e-6 ? 1 : 0)) };
}
