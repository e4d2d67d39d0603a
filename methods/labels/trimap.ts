import { distanceTo } from "../imaging/distanceTransform.ts";
import type { Box, Slice } from "../imaging/volume.ts";
import { distanceToAxes, smallest, TIE } from "./raster.ts";
import { boundingBox, centreOf, type Diameters, type Extent } from "./recist.ts";

/** Trimap regions; the numbers are OpenCV's GrabCut classes. */
export const Region = { background: 0, foreground: 1, probableBackground: 2, probableForeground: 3 } as const;
export type Region = (typeof Region)[keyof typeof Region];

/** T: a `Region` per pixel, `[y, x]`. */
export type Trimap = Slice<Uint8Array>;

/** Y: training label per pixel, `[y, x]`: 0 background, 1 lesion, 255 = ignored by the loss. */
export type LabelMap = Slice<Uint8Array>;
export const IGNORED = 255;

/** Share of the ROI that is foreground: the pixels nearest to the axes (3.1). */
const FOREGROUND_SHARE = 0.1;
/** Share of the ROI inside the rectangle beyond which everything is background (3.1). */
const INNER_SHARE = 0.5;

/**
 * The ROI around the marks: the tight box [w, h], counted in pixels, enlarged to [2w, 2h] around its centre (3.1),
 * rounded outwards and clipped to the slice.
 */
export function roiOfMarks(diameters: Diameters, width: number, height: number): Box {
  return roiAround(boundingBox(diameters), width, height);
}

/** The ROI around anything: twice its tight box, rounded outwards and clipped to the slice. */
export function roiAround(extent: Extent, width: number, height: number): Box {
  const { x0, y0, x1, y1 } = doubled(extent);
  return { x0: Math.max(x0, 0), y0: Math.max(y0, 0), x1: Math.min(x1, width), y1: Math.min(y1, height) };
}

function doubled({ low, high }: Extent): Box {
  const [cx, cy] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  const w = Math.max(high[0] - low[0], 1) + 1;
  const h = Math.max(high[1] - low[1], 1) + 1;
  return {
    x0: Math.floor(cx - w + TIE),
    y0: Math.floor(cy - h + TIE),
    x1: Math.ceil(cx + w - TIE) + 1,
    y1: Math.ceil(cy + h - TIE) + 1,
  };
}

/**
 * T = trimap(R), 3.1: the pixels nearest to the axes are foreground until they are 10 % of the ROI; what lies outside
 * the rectangle around the marks that covers half of the ROI is background; the remaining 40 % are split by
 * `splitUncertain`. On a ROI that the image's edge has clipped the shares are those of the clipped ROI.
 *
 * @param diameters the marks in the ROI's pixels.
 */
export function trimapOfMarks(diameters: Diameters, roiWidth: number, roiHeight: number): Trimap {
  const area = roiWidth * roiHeight;
  const foreground = smallest(distanceToAxes(diameters, roiWidth, roiHeight), FOREGROUND_SHARE * area, TIE);
  const background = outsideCentralRectangle(diameters, roiWidth, roiHeight);
  for (let p = 0; p < area; p++) if (foreground[p] === 1) background[p] = 0;
  return splitUncertain(foreground, background, roiWidth, roiHeight);
}

/**
 * The trimap with the given foreground and background, 0/1 `[y, x]`, disjoint. Every other pixel is ranked by
 * dFG/(dFG + dBG), its share of the way from the foreground to the background; the nearer half becomes probable
 * foreground, the other probable background (3.1).
 */
export function splitUncertain(foreground: Uint8Array, background: Uint8Array, width: number, height: number): Trimap {
  const area = width * height;
  const toForeground = distanceTo(foreground, [width, height, 1], [1, 1, 1]);
  const toBackground = distanceTo(background, [width, height, 1], [1, 1, 1]);
  const rank = new Float64Array(area).fill(Number.POSITIVE_INFINITY);
  let uncertain = 0;
  for (let p = 0; p < area; p++) {
    if (foreground[p] === 1 || background[p] === 1) continue;
    uncertain++;
    const [f, b] = [toForeground[p], toBackground[p]];
    // Without background everything is near the foreground, and the other way round.
    rank[p] = f === Number.POSITIVE_INFINITY ? 1 : b === Number.POSITIVE_INFINITY ? 0 : f / (f + b + 1e-9);
  }
  const nearer = smallest(rank, uncertain / 2);
  const data = new Uint8Array(area);
  for (let p = 0; p < area; p++) {
    if (foreground[p] === 1) data[p] = Region.foreground;
    else if (background[p] === 1) data[p] = Region.background;
    else data[p] = nearer[p] === 1 ? Region.probableForeground : Region.probableBackground;
  }
  return { data, width, height };
}

/** 1 outside the rectangle around the marks' centre that has the ROI's shape and half of its area. */
function outsideCentralRectangle(diameters: Diameters, roiWidth: number, roiHeight: number): Uint8Array {
  const [cx, cy] = centreOf(diameters);
  const whole = doubled(boundingBox(diameters));
  const [wholeWidth, wholeHeight] = [whole.x1 - whole.x0, whole.y1 - whole.y0];
  const clipped = wholeWidth !== roiWidth || wholeHeight !== roiHeight;
  const scale = clipped ? halfAreaScale([cx, cy], [wholeWidth, wholeHeight], [roiWidth, roiHeight]) : Math.sqrt(INNER_SHARE);
  const outside = new Uint8Array(roiWidth * roiHeight);
  for (let y = 0, p = 0; y < roiHeight; y++) {
    for (let x = 0; x < roiWidth; x++, p++) {
      const r = Math.max(Math.abs(x - cx) / (wholeWidth / 2), Math.abs(y - cy) / (wholeHeight / 2));
      if (r > scale + TIE) outside[p] = 1;
    }
  }
  return outside;
}

/** The scale at which a rectangle of the whole ROI's shape around `centre` covers half of what is left of the ROI. */
function halfAreaScale(
  centre: readonly [number, number],
  whole: readonly [number, number],
  roi: readonly [number, number],
): number {
  const covered = (axis: 0 | 1, scale: number): number => {
    const half = (scale * whole[axis]) / 2;
    return Math.max(0, Math.min(roi[axis] - 0.5, centre[axis] + half) - Math.max(-0.5, centre[axis] - half));
  };
  let low = 0;
  let high = 1;
  while (covered(0, high) * covered(1, high) < INNER_SHARE * roi[0] * roi[1]) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (covered(0, middle) * covered(1, middle) < INNER_SHARE * roi[0] * roi[1]) low = middle;
    else high = middle;
  }
  return high;
}
