import type { Grid, LabelVolume, Vec3 } from "./volume.ts";

/** Two axes are one where their directions' cosine is at least this; checkSameGrid is the judge afterwards. */
const PARALLEL = 0.99;

/**
 * The labels with their axes exchanged and reversed so that they run as those of `grid`, as both affines say; every
 * voxel keeps its place in the world. Labels on an oblique or otherwise different grid come back as they are: this
 * resolves conventions (LPS or RAS storage), it resamples nothing. Whether the grids agree is for `checkSameGrid`.
 *
 * @returns the labels, and which axes of the labels were reversed or exchanged, e.g. "y"; "" where nothing was.
 */
export function turnedTo(grid: Grid, labels: LabelVolume): { readonly labels: LabelVolume; readonly turned: string } {
  const axes = [0, 1, 2].map((axis) => axisAlong(labels, direction(grid, axis)));
  const isPermutation = new Set(axes.map((found) => found?.axis)).size === 3 && !axes.includes(undefined);
  if (!isPermutation) return { labels, turned: "" };
  const from = axes as { axis: number; reversed: boolean }[];
  const turned = from
    .filter(({ axis, reversed }, to) => reversed || axis !== to)
    .map(({ axis }) => "xyz"[axis])
    .join("");
  if (turned === "") return { labels, turned };

  const [nx, ny] = labels.dims;
  const strides = [1, nx, nx * ny];
  const dims = from.map(({ axis }) => labels.dims[axis]) as unknown as Vec3;
  const first = from.reduce((sum, { axis, reversed }) => sum + (reversed ? (labels.dims[axis] - 1) * strides[axis] : 0), 0);
  const [stepX, stepY, stepZ] = from.map(({ axis, reversed }) => (reversed ? -strides[axis] : strides[axis]));
  const data = new Uint8Array(labels.data.length);
  let to = 0;
  for (let z = 0; z < dims[2]; z++) {
    for (let y = 0; y < dims[1]; y++) {
      let at = first + z * stepZ + y * stepY;
      for (let x = 0; x < dims[0]; x++, at += stepX) data[to++] = labels.data[at];
    }
  }
  const spacingMm = from.map(({ axis }) => labels.spacingMm[axis]) as unknown as Vec3;
  return { labels: { dims, spacingMm, affine: turnedAffine(labels, from), data }, turned };
}

function turnedAffine({ dims, affine }: Grid, from: readonly { axis: number; reversed: boolean }[]): number[] {
  return [0, 4, 8, 12].flatMap((row) => [
    ...from.map(({ axis, reversed }) => (reversed ? -affine[row + axis] : affine[row + axis])),
    from.reduce((sum, { axis, reversed }) => sum + (reversed ? affine[row + axis] * (dims[axis] - 1) : 0), affine[row + 3]),
  ]);
}

function axisAlong(grid: Grid, wanted: Vec3): { axis: number; reversed: boolean } | undefined {
  for (let axis = 0; axis < 3; axis++) {
    const own = direction(grid, axis);
    const cosine = own[0] * wanted[0] + own[1] * wanted[1] + own[2] * wanted[2];
    if (Math.abs(cosine) >= PARALLEL) return { axis, reversed: cosine < 0 };
  }
  return undefined;
}

function direction({ affine }: Grid, axis: number): Vec3 {
  const [x, y, z] = [affine[axis], affine[4 + axis], affine[8 + axis]];
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
