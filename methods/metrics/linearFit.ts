/** y ≈ slope · x + intercept. */
export interface LinearFit {
  readonly slope: number;
  readonly intercept: number;
  /** R²: share of the variance of y that the line explains. */
  readonly rSquared: number;
  readonly n: number;
}

/**
 * Least-squares line through points [x, y], e.g. volume change by a method against the manual one (Fig. 7).
 *
 * @returns null where there are fewer than two points or all x, or all y, are equal.
 */
export function linearFit(points: readonly (readonly [number, number])[]): LinearFit | null {
  const n = points.length;
  if (n < 2) return null;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const [x, y] of points) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
    yy += (y - meanY) ** 2;
  }
  if (xx === 0 || yy === 0) return null;
  const slope = xy / xx;
  return { slope, intercept: meanY - slope * meanX, rSquared: xy ** 2 / (xx * yy), n };
}
