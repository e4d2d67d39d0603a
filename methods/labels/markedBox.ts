import { TIE } from "./raster.ts";
import { boundingBox, centreOf, type Diameters } from "./recist.ts";
import { Region, type Trimap } from "./trimap.ts";

/** The box of the marks is padded by a quarter (dilated RECIST, GrabCut, GrabCut-i, DCRF). */
const BOX_PADDING = 1.25;
/** Dilated RECIST has this share of the padded box. */
const DILATED_SHARE = 0.2;
/** bbox-i takes this share of the padded box, at its centre, for foreground. */
const CENTRE_SHARE = 0.2;

/** Number of pixels of dilated RECIST: a fifth of the padded box; not rounded. */
export function dilatedSize(diameters: Diameters): number {
  const [boxWidth, boxHeight] = paddedBox(diameters);
  return DILATED_SHARE * boxWidth * boxHeight;
}

/**
 * The usual start of GrabCut: the padded box may be lesion, the rest is not. With `centre` (bbox-i) the box's middle is
 * lesion for sure.
 */
export function trimapOfBox(diameters: Diameters, width: number, height: number, centre: boolean): Trimap {
  const [cx, cy] = centreOf(diameters);
  const [halfWidth, halfHeight] = paddedBox(diameters).map((side) => side / 2);
  const inner = Math.sqrt(CENTRE_SHARE);
  const data = new Uint8Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const reach = Math.max(Math.abs(x - cx) / halfWidth, Math.abs(y - cy) / halfHeight);
      if (centre && reach <= inner + TIE) data[p] = Region.foreground;
      else if (reach <= 1 + TIE) data[p] = Region.probableForeground;
    }
  }
  return { data, width, height };
}

/** Size in pixels of the tight box, padded. */
function paddedBox(diameters: Diameters): [number, number] {
  const { low, high } = boundingBox(diameters);
  return [(high[0] - low[0] + 1) * BOX_PADDING, (high[1] - low[1] + 1) * BOX_PADDING];
}
