import { resizeArea } from "../imaging/resample.ts";
import type { Slice } from "../imaging/volume.ts";
import { type Random, randomStream } from "../random.ts";

/**
 * Pictures without a camera: the dead leaves model (Lee, Mumford, Huang 2001), whose edges and scale-free sizes resemble
 * those of photographs. Leaves fall on each other until little of the ground is left; each has a grey value, a slope, and
 * perhaps a texture.
 */

/** Leaves per picture, and their radii as shares of its side: density ∝ r⁻³ in between. */
const LEAVES = 400;
const SMALLEST = 0.02;
const LARGEST = 0.4;
/** Drawn this much finer, then averaged, so that edges are smooth. */
const FINER = 2;

interface Leaf {
  readonly centre: readonly [number, number];
  readonly radii: readonly [number, number];
  readonly turn: readonly [cos: number, sin: number];
  /** Ellipse (2), rounded box (6) or nearly a box (20): |x|ⁿ + |y|ⁿ ≤ 1. */
  readonly exponent: number;
  grey(x: number, y: number): number;
}

/** Picture number `index` under `seed`, `[side, side]`, 0 … 255. */
export function drawDeadLeaves(side: number, seed: number, index: number): Slice<Uint8Array> {
  const random = randomStream(seed, "dead leaves", index);
  const fine = FINER * side;
  const data = new Float32Array(fine * fine).fill(random.between(40, 215));
  for (let n = 0; n < LEAVES; n++) paint(data, fine, drawLeaf(fine, random));
  const averaged = resizeArea({ data, width: fine, height: fine }, side, side);
  return {
    data: Uint8Array.from(averaged.data, (grey) => Math.max(0, Math.min(255, Math.round(grey)))),
    width: side,
    height: side,
  };
}

function drawLeaf(side: number, random: Random): Leaf {
  // Inverse of the distribution of r with density ∝ r⁻³.
  const [near, far] = [SMALLEST ** -2, LARGEST ** -2];
  const radius = side * (near + (far - near) * random.uniform()) ** -0.5;
  const angle = random.between(0, Math.PI);
  const base = random.between(10, 245);
  const [slopeX, slopeY] = [random.normal() / radius, random.normal() / radius].map((slope) => 12 * slope);
  const texture = drawTexture(random);
  return {
    centre: [random.between(0, side), random.between(0, side)],
    radii: [radius, radius * random.between(0.4, 1)],
    turn: [Math.cos(angle), Math.sin(angle)],
    exponent: [2, 6, 20][random.integer(3)],
    grey: (x, y) => base + slopeX * x + slopeY * y + texture(x, y),
  };
}

/** Plain, a grating, or grain: what lies within a leaf, in grey levels. */
function drawTexture(random: Random): (x: number, y: number) => number {
  const kind = random.integer(4);
  const amplitude = random.between(3, 25);
  if (kind === 0) {
    const [angle, period] = [random.between(0, Math.PI), random.between(3, 20) * FINER];
    const [fx, fy] = [(2 * Math.PI * Math.cos(angle)) / period, (2 * Math.PI * Math.sin(angle)) / period];
    return (x, y) => amplitude * Math.sin(fx * x + fy * y);
  }
  if (kind === 1) {
    const [cell, key] = [random.between(1, 4) * FINER, random.integer(2 ** 30)];
    return (x, y) => amplitude * (2 * hashed(Math.floor(x / cell), Math.floor(y / cell), key) - 1);
  }
  return () => 0;
}

/** A number in [0, 1) for a cell of a grid. */
function hashed(x: number, y: number, key: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ key;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

function paint(
  data: Float32Array,
  side: number,
  { centre: [cx, cy], radii: [rx, ry], turn: [cos, sin], exponent, grey }: Leaf,
): void {
  const reach = Math.ceil(Math.hypot(rx, ry));
  for (let y = Math.max(0, Math.floor(cy - reach)); y < Math.min(side, cy + reach); y++) {
    for (let x = Math.max(0, Math.floor(cx - reach)); x < Math.min(side, cx + reach); x++) {
      const u = Math.abs((x - cx) * cos + (y - cy) * sin) / rx;
      const v = Math.abs((y - cy) * cos - (x - cx) * sin) / ry;
      if (u ** exponent + v ** exponent <= 1) data[y * side + x] = grey(x - cx, y - cy);
    }
  }
}
