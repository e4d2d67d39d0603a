import type { Box, Grid, Mask, Slice, Vec3, Volume } from "./volume.ts";

/**
 * The voxels from `start` up to but not including `end` (x, y, z), with the affine moved so that every voxel stays
 * where it was in the world.
 *
 * @throws RangeError where the range is empty or leaves the volume.
 */
export function cropVolume<V extends Volume | Mask>(volume: V, start: Vec3, end: Vec3): V {
  const { dims, data } = volume;
  for (let axis = 0; axis < 3; axis++) checkRange(start[axis], end[axis], dims[axis], "xyz"[axis]);
  const [width, height, depth] = [end[0] - start[0], end[1] - start[1], end[2] - start[2]];
  const cropped = new (data.constructor as new (length: number) => V["data"])(width * height * depth);
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const from = ((start[2] + z) * dims[1] + start[1] + y) * dims[0] + start[0];
      cropped.set(data.subarray(from, from + width), (z * height + y) * width);
    }
  }
  const grid: Grid = { dims: [width, height, depth], spacingMm: volume.spacingMm, affine: movedAffine(volume.affine, start) };
  return { ...grid, data: cropped } as V;
}

/** The pixels of `box`. @throws RangeError where the box is empty or leaves the slice. */
export function cropSlice<A extends Uint8Array | Int16Array | Float32Array>(
  { data, width, height }: Slice<A>,
  box: Box,
): Slice<A> {
  checkRange(box.x0, box.x1, width, "x");
  checkRange(box.y0, box.y1, height, "y");
  const [w, h] = [box.x1 - box.x0, box.y1 - box.y0];
  const cropped = new (data.constructor as new (length: number) => A)(w * h);
  for (let y = 0; y < h; y++) {
    const from = (box.y0 + y) * width + box.x0;
    cropped.set(data.subarray(from, from + w), y * w);
  }
  return { data: cropped, width: w, height: h };
}

function movedAffine(affine: readonly number[], [x, y, z]: Vec3): number[] {
  const moved = [...affine];
  for (const row of [0, 4, 8]) moved[row + 3] += affine[row] * x + affine[row + 1] * y + affine[row + 2] * z;
  return moved;
}

function checkRange(start: number, end: number, size: number, axis: string): void {
  const inside = Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= size;
  if (!inside) throw new RangeError(`${axis} from ${start} to ${end} is not a range of 0 … ${size}`);
}
