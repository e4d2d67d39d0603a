import type { Random } from "../../random.ts";

const SIDE = 32;
const WRAP = SIDE - 1;

/**
 * A smooth random field of zero mean and unit variance over all of space, periodic with 32 units, correlated over about
 * two units. It bends surfaces (sampled along directions) and textures tissue (sampled along positions).
 */
export type Field = Float32Array;

/** Normal numbers on a 32³ lattice, smoothed along each axis by the binomial weights 1 4 6 4 1. */
export function randomField(random: Random): Field {
  let field: Field = Float32Array.from({ length: SIDE ** 3 }, () => random.normal());
  for (const step of [1, SIDE, SIDE * SIDE]) field = smoothed(field, step);
  let sum = 0;
  let squares = 0;
  for (const value of field) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / field.length;
  const sd = Math.sqrt(squares / field.length - mean * mean);
  return field.map((value) => (value - mean) / sd);
}

function smoothed(field: Field, step: number): Field {
  const result = new Float32Array(field.length);
  for (let i = 0; i < field.length; i++) {
    const along = Math.floor(i / step) & WRAP;
    const line = i - along * step;
    const beside = field[line + ((along - 1) & WRAP) * step] + field[line + ((along + 1) & WRAP) * step];
    const beyond = field[line + ((along - 2) & WRAP) * step] + field[line + ((along + 2) & WRAP) * step];
    result[i] = (6 * field[i] + 4 * beside + beyond) / 16;
  }
  return result;
}

/** Trilinear value at (x, y, z) in lattice units. */
export function sampleField(field: Field, x: number, y: number, z: number): number {
  const fx = Math.floor(x);
  const fy = Math.floor(y);
  const fz = Math.floor(z);
  const tx = x - fx;
  const ty = y - fy;
  const x0 = fx & WRAP;
  const x1 = (x0 + 1) & WRAP;
  const y0 = (fy & WRAP) * SIDE;
  const y1 = ((fy + 1) & WRAP) * SIDE;
  const z0 = (fz & WRAP) * SIDE * SIDE;
  const z1 = ((fz + 1) & WRAP) * SIDE * SIDE;
  const a = field[z0 + y0 + x0] + tx * (field[z0 + y0 + x1] - field[z0 + y0 + x0]);
  const b = field[z0 + y1 + x0] + tx * (field[z0 + y1 + x1] - field[z0 + y1 + x0]);
  const c = field[z1 + y0 + x0] + tx * (field[z1 + y0 + x1] - field[z1 + y0 + x0]);
  const d = field[z1 + y1 + x0] + tx * (field[z1 + y1 + x1] - field[z1 + y1 + x0]);
  const near = a + ty * (b - a);
  return near + (z - fz) * (c + ty * (d - c) - near);
}
