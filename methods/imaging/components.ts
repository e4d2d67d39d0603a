import type { Vec3 } from "./volume.ts";

/** Which voxels touch: 4 or 8 neighbours within each slice, or 6, 18 or 26 in the volume. */
export type Connectivity = 4 | 8 | 6 | 18 | 26;

export interface Components {
  /** 0 where the mask is 0, else 1 … n in the order of each component's first voxel; `[z, y, x]`. */
  readonly labels: Int32Array;
  /** Voxels of component n at `sizes[n − 1]`. */
  readonly sizes: readonly number[];
}

/** How many coordinates may change by one step, and whether z may be one of them. */
const REACH: Record<Connectivity, { axes: number; depth: number }> = {
  4: { axes: 1, depth: 0 },
  8: { axes: 2, depth: 0 },
  6: { axes: 1, depth: 1 },
  18: { axes: 2, depth: 1 },
  26: { axes: 3, depth: 1 },
};

/**
 * Connected components of the voxels where `mask` (`[z, y, x]`, size `dims` = x, y, z) is not 0.
 *
 * @throws RangeError where `mask` does not hold `dims` voxels.
 */
export function components(mask: Uint8Array, dims: Vec3, connectivity: Connectivity): Components {
  checkSize(mask, dims);
  const labels = new Int32Array(mask.length);
  const sizes: number[] = [];
  const flood = floodFill(mask, dims, connectivity, labels);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 0 && labels[i] === 0) sizes.push(flood(i, sizes.length + 1));
  }
  return { labels, sizes };
}

/** The component with the most voxels (of equal ones the first), as 0/1; all 0 where the mask is empty. */
export function largestComponent(mask: Uint8Array, dims: Vec3, connectivity: Connectivity): Uint8Array {
  const { labels, sizes } = components(mask, dims, connectivity);
  let largest = 0;
  for (let n = 1; n < sizes.length; n++) if (sizes[n] > sizes[largest]) largest = n;
  return where(labels, largest + 1);
}

/** The component that holds the voxel at `[x, y, z]`, as 0/1; all 0 where the mask is 0 there. */
export function componentAt(mask: Uint8Array, dims: Vec3, connectivity: Connectivity, [x, y, z]: Vec3): Uint8Array {
  checkSize(mask, dims);
  const [nx, ny, nz] = dims;
  const inside = [x, y, z].every(Number.isInteger) && x >= 0 && x < nx && y >= 0 && y < ny && z >= 0 && z < nz;
  if (!inside) throw new RangeError(`voxel (${x}, ${y}, ${z}) is outside ${nx} × ${ny} × ${nz}`);
  const labels = new Int32Array(mask.length);
  const seed = (z * ny + y) * nx + x;
  if (mask[seed] !== 0) floodFill(mask, dims, connectivity, labels)(seed, 1);
  return where(labels, 1);
}

function where(labels: Int32Array, label: number): Uint8Array {
  const component = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) if (labels[i] === label) component[i] = 1;
  return component;
}

function checkSize(mask: Uint8Array, [nx, ny, nz]: Vec3): void {
  if (mask.length !== nx * ny * nz) throw new RangeError(`mask holds ${mask.length} voxels, not ${nx} × ${ny} × ${nz}`);
}

/** A function that writes `label` on the component of a voxel and returns the component's size. */
function floodFill(
  mask: Uint8Array,
  [nx, ny, nz]: Vec3,
  connectivity: Connectivity,
  labels: Int32Array,
): (seed: number, label: number) => number {
  const { axes, depth } = REACH[connectivity];
  const steps: Vec3[] = [];
  for (let dz = -depth; dz <= depth; dz++) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const changed = Math.abs(dx) + Math.abs(dy) + Math.abs(dz);
        if (changed >= 1 && changed <= axes) steps.push([dx, dy, dz]);
      }
    }
  }
  const strides = Int32Array.from(steps, ([dx, dy, dz]) => (dz * ny + dy) * nx + dx);
  const stack: number[] = [];
  return (seed, label) => {
    let size = 0;
    labels[seed] = label;
    stack.push(seed);
    while (stack.length > 0) {
      const i = stack.pop() as number;
      size++;
      const x = i % nx;
      const y = ((i - x) / nx) % ny;
      const z = (i - x - y * nx) / (nx * ny);
      // Away from the edges no neighbour can lie outside.
      const interior = x > 0 && x < nx - 1 && y > 0 && y < ny - 1 && (depth === 0 || (z > 0 && z < nz - 1));
      for (let s = 0; s < strides.length; s++) {
        if (!interior) {
          const step = steps[s];
          const [a, b, c] = [x + step[0], y + step[1], z + step[2]];
          if (a < 0 || a >= nx || b < 0 || b >= ny || c < 0 || c >= nz) continue;
        }
        const neighbour = i + strides[s];
        if (mask[neighbour] === 0 || labels[neighbour] !== 0) continue;
        labels[neighbour] = label;
        stack.push(neighbour);
      }
    }
    return size;
  };
}
