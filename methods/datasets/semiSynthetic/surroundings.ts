import { blurInPlane } from "../../imaging/gaussian.ts";
import type { Vec3 } from "../../imaging/volume.ts";
import { BODY } from "./background.ts";
import { grownInPlane, type Patch } from "./patch.ts";

/** What a reader sees around a lesion: a ring as wide as 0.15 long diameters, a pixel away from it. */
export interface Surroundings {
  readonly medianHu: number;
  /** Median of the voxels between −30 and 200 HU; undefined where there are hardly any. */
  readonly softTissueHu?: number;
  /** Standard deviation of the noise. */
  readonly noiseHu: number;
}

const RING_IN_DIAMETERS = 0.15;
const SOFT_HU = [-30, 200] as const;
/** Fewer voxels have no median worth the name. */
const MINIMAL_VOXELS = 10;
/** What a Gaussian of this width leaves over is noise. */
const HIGH_PASS_PX = 1.5;
const NOISE_HU = [2, 30] as const;

/** @param label the lesion on the patch's voxels; @param slice z in the patch where noise is measured. */
export function surroundingsOf({ dims, hu, zone }: Patch, label: Uint8Array, longPx: number, slice: number): Surroundings {
  const ring = grownInPlane(label, dims, Math.max(3, Math.round(RING_IN_DIAMETERS * longPx)));
  const inner = grownInPlane(label, dims, 1);
  const all: number[] = [];
  const soft: number[] = [];
  for (let i = 0; i < hu.length; i++) {
    if (ring[i] === 0 || inner[i] === 1 || zone[i] !== BODY) continue;
    all.push(hu[i]);
    if (hu[i] > SOFT_HU[0] && hu[i] < SOFT_HU[1]) soft.push(hu[i]);
  }
  for (let i = 0; i < ring.length; i++) if (inner[i] === 1) ring[i] = 0;
  return {
    medianHu: all.length > 0 ? median(all) : 0,
    softTissueHu: soft.length >= MINIMAL_VOXELS ? median(soft) : undefined,
    noiseHu: noiseOf(hu, zone, ring, dims, slice),
  };
}

/**
 * 1.48 × the median absolute value of the high-pass in the flatter half of the ring: what noise would have to be there,
 * edges and vessels outvoted.
 */
function noiseOf(hu: Int16Array, zone: Uint8Array, ring: Uint8Array, [nx, ny]: Vec3, slice: number): number {
  const from = slice * nx * ny;
  const smooth = Float32Array.from(hu.subarray(from, from + nx * ny));
  blurInPlane(smooth, [nx, ny, 1], HIGH_PASS_PX, "repeated");
  const pixels: number[] = [];
  for (let y = 1; y < ny - 1; y++) {
    for (let p = y * nx + 1; p < (y + 1) * nx - 1; p++) if (ring[from + p] === 1 && zone[from + p] === BODY) pixels.push(p);
  }
  if (pixels.length === 0) return NOISE_HU[0];
  const slopes = pixels.map((p) => Math.hypot(smooth[p + 1] - smooth[p - 1], smooth[p + nx] - smooth[p - nx]));
  const steep = median(slopes);
  const high = pixels.filter((_, i) => slopes[i] <= steep).map((p) => Math.abs(hu[from + p] - smooth[p]));
  return Math.min(Math.max(1.48 * median(high), NOISE_HU[0]), NOISE_HU[1]);
}

function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
