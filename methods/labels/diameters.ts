import type { Slice } from "../imaging/volume.ts";
import type { Diameters, Point } from "./recist.ts";

/**
 * Measures the two diameters of a lesion's section, the way a reader places RECIST marks.
 *
 * Long axis: the greatest distance in mm between two pixel centres (maximal Feret diameter). Short axis: the longest
 * extent perpendicular to it; extents are taken over bands as wide as a pixel (the larger spacing), every half pixel
 * along the long axis. Pixels off the mask between two parts of it do not shorten an extent: measure one component at
 * a time where that matters.
 *
 * @param mask `[y, x]`, non-zero = lesion.
 * @param spacingMm in-plane spacing along x, y in mm (further elements are ignored).
 * @returns the axes in pixels, or null where fewer than three pixels are set. The short axis has length 0 where the
 *   pixels lie in one line.
 */
export function diametersOfMask(mask: Slice<Uint8Array>, spacingMm: readonly [number, number, ...number[]]): Diameters | null {
  const [sx, sy] = spacingMm;
  const extremes = rowExtremes(mask);
  if (extremes.count < 3) return null;
  const hull = convexHull(extremes.points).map(([x, y]): Point => [x * sx, y * sy]);

  let a = hull[0];
  let b = hull[0];
  let longSquared = -1;
  for (let i = 0; i < hull.length; i++) {
    for (let j = i + 1; j < hull.length; j++) {
      const squared = (hull[j][0] - hull[i][0]) ** 2 + (hull[j][1] - hull[i][1]) ** 2;
      // Equal up to rounding is equal: the first pair in hull order stays, on every machine.
      if (squared > longSquared * (1 + 1e-12)) {
        longSquared = squared;
        a = hull[i];
        b = hull[j];
      }
    }
  }
  const lengthMm = Math.sqrt(longSquared);
  const u: Point = [(b[0] - a[0]) / lengthMm, (b[1] - a[1]) / lengthMm];
  const v: Point = [-u[1], u[0]];

  const halfBandMm = Math.max(sx, sy) / 2;
  // A section shorter than a pixel of the coarser axis still has one band, at its middle.
  const stepMm = Math.min(halfBandMm, lengthMm / 2);
  const bands = Math.ceil(lengthMm / stepMm);
  const low = new Float64Array(bands).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(bands).fill(Number.NEGATIVE_INFINITY);
  // A band's extremes across the axis need not be row extremes once the axis is oblique: look at every pixel.
  for (let y = 0, p = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, p++) {
      if (mask.data[p] === 0) continue;
      const along = (x * sx - a[0]) * u[0] + (y * sy - a[1]) * u[1];
      const across = (x * sx - a[0]) * v[0] + (y * sy - a[1]) * v[1];
      const nearest = Math.round(along / stepMm);
      for (let k = Math.max(1, nearest - 2); k <= Math.min(bands - 1, nearest + 2); k++) {
        if (Math.abs(along - k * stepMm) > halfBandMm * (1 + 1e-9)) continue;
        if (across < low[k]) low[k] = across;
        if (across > high[k]) high[k] = across;
      }
    }
  }
  let widest = -1;
  let extentMm = -1;
  for (let k = 1; k < bands; k++) {
    if (high[k] - low[k] > extentMm + 1e-9 * halfBandMm) {
      extentMm = high[k] - low[k];
      widest = k;
    }
  }
  const foot = widest * stepMm;
  const at = (across: number): Point => [(a[0] + u[0] * foot + v[0] * across) / sx, (a[1] + u[1] * foot + v[1] * across) / sy];
  return {
    long: [
      [a[0] / sx, a[1] / sy],
      [b[0] / sx, b[1] / sy],
    ],
    short: [at(low[widest]), at(high[widest])],
  };
}

/** First and last set pixel of every row (they contain the hull's corners), and how many pixels are set. */
function rowExtremes({ data, width, height }: Slice<Uint8Array>): { points: Point[]; count: number } {
  const points: Point[] = [];
  let count = 0;
  for (let y = 0; y < height; y++) {
    let first = -1;
    let last = -1;
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      if (first < 0) first = x;
      last = x;
      count++;
    }
    if (first >= 0) points.push([first, y]);
    if (last > first) points.push([last, y]);
  }
  return { points, count };
}

/** Corners of the convex hull (Andrew's monotone chain), counter-clockwise from the leftmost; exact on integers. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((p, q) => p[0] - q[0] || p[1] - q[1]);
  const halfHull = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const p of ordered) {
      while (chain.length >= 2 && turn(chain[chain.length - 2], chain[chain.length - 1], p) <= 0) chain.pop();
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...halfHull(sorted), ...halfHull(sorted.reverse())];
}

/** Positive where o → p → q turns left. */
function turn(o: Point, p: Point, q: Point): number {
  return (p[0] - o[0]) * (q[1] - o[1]) - (p[1] - o[1]) * (q[0] - o[0]);
}
