import { blurAlong } from "../../imaging/gaussian.ts";
import type { Mask, Vec3 } from "../../imaging/volume.ts";

/** How a shape is turned, mirrored and stretched before it is put on another grid. */
export interface Pose {
  /** Millimetres on the new grid per millimetre of the shape, along the shape's x, y, z. */
  readonly scale: Vec3;
  /** In the slice plane, radians. */
  readonly angle: number;
  readonly mirrorX: boolean;
  readonly mirrorZ: boolean;
  /** Where the shape's middle lies from the middle voxel of the new grid, parts of a voxel. */
  readonly phase: Vec3;
}

/** The part of every voxel that a lesion fills, 0 to 1, `[z, y, x]`; all three sizes are odd. */
export interface Alpha {
  readonly dims: Vec3;
  readonly data: Float32Array;
}

/** Empty voxels around the shape, for blurring. */
const PAD = 2;
/**
 * A binary shape on a grid of other spacing, with partial volume: blocks of the shape's voxels that fit into a voxel of the
 * new grid are averaged, the edge is softened by half a voxel, and values are interpolated linearly. The sum over voxels
 * is the posed shape's volume but for rounding.
 *
 * @param spacingMm of the new grid, x, y, z.
 * @param marginPx empty pixels to keep around the shape within its slices.
 */
export function alphaOf(shape: Mask, { scale, angle, mirrorX, mirrorZ, phase }: Pose, spacingMm: Vec3, marginPx: number): Alpha {
  const voxelMm = shape.spacingMm.map((spacing, axis) => spacing * scale[axis]);
  const block = voxelMm.map((size, axis) => Math.max(1, Math.round(spacingMm[axis] / size))) as unknown as Vec3;
  const soft = averaged(shape, block);
  for (const axis of [0, 1, 2] as const) {
    const magnification = (block[axis] * voxelMm[axis]) / spacingMm[axis];
    blurAlong(soft.data, soft.dims, axis, 0.5 + 0.2 * Math.min(Math.max(magnification - 1, 0), 1), "zero");
  }

  const half = shape.dims.map((n, axis) => ((n + 2 * block[axis]) * voxelMm[axis]) / 2);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const reach = [Math.abs(c) * half[0] + Math.abs(s) * half[1], Math.abs(s) * half[0] + Math.abs(c) * half[1], half[2]];
  const middle = reach.map((mm, axis) => Math.ceil(mm / spacingMm[axis]) + (axis < 2 ? marginPx : 1));
  const dims: Vec3 = [2 * middle[0] + 1, 2 * middle[1] + 1, 2 * middle[2] + 1];
  const data = new Float32Array(dims[0] * dims[1] * dims[2]);

  // Voxels of `soft` per mm along the shape's axes, and the coordinate of the shape's middle there.
  const perMm = voxelMm.map((size, axis) => 1 / (block[axis] * size));
  const centre = shape.dims.map((n, axis) => n / 2 / block[axis] - 0.5 + PAD);
  const [nx, ny, nz] = soft.dims;
  const stepU = (mirrorX ? -1 : 1) * c * spacingMm[0] * perMm[0];
  const stepV = -s * spacingMm[0] * perMm[1];
  for (let k = 0, out = 0; k < dims[2]; k++) {
    const w = (mirrorZ ? -1 : 1) * (k - middle[2] - phase[2]) * spacingMm[2] * perMm[2] + centre[2];
    const w0 = Math.floor(w);
    if (w0 < 0 || w0 >= nz - 1) {
      out += dims[0] * dims[1];
      continue;
    }
    const tw = w - w0;
    for (let j = 0; j < dims[1]; j++) {
      const dx = (-middle[0] - phase[0]) * spacingMm[0];
      const dy = (j - middle[1] - phase[1]) * spacingMm[1];
      let u = (mirrorX ? -1 : 1) * (c * dx + s * dy) * perMm[0] + centre[0];
      let v = (-s * dx + c * dy) * perMm[1] + centre[1];
      for (let i = 0; i < dims[0]; i++, out++, u += stepU, v += stepV) {
        const u0 = Math.floor(u);
        const v0 = Math.floor(v);
        if (u0 < 0 || u0 >= nx - 1 || v0 < 0 || v0 >= ny - 1) continue;
        data[out] = trilinear(soft.data, (w0 * ny + v0) * nx + u0, nx, nx * ny, u - u0, v - v0, tw);
      }
    }
  }
  return { dims, data };
}

function trilinear(data: Float32Array, at: number, row: number, plane: number, tx: number, ty: number, tz: number): number {
  const far = at + plane;
  const a = data[at] + tx * (data[at + 1] - data[at]);
  const b = data[at + row] + tx * (data[at + row + 1] - data[at + row]);
  const c = data[far] + tx * (data[far + 1] - data[far]);
  const d = data[far + row] + tx * (data[far + row + 1] - data[far + row]);
  const near = a + ty * (b - a);
  return near + tz * (c + ty * (d - c) - near);
}

/** Means over blocks of voxels, with `PAD` empty ones around. */
function averaged({ dims: [nx, ny, nz], data }: Mask, [bx, by, bz]: Vec3): Alpha {
  const [mx, my, mz] = [Math.ceil(nx / bx) + 2 * PAD, Math.ceil(ny / by) + 2 * PAD, Math.ceil(nz / bz) + 2 * PAD];
  const mean = new Float32Array(mx * my * mz);
  const share = 1 / (bx * by * bz);
  const column = Int32Array.from({ length: nx }, (_, x) => Math.floor(x / bx) + PAD);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const row = ((Math.floor(z / bz) + PAD) * my + Math.floor(y / by) + PAD) * mx;
      for (let x = 0; x < nx; x++, i++) if (data[i] !== 0) mean[row + column[x]] += share;
    }
  }
  return { dims: [mx, my, mz], data: mean };
}
