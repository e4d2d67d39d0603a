import type { Vec3 } from "../imaging/volume.ts";
import { LatticeFlow } from "./maxflow.ts";

const IN_PLANE: readonly Vec3[] = [
  [1, 0, 0],
  [-1, 0, 0],
  [0, 1, 0],
  [0, -1, 0],
  [1, 1, 0],
  [-1, -1, 0],
  [1, -1, 0],
  [-1, 1, 0],
];
const ACROSS: readonly Vec3[] = [...IN_PLANE, [0, 0, 1], [0, 0, -1]];

/** A binary labelling problem on a lattice; arrays `[z, y, x]`. */
export interface CutProblem {
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  /** HU, which sets where a boundary is cheap. */
  readonly hu: Float32Array;
  /** Log odds of lesion of every voxel: what it costs to call it background, if positive; −∞ binds it to background. */
  readonly logOdds: Float32Array;
  /** Mean squared difference in HU of in-plane neighbours, at which a boundary costs e^−½ of its full price. */
  readonly contrast: number;
  /** γ: price of a boundary between two in-plane neighbours of equal HU. */
  readonly smoothness: number;
}

/** More than the sum of a voxel's edges can be. */
const BINDING = 1e6;
const flows = { slice: new LatticeFlow(IN_PLANE), volume: new LatticeFlow(ACROSS) };

/**
 * The mask a that minimises
 *
 *   E(a) = −Σ_p a_p · logOdds_p + γ Σ_{pq neighbours, a_p ≠ a_q} exp(−(I_p − I_q)² / 2 contrast) · s / |p − q|
 *
 * exactly, by one minimum cut (Boykov and Jolly 2001): eight neighbours in the slice, two across slices, |p − q| in mm
 * and s the in-plane spacing, so that a step across thick slices costs little and the mask does not depend on how a
 * volume is oriented or sampled through the plane. Of several minima the smallest mask.
 *
 * @returns 0/1 `[z, y, x]`.
 */
export function minimumCut({ dims, spacingMm, hu, logOdds, contrast, smoothness }: CutProblem): Uint8Array {
  const [nx, ny, nz] = dims;
  const [sx, sy, sz] = spacingMm;
  const offsets = nz === 1 ? IN_PLANE : ACROSS;
  const flow = nz === 1 ? flows.slice : flows.volume;
  flow.reset(dims);
  const spacing = Math.sqrt(sx * sy);
  const prices = offsets.map(([dx, dy, dz]) => (smoothness * spacing) / Math.hypot(dx * sx, dy * sy, dz * sz));
  const steepness = contrast > 0 ? 1 / (2 * contrast) : 0;
  const { capacity, terminal, directions } = flow;
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const vertex = flow.vertex(x, y, z);
        terminal[vertex] = Math.min(Math.max(logOdds[i], -BINDING), BINDING);
        for (let d = 0; d < directions; d++) {
          const [dx, dy, dz] = offsets[d];
          const [u, v, w] = [x + dx, y + dy, z + dz];
          if (u < 0 || u >= nx || v < 0 || v >= ny || w < 0 || w >= nz) continue;
          const step = hu[i] - hu[(w * ny + v) * nx + u];
          capacity[vertex * directions + d] = prices[d] * Math.exp(-step * step * steepness);
        }
      }
    }
  }
  flow.solve();
  const mask = new Uint8Array(nx * ny * nz);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) if (flow.inSourceTree(flow.vertex(x, y, z))) mask[i] = 1;
    }
  }
  return mask;
}
