import { encode } from "fast-png";
import type { HuWindow, Slice } from "../methods/imaging/volume.ts";

export type Rgb = readonly [red: number, green: number, blue: number];

/** An 8-bit RGB picture, `[y, x, channel]`, on which every pixel of the slice is a square of side `zoom`. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly zoom: number;
  readonly data: Uint8Array;
}

/** A slice in grey through a display window (HU), every pixel repeated `zoom` × `zoom` times: no interpolation. */
export function greyRaster({ data, width, height }: Slice<ArrayLike<number>>, { low, high }: HuWindow, zoom: number): Raster {
  const raster = { width: width * zoom, height: height * zoom, zoom, data: new Uint8Array(width * height * zoom * zoom * 3) };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const grey = Math.round(255 * Math.min(1, Math.max(0, (data[y * width + x] - low) / (high - low))));
      fill(raster, x * zoom, y * zoom, zoom, zoom, [grey, grey, grey], 1);
    }
  }
  return raster;
}

/** Tints the pixels of a slice: `colourOf` gives the colour of a value, or null for none. */
export function tint(
  raster: Raster,
  { data, width, height }: Slice<Uint8Array>,
  colourOf: (value: number) => Rgb | null,
  opacity: number,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colourOf(data[y * width + x]);
      if (colour !== null) fill(raster, x * raster.zoom, y * raster.zoom, raster.zoom, raster.zoom, colour, opacity);
    }
  }
}

/** Outlines a mask along its pixels' edges, within the mask; `dashed` draws the middle half of every edge only. */
export function outline(raster: Raster, { data, width, height }: Slice<Uint8Array>, colour: Rgb, dashed = false): void {
  const { zoom } = raster;
  const thick = Math.max(Math.min(2, zoom), Math.round(zoom / 5));
  const from = dashed ? Math.floor(zoom / 4) : 0;
  const length = dashed ? Math.max(1, Math.ceil(zoom / 2)) : zoom;
  const inside = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] !== 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      const [left, top] = [x * zoom, y * zoom];
      if (!inside(x, y - 1)) fill(raster, left + from, top, length, thick, colour, 1);
      if (!inside(x, y + 1)) fill(raster, left + from, top + zoom - thick, length, thick, colour, 1);
      if (!inside(x - 1, y)) fill(raster, left, top + from, thick, length, colour, 1);
      if (!inside(x + 1, y)) fill(raster, left + zoom - thick, top + from, thick, length, colour, 1);
    }
  }
}

/** An anti-aliased line between two points of the slice, `[x, y]` in pixels with centres at integers; `widthPx` in picture pixels. */
export function line(
  raster: Raster,
  from: readonly [number, number],
  to: readonly [number, number],
  colour: Rgb,
  widthPx: number,
): void {
  const { zoom, width, height } = raster;
  const place = (v: number): number => (v + 0.5) * zoom;
  const [ax, ay, bx, by] = [place(from[0]), place(from[1]), place(to[0]), place(to[1])];
  const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
  const reach = widthPx / 2 + 1;
  for (let y = Math.max(0, Math.floor(Math.min(ay, by) - reach)); y < Math.min(height, Math.max(ay, by) + reach); y++) {
    for (let x = Math.max(0, Math.floor(Math.min(ax, bx) - reach)); x < Math.min(width, Math.max(ax, bx) + reach); x++) {
      const [px, py] = [x + 0.5, y + 0.5];
      const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length2));
      const cover = widthPx / 2 + 0.5 - Math.hypot(px - ax - along * (bx - ax), py - ay - along * (by - ay));
      if (cover > 0) fill(raster, x, y, 1, 1, colour, Math.min(1, cover));
    }
  }
}

/** The picture as PNG. */
export function rasterPng({ width, height, data }: Raster): Uint8Array {
  return encode({ width, height, data, channels: 3, depth: 8 });
}

function fill(
  { data, width, height }: Raster,
  left: number,
  top: number,
  w: number,
  h: number,
  colour: Rgb,
  opacity: number,
): void {
  for (let y = top; y < Math.min(top + h, height); y++) {
    for (let x = left; x < Math.min(left + w, width); x++) {
      const i = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) data[i + c] = Math.round(data[i + c] * (1 - opacity) + colour[c] * opacity);
    }
  }
}
