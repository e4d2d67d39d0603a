import { cropSlice } from "../imaging/crop.ts";
import type { Box, Slice } from "../imaging/volume.ts";
import { type GrabCutOptions, grabCut } from "./grabcut.ts";
import { placed } from "./initial.ts";
import { type LabelMap, Region, roiAround, type Trimap } from "./trimap.ts";

/** What a person has painted on a pixel: nothing, that it is lesion, or that it is not. */
export const Stroke = { none: 0, lesion: 1, background: 2 } as const;

/** A `Stroke` per pixel, `[y, x]`. */
export type Strokes = Slice<Uint8Array>;

export type StrokeCut =
  | { readonly mask: LabelMap }
  /** Neither strokes nor mask say where the lesion is, or they leave nothing beside it. */
  | { readonly failure: "no foreground samples" | "no background samples" };

/**
 * GrabCut with strokes (Rother, Kolmogorov and Blake 2004, user editing): what is stroked is certain, everything else is
 * probably what the mask says, and is cut anew. This is OpenCV's `grabCut` with `GC_INIT_WITH_MASK` on the ROI.
 *
 * The ROI is twice the tight box of mask and lesion strokes, as the ROI of marks is (3.1); beyond it there is no lesion.
 *
 * @param image the slice in 8-bit grey.
 * @param mask 0/1 on the slice's grid, as it stands; may be empty where lesion strokes are given.
 * @returns the mask on the slice's grid: 1 on every lesion stroke, 0 on every background stroke.
 * @throws RangeError where image, strokes and mask differ in size, or a stroke is none of `Stroke`.
 */
export function strokeCut(
  image: Slice<Uint8Array>,
  strokes: Strokes,
  mask: Slice<Uint8Array>,
  options: GrabCutOptions = {},
): StrokeCut {
  const { width, height } = image;
  for (const [name, one] of Object.entries({ strokes, mask }))
    if (one.width !== width || one.height !== height)
      throw new RangeError(`the ${name} layer is ${one.width} × ${one.height} pixels, the picture ${width} × ${height}`);
  const roi = roiOfStrokes(strokes, mask);
  if (roi === null) return { failure: "no foreground samples" };
  const trimap = trimapOfStrokes(cropSlice(strokes, roi), cropSlice(mask, roi));
  const cut = grabCut(cropSlice(image, roi), trimap, options);
  if ("failure" in cut) return cut;
  return { mask: placed({ ...trimap, data: cut.mask }, roi, width, height) };
}

/** Strokes as certain regions, the rest as probably what the mask says. @throws RangeError at a stroke that is none */
export function trimapOfStrokes({ data, width, height }: Strokes, mask: Slice<Uint8Array>): Trimap {
  const regions = data.map((stroke, p) => {
    if (stroke === Stroke.lesion) return Region.foreground;
    if (stroke === Stroke.background) return Region.background;
    if (stroke !== Stroke.none) throw new RangeError(`pixel ${p} of the strokes is ${stroke}, not a stroke (0 to 2)`);
    return mask.data[p] === 1 ? Region.probableForeground : Region.probableBackground;
  });
  return { data: regions, width, height };
}

/** Twice the tight box of everything that is said to be lesion; null where nothing is. */
export function roiOfStrokes({ data, width, height }: Strokes, mask: Slice<Uint8Array>): Box | null {
  let [x0, y0, x1, y1] = [width, height, -1, -1];
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (data[p] !== Stroke.lesion && mask.data[p] !== 1) continue;
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x);
      y0 = Math.min(y0, y);
      y1 = y;
    }
  }
  return x1 < 0 ? null : roiAround({ low: [x0, y0], high: [x1, y1] }, width, height);
}
