import type { Slice } from "../imaging/volume.ts";
import { type DenseCrfOptions, denseCrf } from "./denseCrf.ts";
import { trimapOfBox } from "./markedBox.ts";
import type { Diameters } from "./recist.ts";
import { Region } from "./trimap.ts";

export interface BoxCrfOptions extends DenseCrfOptions {
  /** P of the label of a pixel that bbox-i is sure of, above ½ and below 1; elsewhere both labels have ½. */
  readonly confidence: number;
}

/**
 * The paper does not print its parameters; it reports the best of those that were tried. w⁽²⁾ = θ_γ = 1 and 10 updates
 * follow Krähenbühl and Koltun (2011); the appearance kernel is the one with the highest mean Dice in
 * pipelines/dcrf-grid.yaml on the 11 lesions of its data (0.871; 0.857 without any appearance kernel, 0 with the widths
 * for photographs that go with the authors' code). The kernels are narrow because the few sure pixels in the middle lose
 * against wide ones, and the lesion vanishes; so box and centre decide most of the mask, and the picture little.
 */
export const BOX_CRF: BoxCrfOptions = {
  confidence: 0.9,
  appearance: { weight: 1, positionPx: 3, grey: 13 },
  smoothness: { weight: 1, positionPx: 1 },
  iterations: 10,
};

/**
 * DCRF (Tables 1 and 6): the fully connected CRF with bbox-i for unary potentials and the windowed grey values for
 * pairwise ones. A pixel is lesion where Q(lesion) > ½.
 *
 * @param picture the ROI of the marks, in its display window.
 * @param marks in the ROI's pixels.
 * @returns 0/1 `[y, x]`.
 * @throws RangeError where an option is out of range.
 */
export function crfOfBox(picture: Slice<Uint8Array>, marks: Diameters, options: BoxCrfOptions = BOX_CRF): Uint8Array {
  const prior = priorOfBox(picture, marks, options.confidence);
  return Uint8Array.from(denseCrf(picture, prior, options), (q) => (q > 0.5 ? 1 : 0));
}

/**
 * bbox-i as P(lesion), `[y, x]`: `confidence` in the middle of the padded box, 1 − `confidence` around the box, ½ between.
 *
 * @throws RangeError for a confidence that is not between ½ and 1.
 */
export function priorOfBox({ width, height }: Slice<Uint8Array>, marks: Diameters, confidence: number): Float64Array {
  if (!(confidence > 0.5 && confidence < 1)) throw new RangeError(`confidence ${confidence} is not between ½ and 1`);
  return Float64Array.from(trimapOfBox(marks, width, height, true).data, (region) =>
    region === Region.foreground ? confidence : region === Region.background ? 1 - confidence : 0.5,
  );
}
