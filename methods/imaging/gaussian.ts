import type { Vec3 } from "./volume.ts";

/** What lies beyond the edge: nothing, or the voxel at the edge again. */
type Beyond = "zero" | "repeated";

/**
 * Gaussian along one axis (0 = x, 1 = y, 2 = z) of `[z, y, x]` data, in place; cut off at three standard deviations and
 * normalised, so that sums are kept where nothing but zero lies beyond the edge.
 */
export function blurAlong(data: Float32Array, dims: Vec3, axis: 0 | 1 | 2, sigmaVoxels: number, beyond: Beyond): void {
  const length = dims[axis];
  const radius = Math.ceil(3 * sigmaVoxels);
  if (radius === 0 || length === 1) return;
  const weights = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-0.5 * (i / sigmaVoxels) ** 2));
  const total = weights.reduce((sum, weight) => sum + 2 * weight, -weights[0]);
  for (let i = 0; i <= radius; i++) weights[i] /= total;
  const [nx, ny] = dims;
  const stride = axis === 0 ? 1 : axis === 1 ? nx : nx * ny;
  const line = new Float32Array(length + 2 * radius);
  for (let first = 0; first < data.length; first = nextLine(first, stride, length)) {
    for (let i = 0; i < length; i++) line[radius + i] = data[first + i * stride];
    if (beyond === "repeated") {
      line.fill(line[radius], 0, radius);
      line.fill(line[radius + length - 1], radius + length);
    }
    for (let i = 0; i < length; i++) {
      const centre = i + radius;
      let sum = weights[0] * line[centre];
      for (let r = 1; r <= radius; r++) sum += weights[r] * (line[centre - r] + line[centre + r]);
      data[first + i * stride] = sum;
    }
  }
}

/** Where the next line along an axis begins: beside this one, or after all of these. */
function nextLine(first: number, stride: number, length: number): number {
  return (first + 1) % stride === 0 ? first + 1 + stride * (length - 1) : first + 1;
}

/** Gaussian within every slice of `[z, y, x]` data, in place. */
export function blurInPlane(data: Float32Array, dims: Vec3, sigmaPx: number, beyond: Beyond): void {
  blurAlong(data, dims, 0, sigmaPx, beyond);
  blurAlong(data, dims, 1, sigmaPx, beyond);
}
