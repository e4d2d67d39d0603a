import { TIE } from "./raster.ts";
import { type Diameters, lengthMm, type Point } from "./recist.ts";

/**
 * The ellipse on the marks, 0/1 `[y, x]`: its first axis is the long one, its second is as long as the short one
 * measured perpendicular to the long one, and its centre lies on the line of the short one's middle. Half axes are at
 * least half a pixel.
 *
 * @param aspect height of a pixel by its width: what is perpendicular is so in mm.
 */
export function ellipseMask(diameters: Diameters, width: number, height: number, aspect = 1): Uint8Array {
  const [[a, b], [c, d]] = [diameters.long, diameters.short].map((axis) => axis.map(([x, y]): Point => [x, y * aspect]));
  const length = lengthMm([a, b], [1, 1, 1]);
  const u: Point = length === 0 ? [1, 0] : [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
  const v: Point = [-u[1], u[0]];
  const middle: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const shift = ((c[0] + d[0]) / 2 - middle[0]) * v[0] + ((c[1] + d[1]) / 2 - middle[1]) * v[1];
  const [cx, cy] = [middle[0] + shift * v[0], middle[1] + shift * v[1]];
  const halfLong = Math.max(length / 2, 0.5);
  const halfShort = Math.max(Math.abs((d[0] - c[0]) * v[0] + (d[1] - c[1]) * v[1]) / 2, 0.5);

  const reach = Math.ceil(Math.max(halfLong, halfShort));
  const [firstRow, lastRow] = [Math.floor((cy - reach) / aspect) - 1, Math.ceil((cy + reach) / aspect) + 1];
  const mask = new Uint8Array(width * height);
  for (let y = Math.max(0, firstRow); y <= Math.min(height - 1, lastRow); y++) {
    for (let x = Math.max(0, Math.floor(cx) - reach); x <= Math.min(width - 1, Math.ceil(cx) + reach); x++) {
      const along = ((x - cx) * u[0] + (y * aspect - cy) * u[1]) / halfLong;
      const across = ((x - cx) * v[0] + (y * aspect - cy) * v[1]) / halfShort;
      if (along * along + across * across <= 1 + TIE) mask[y * width + x] = 1;
    }
  }
  return mask;
}
