import type { Vec3 } from "../../imaging/volume.ts";
import { type Background, OUTSIDE } from "./background.ts";

/** A box of a background; what of it lies beyond the volume is air outside the body. */
export interface Patch {
  /** The box's first voxel in the background, possibly beyond it. */
  readonly start: Vec3;
  readonly dims: Vec3;
  /** HU, `[z, y, x]`. */
  readonly hu: Int16Array;
  readonly zone: Uint8Array;
}

const AIR_HU = -1024;

export function patchOf({ dims: [nx, ny, nz], hu, zone }: Background, start: Vec3, dims: Vec3): Patch {
  const n = dims[0] * dims[1] * dims[2];
  const patch: Patch = { start, dims, hu: new Int16Array(n).fill(AIR_HU), zone: new Uint8Array(n).fill(OUTSIDE) };
  const x0 = Math.max(0, start[0]);
  const x1 = Math.min(nx, start[0] + dims[0]);
  if (x0 >= x1) return patch;
  for (let k = 0; k < dims[2]; k++) {
    const z = start[2] + k;
    if (z < 0 || z >= nz) continue;
    for (let j = 0; j < dims[1]; j++) {
      const y = start[1] + j;
      if (y < 0 || y >= ny) continue;
      const from = (z * ny + y) * nx;
      const to = (k * dims[1] + j) * dims[0] - start[0];
      patch.hu.set(hu.subarray(from + x0, from + x1), to + x0);
      patch.zone.set(zone.subarray(from + x0, from + x1), to + x0);
    }
  }
  return patch;
}

/** Every voxel within `px` columns and rows of the mask (a square neighbourhood), slice by slice. */
export function grownInPlane(mask: Uint8Array, [nx, ny, nz]: Vec3, px: number): Uint8Array {
  const rows = new Uint8Array(mask.length);
  spread(mask, rows, ny * nz, nx, (line) => line * nx, 1, px);
  const grown = new Uint8Array(mask.length);
  spread(rows, grown, nx * nz, ny, (line) => Math.floor(line / nx) * nx * ny + (line % nx), nx, px);
  return grown;
}

/** The voxels whose whole square neighbourhood of `px` is in the mask; beyond the box nothing is. */
export function shrunkInPlane(mask: Uint8Array, dims: Vec3, px: number): Uint8Array {
  const rest = grownInPlane(
    mask.map((value) => (value === 0 ? 1 : 0)),
    dims,
    px,
  );
  return rest.map((value) => 1 - value);
}

function spread(
  from: Uint8Array,
  to: Uint8Array,
  lines: number,
  length: number,
  startOf: (line: number) => number,
  step: number,
  px: number,
): void {
  for (let line = 0; line < lines; line++) {
    const start = startOf(line);
    let left = 0;
    for (let i = 0, at = start; i < length; i++, at += step) {
      if (from[at] !== 0) left = px + 1;
      if (left-- > 0) to[at] = 1;
    }
    left = 0;
    for (let i = length - 1, at = start + (length - 1) * step; i >= 0; i--, at -= step) {
      if (from[at] !== 0) left = px + 1;
      if (left-- > 0) to[at] = 1;
    }
  }
}
