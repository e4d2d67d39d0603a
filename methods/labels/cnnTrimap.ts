import { components } from "../imaging/components.ts";
import type { Box, Slice } from "../imaging/volume.ts";
import { drawnAxes } from "./raster.ts";
import { boundingBox, type Diameters, type Extent, shiftedTo } from "./recist.ts";
import { roiAround, roiOfMarks, splitUncertain, type Trimap, trimapOfMarks } from "./trimap.ts";

/** How Ŷ becomes a trimap (3.3). */
export interface CnnThresholds {
  /** Share of R's pixels that {Ŷ ≥ t} must cover. */
  readonly coverage: number;
  /** Ŷ at and above which a pixel is sure foreground. */
  readonly high: number;
  /** Ŷ at and below which a pixel is sure background. */
  readonly low: number;
}

export const CNN_THRESHOLDS: CnnThresholds = { coverage: 0.5, high: 0.8, low: 0.2 };

/**
 * The largest t such that {Ŷ ≥ t} covers at least the given share of R's pixels.
 *
 * @param drawn R as pixels, 0/1 `[y, x]`.
 * @throws RangeError where no pixel is drawn.
 */
export function cnnThreshold(probability: Slice<Float32Array>, drawn: Uint8Array, coverage = CNN_THRESHOLDS.coverage): number {
  const onMarks = probability.data.filter((_, p) => drawn[p] !== 0).sort();
  if (onMarks.length === 0) throw new RangeError("no pixel of the marks lies on the slice");
  const covered = Math.max(1, Math.ceil(coverage * onMarks.length));
  return onMarks[onMarks.length - covered];
}

/**
 * The lesion as the network sees it for sure, 0/1 `[y, x]`: the components (8 neighbours) of {Ŷ ≥ t} that touch the
 * marks, kept where Ŷ is high. Where no marks are drawn: all of {Ŷ ≥ high}.
 */
export function cnnForeground(
  probability: Slice<Float32Array>,
  drawn: Uint8Array,
  { coverage, high }: CnnThresholds,
): Uint8Array {
  const { data, width, height } = probability;
  const sure = Uint8Array.from(data, (y) => (y >= high ? 1 : 0));
  if (!drawn.includes(1)) return sure;
  const t = cnnThreshold(probability, drawn, coverage);
  const covered = Uint8Array.from(data, (y) => (y >= t ? 1 : 0));
  const touching = touchingComponents(covered, drawn, width, height);
  return sure.map((is, p) => is & touching[p]);
}

/** The components (8 neighbours) of a mask that share a pixel with the marks, 0/1. */
export function touchingComponents(mask: Uint8Array, drawn: Uint8Array, width: number, height: number): Uint8Array {
  const { labels, sizes } = components(mask, [width, height, 1], 8);
  const touches = new Uint8Array(sizes.length + 1);
  for (let p = 0; p < mask.length; p++) if (drawn[p] !== 0) touches[labels[p]] = 1;
  touches[0] = 0;
  return Uint8Array.from(labels, (label) => touches[label]);
}

/** T̂ on the part of the slice where GrabCut is to work, twice the box of what is known of the lesion. */
export interface CnnTrimap {
  readonly trimap: Trimap;
  readonly roi: Box;
  /** Whether the network's output entered, or the projected marks alone. */
  readonly source: "cnn" | "marks";
}

/**
 * T̂ = trimap(Ŷ, R̂): foreground is what the network is sure of, together with the marks; background is {Ŷ ≤ low} off
 * the marks; the rest is split as in 3.1. Where the network finds nothing (no sure foreground touches the marks, or
 * nothing is background), the trimap is that of the projected marks alone.
 *
 * @param probability Ŷ `[y, x]`.
 * @param projected R̂ in the slice's pixels; null beyond the marks' reach: the network's foreground stands alone.
 * @returns null where neither network nor marks find a lesion.
 */
export function trimapOfCnn(
  probability: Slice<Float32Array>,
  projected: Diameters | null,
  thresholds: CnnThresholds = CNN_THRESHOLDS,
): CnnTrimap | null {
  const { width, height } = probability;
  const drawn = projected === null ? new Uint8Array(width * height) : drawnAxes(projected, width, height);
  const sure = cnnForeground(probability, drawn, thresholds);
  const extent = extentOf(sure, width, projected);
  if (sure.includes(1) && extent !== null) {
    const roi = roiAround(extent, width, height);
    const [roiWidth, roiHeight] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
    const foreground = new Uint8Array(roiWidth * roiHeight);
    const background = new Uint8Array(roiWidth * roiHeight);
    for (let y = 0, q = 0; y < roiHeight; y++) {
      for (let x = 0, p = (roi.y0 + y) * width + roi.x0; x < roiWidth; x++, p++, q++) {
        foreground[q] = sure[p] | drawn[p];
        background[q] = foreground[q] === 0 && probability.data[p] <= thresholds.low ? 1 : 0;
      }
    }
    if (background.includes(1))
      return { trimap: splitUncertain(foreground, background, roiWidth, roiHeight), roi, source: "cnn" };
  }
  if (!drawn.includes(1) || projected === null) return null;
  const roi = roiOfMarks(projected, width, height);
  const trimap = trimapOfMarks(shiftedTo([roi.x0, roi.y0], projected), roi.x1 - roi.x0, roi.y1 - roi.y0);
  return { trimap, roi, source: "marks" };
}

/** The box of a mask and the marks together; null where both are empty. */
function extentOf(mask: Uint8Array, width: number, marks: Diameters | null): Extent | null {
  let [x0, y0, x1, y1] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const include = (x: number, y: number): void => {
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  };
  for (let p = 0; p < mask.length; p++) if (mask[p] !== 0) include(p % width, Math.floor(p / width));
  if (marks !== null) {
    const { low, high } = boundingBox(marks);
    include(...low);
    include(...high);
  }
  return x0 <= x1 ? { low: [x0, y0], high: [x1, y1] } : null;
}
