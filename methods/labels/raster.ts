import { type Axis, type Diameters, endPoints } from "./recist.ts";

/**
 * Pixels. Coordinates that are moved from an image to a crop are rounded anew, so lengths that differ by less than this
 * are equal: what is made of marks then does not depend on where the crop begins.
 */
export const TIE = 1e-9;

/** Distance in pixels from every pixel centre to the nearer of the two axes, `[y, x]`. */
export function distanceToAxes({ long, short }: Diameters, width: number, height: number): Float64Array {
  const distance = new Float64Array(width * height).fill(Number.POSITIVE_INFINITY);
  for (const axis of [long, short]) lowerToSegment(distance, axis, width, height);
  for (let p = 0; p < distance.length; p++) distance[p] = Math.sqrt(distance[p]);
  return distance;
}

/** squared[p] = min(squared[p], squared distance to the segment). */
function lowerToSegment(squared: Float64Array, [[ax, ay], [bx, by]]: Axis, width: number, height: number): void {
  const [ux, uy] = [bx - ax, by - ay];
  const length2 = ux * ux + uy * uy || 1e-9;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const t = Math.min(1, Math.max(0, ((x - ax) * ux + (y - ay) * uy) / length2));
      const dx = x - (ax + t * ux);
      const dy = y - (ay + t * uy);
      const d2 = dx * dx + dy * dy;
      if (d2 < squared[p]) squared[p] = d2;
    }
  }
}

/**
 * The `count` pixels with the smallest values, as 0/1; of equal values the first in raster order. `count` is rounded
 * to the nearest integer, halves to the even one.
 *
 * @param tie values that differ from the last one chosen by at most this equal it.
 */
export function smallest(values: Float64Array, count: number, tie = 0): Uint8Array {
  const chosen = new Uint8Array(values.length);
  const wanted = Math.min(roundHalfEven(count), values.length);
  if (wanted <= 0) return chosen;
  const threshold = values.slice().sort()[wanted - 1];
  let left = wanted;
  for (let p = 0; p < values.length; p++) {
    if (values[p] < threshold - tie) {
      chosen[p] = 1;
      left--;
    }
  }
  for (let p = 0; left > 0; p++) {
    if (values[p] >= threshold - tie && values[p] <= threshold + tie) {
      chosen[p] = 1;
      left--;
    }
  }
  return chosen;
}

/**
 * R as pixels: the two axes drawn one pixel wide, as 0/1 `[y, x]`, for each column (or row, where an axis is steeper
 * than 45°) the pixel whose centre is nearest. Parts outside the slice are left out.
 */
export function drawnAxes(diameters: Diameters, width: number, height: number): Uint8Array {
  const drawn = new Uint8Array(width * height);
  const [a, b, c, d] = endPoints(diameters);
  for (const [[px, py], [qx, qy]] of [
    [a, b],
    [c, d],
  ]) {
    const steps = Math.max(Math.abs(nearest(qx) - nearest(px)), Math.abs(nearest(qy) - nearest(py)));
    for (let i = 0; i <= steps; i++) {
      const t = steps === 0 ? 0 : i / steps;
      const x = nearest(px + t * (qx - px));
      const y = nearest(py + t * (qy - py));
      if (x >= 0 && y >= 0 && x < width && y < height) drawn[y * width + x] = 1;
    }
  }
  return drawn;
}

/** The nearest integer; halves go up. */
function nearest(value: number): number {
  return Math.floor(value + 0.5 + TIE);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (Math.abs(value - floor - 0.5) > TIE) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
