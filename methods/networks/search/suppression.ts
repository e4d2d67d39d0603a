import { type PlacedMask, rangeOfPlaced, sharedVoxels, voxelsOf } from "../../imaging/placedMask.ts";
import type { Vec3 } from "../../imaging/volume.ts";

/** A ball in the world, mm. */
export interface Ball {
  readonly centreMm: Vec3;
  readonly radiusMm: number;
}

/** Volume that two balls share, as a share of the smaller one. */
export function sharedShareOfBalls(a: Ball, b: Ball): number {
  const [r, s] = [Math.max(a.radiusMm, b.radiusMm), Math.min(a.radiusMm, b.radiusMm)];
  const d = Math.hypot(...a.centreMm.map((mm, axis) => mm - b.centreMm[axis]));
  if (d >= r + s) return 0;
  if (d <= r - s) return 1;
  // https://mathworld.wolfram.com/Sphere-SphereIntersection.html, equation 16
  const lens = (Math.PI * (r + s - d) ** 2 * (d * d + 2 * d * (r + s) - 3 * (r - s) ** 2)) / (12 * d);
  return lens / ((4 / 3) * Math.PI * s ** 3);
}

/** Voxels that two masks share, as a share of the smaller one. */
export function sharedShareOfMasks(a: PlacedMask, b: PlacedMask): number {
  const [ra, rb] = [rangeOfPlaced(a), rangeOfPlaced(b)];
  const apart = ra.start.some((at, axis) => at >= rb.end[axis] || rb.start[axis] >= ra.end[axis]);
  return apart ? 0 : sharedVoxels(a, b) / Math.min(voxelsOf(a), voxelsOf(b));
}

/**
 * Non-maximum suppression: in the order of their scores (of equal ones the earlier first), each is kept unless it shares
 * more than `most` with one that is kept already. A part of a better one goes, and so does what holds a better one.
 *
 * @param limit this many are kept at most.
 */
export function suppressed<T extends { readonly score: number }>(
  items: readonly T[],
  shared: (a: T, b: T) => number,
  most: number,
  limit = Infinity,
): T[] {
  const kept: T[] = [];
  for (const item of [...items].sort((a, b) => b.score - a.score)) {
    if (kept.length >= limit) break;
    if (kept.every((better) => shared(better, item) <= most)) kept.push(item);
  }
  return kept;
}
