import type { HuWindow, Volume } from "../imaging/volume.ts";
import type { LesionBox } from "../labels/lesionBox.ts";
import { centreOf, lengthMm, type Point, type RecistMarks } from "../labels/recist.ts";

/** A place to look at without marks: centre on slice `slice`, and about how long the lesion is, in pixels. */
export interface UnmarkedRegion {
  readonly slice: number;
  readonly centre: Point;
  readonly lengthPx: number;
}

export function isMarked(region: RecistMarks | UnmarkedRegion): region is RecistMarks {
  return "long" in region;
}

/** Centre of the crop (of the marks' bounding box) and the length that its side is a multiple of, in pixels. */
export function centreAndLength(region: RecistMarks | UnmarkedRegion): Pick<UnmarkedRegion, "centre" | "lengthPx"> {
  return isMarked(region) ? { centre: centreOf(region), lengthPx: lengthMm(region.long, [1, 1, 1]) } : region;
}

/** Median over real shapes of the long diameter by the longer side of the lesion's tight box: `npx tsx bench/boxLength.ts`. */
const LENGTH_BY_SIDE = 1.07;

/** The region that a box drawn around a lesion stands for. */
export function regionOfBox({ slice, low, high }: LesionBox): UnmarkedRegion {
  return {
    slice,
    centre: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2],
    lengthPx: LENGTH_BY_SIDE * Math.max(high[0] - low[0], high[1] - low[1]),
  };
}

const RELATIVE_UNIT_HU = 70;
const RELATIVE_UNIT_WIDE_HU = 200;
const WIDE_WINDOW_HU = 1000;
/** What a difference of 1 in a relative channel is, in HU. */
export function relativeUnitHu({ low, high }: HuWindow): number {
  return high - low > WIDE_WINDOW_HU ? RELATIVE_UNIT_WIDE_HU : RELATIVE_UNIT_HU;
}

/** The core is where r < ½; bone and contrast near the top of the window do not belong to it. */
const CORE_RADIUS = 0.5;
const CORE_WINDOW_SHARE = 0.9;
const CORE_LEAST_SHARE = 0.25;

/** Median HU of the lesion's core on the RECIST slice (the middle disc where there are no marks). */
export function coreMedianHu(image: Volume, region: RecistMarks | UnmarkedRegion, window: HuWindow): number {
  const [width, height, depth] = image.dims;
  const slice = Math.min(Math.max(region.slice, 0), depth - 1);
  const radius = radiusOf(region);
  const reach = isMarked(region)
    ? [...region.long, ...region.short]
    : [
        [region.centre[0] - region.lengthPx, region.centre[1] - region.lengthPx],
        [region.centre[0] + region.lengthPx, region.centre[1] + region.lengthPx],
      ];
  const range = (axis: 0 | 1, n: number): [number, number] => {
    const values = reach.map((p) => p[axis]);
    return [Math.max(0, Math.floor(Math.min(...values))), Math.min(n - 1, Math.ceil(Math.max(...values)))];
  };
  const [x0, x1] = range(0, width);
  const [y0, y1] = range(1, height);
  const all: number[] = [];
  for (let y = y0; y <= y1; y++)
    for (let x = x0; x <= x1; x++) if (radius(x, y) < CORE_RADIUS) all.push(image.data[(slice * height + y) * width + x]);
  if (all.length === 0) return (window.low + window.high) / 2;
  const ceiling = window.low + CORE_WINDOW_SHARE * (window.high - window.low);
  const soft = all.filter((hu) => hu < ceiling);
  const core = (soft.length >= CORE_LEAST_SHARE * all.length ? soft : all).sort((a, b) => a - b);
  return (core[(core.length - 1) >> 1] + core[core.length >> 1]) / 2;
}

/** Half a pixel: no semi-axis is shorter. */
const LEAST_SEMI_AXIS_PX = 0.5;

/**
 * Radius of a pixel in the figure made of four quarter ellipses that meet at the ends of the marks: 0 where the axes
 * cross, 1 on the outline. Without marks, in the circle of half the length.
 */
export function radiusOf(region: RecistMarks | UnmarkedRegion): (x: number, y: number) => number {
  if (!isMarked(region)) {
    const [cx, cy] = region.centre;
    return (x, y) => Math.hypot(x - cx, y - cy) / Math.max(region.lengthPx / 2, LEAST_SEMI_AXIS_PX);
  }
  const [p, q] = region.long;
  const [s, t] = region.short;
  const long = [q[0] - p[0], q[1] - p[1]];
  const length = Math.max(Math.hypot(long[0], long[1]), 2 * LEAST_SEMI_AXIS_PX);
  const u = [long[0] / length, long[1] / length];
  const shortLength = Math.hypot(t[0] - s[0], t[1] - s[1]);
  let v = shortLength > 0 ? [(t[0] - s[0]) / shortLength, (t[1] - s[1]) / shortLength] : [-u[1], u[0]];
  let cross = u[0] * v[1] - u[1] * v[0];
  if (Math.abs(cross) < 0.1) {
    v = [-u[1], u[0]]; // Nearly parallel marks span no ellipse: across the long axis instead.
    cross = 1;
  }
  /** Coordinates along u and v of a point, from p. */
  const along = (x: number, y: number): [number, number] => {
    const [dx, dy] = [x - p[0], y - p[1]];
    return [(dx * v[1] - dy * v[0]) / cross, (u[0] * dy - u[1] * dx) / cross];
  };
  const ends = [along(s[0], s[1]), along(t[0], t[1])];
  const centreU = Math.min(Math.max((ends[0][0] + ends[1][0]) / 2, 0), length);
  const least = (value: number): number => Math.max(value, LEAST_SEMI_AXIS_PX);
  const [before, after] = [least(centreU), least(length - centreU)];
  const [below, above] = [least(-Math.min(ends[0][1], ends[1][1])), least(Math.max(ends[0][1], ends[1][1]))];
  const [px, py] = p;
  const [ux, uy] = u;
  const [vx, vy] = v;
  return (x, y) => {
    const [dx, dy] = [x - px, y - py];
    const du = (dx * vy - dy * vx) / cross - centreU;
    const b = (ux * dy - uy * dx) / cross;
    return Math.hypot(du / (du < 0 ? before : after), b / (b < 0 ? below : above));
  };
}
