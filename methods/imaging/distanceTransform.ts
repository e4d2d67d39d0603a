import type { Vec3 } from "./volume.ts";

/**
 * Exact Euclidean distance, in the unit of `spacing`, from every voxel centre to the nearest centre of a voxel where
 * `mask` is not 0 (those have distance 0). `mask` and the result are `[z, y, x]`; `dims` and `spacing` are x, y, z;
 * a slice is a volume with `dims[2]` = 1. Infinity everywhere where the mask is empty.
 *
 * Linear in the number of voxels: the lower envelope of parabolas, one axis after the other (Felzenszwalb and
 * Huttenlocher, "Distance transforms of sampled functions", 2012), with the spacing as the parabolas' scale.
 *
 * @throws RangeError where `mask` does not hold `dims` voxels or a spacing is not positive.
 */
export function distanceTo(mask: Uint8Array, dims: Vec3, spacing: Vec3): Float64Array {
  const [nx, ny, nz] = dims;
  if (mask.length !== nx * ny * nz) throw new RangeError(`mask holds ${mask.length} voxels, not ${nx} × ${ny} × ${nz}`);
  if (!spacing.every((s) => s > 0 && s < Infinity)) throw new RangeError(`spacing ${spacing.join(" × ")} is not positive`);
  const squared = squaredAlongRows(mask, nx, spacing[0]);
  const envelope = new LowerEnvelope(Math.max(ny, nz));
  if (ny > 1) {
    for (let z = 0; z < nz; z++) {
      for (let x = 0; x < nx; x++) envelope.replace(squared, z * nx * ny + x, nx, ny, spacing[1]);
    }
  }
  if (nz > 1) {
    for (let i = 0; i < nx * ny; i++) envelope.replace(squared, i, nx * ny, nz, spacing[2]);
  }
  for (let i = 0; i < squared.length; i++) squared[i] = Math.sqrt(squared[i]);
  return squared;
}

/** Squared distance to the nearest marked voxel of the same row: one sweep in each direction. */
function squaredAlongRows(mask: Uint8Array, width: number, spacing: number): Float64Array {
  const squared = new Float64Array(mask.length);
  for (let row = 0; row < mask.length; row += width) {
    let steps = Infinity;
    for (let i = row; i < row + width; i++) {
      steps = mask[i] !== 0 ? 0 : steps + 1;
      squared[i] = steps;
    }
    steps = Infinity;
    for (let i = row + width - 1; i >= row; i--) {
      steps = mask[i] !== 0 ? 0 : steps + 1;
      const distance = Math.min(squared[i], steps) * spacing;
      squared[i] = distance * distance;
    }
  }
  return squared;
}

/** min over p of f(p) + (spacing · (q − p))², for every q of a line; the buffers are kept from line to line. */
class LowerEnvelope {
  private readonly height: Float64Array;
  /** Vertex of the k-th parabola of the envelope … */
  private readonly vertex: Int32Array;
  /** … which is lowest from here on. */
  private readonly from: Float64Array;

  constructor(longestLine: number) {
    this.height = new Float64Array(longestLine);
    this.vertex = new Int32Array(longestLine);
    this.from = new Float64Array(longestLine);
  }

  replace(values: Float64Array, start: number, stride: number, length: number, spacing: number): void {
    const { height, vertex, from } = this;
    const scale = spacing * spacing;
    let last = -1;
    for (let q = 0; q < length; q++) {
      const f = values[start + q * stride];
      height[q] = f;
      if (f === Infinity) continue;
      let crossing = -Infinity;
      while (last >= 0) {
        const p = vertex[last];
        crossing = (f - height[p]) / (2 * scale * (q - p)) + (q + p) / 2;
        if (crossing > from[last]) break;
        last--;
      }
      last++;
      vertex[last] = q;
      from[last] = last === 0 ? -Infinity : crossing;
    }
    if (last < 0) return;
    let k = 0;
    for (let q = 0; q < length; q++) {
      while (k < last && from[k + 1] < q) k++;
      const steps = (q - vertex[k]) * spacing;
      values[start + q * stride] = height[vertex[k]] + steps * steps;
    }
  }
}
