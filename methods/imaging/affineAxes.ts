import type { Vec3 } from "./volume.ts";

/** The largest cosine between two of an affine's axes. */
export function leanOf(affine: readonly number[]): number {
  return largestOfPairs(affine, (a, b) => Math.abs(dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b)));
}

/** How far, in voxels, the last layer of voxels along an axis is displaced along another one, at most. */
export function sidewaysVoxels(affine: readonly number[], dims: Vec3): number {
  return largestOfPairs(affine, (a, b, axis) => (Math.abs(dot(a, b)) / dot(b, b)) * (dims[axis] - 1));
}

/** Over all ordered pairs of two axes; `axis` is the number of the first. */
function largestOfPairs(affine: readonly number[], of: (a: Vec3, b: Vec3, axis: number) => number): number {
  const axes = [0, 1, 2].map((column): Vec3 => [affine[column], affine[4 + column], affine[8 + column]]);
  return Math.max(...axes.flatMap((a, axis) => axes.filter((b) => b !== a).map((b) => of(a, b, axis))));
}

function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
