import { distanceTo } from "../../imaging/distanceTransform.ts";
import type { Vec3 } from "../../imaging/volume.ts";
import { type Random, randomStream } from "../../random.ts";
import { type Field, randomField, sampleField } from "../phantom/field.ts";
import { blurInPlane } from "./gaussian.ts";

/** A lesion that is to be filled with HU, on the voxels of its patch. */
export interface Body {
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly label: Uint8Array;
  readonly longMm: number;
}

/** Structure inside a lesion, drawn once per lesion. */
const PATCHY = { share: 0.7, sdHu: [0, 22] } as const;
const GRAINY = { share: 0.3, sdHu: [0, 15] } as const;
const DARK_CORE = { share: 0.22, hu: [15, 60], fromDepth: [0.3, 0.6] } as const;
const BRIGHT_RIM = { share: 0.1, hu: [15, 60], toDepth: [0.15, 0.35] } as const;
const NOISE_GAIN = [0.8, 1.3] as const;
const NOISE_CORRELATION_PX = [0.3, 0.9] as const;
/** Depths, as parts of the greatest, over which core and rim set in. */
const TRANSITION = 0.15;
/** Standard deviation of the field's smoothing, lattice units. */
const FIELD_SIGMA = 1.08;
/** Share of aerated gaps in a lesion of the lung that has some. */
const GAPS_ABOVE_SD = 1.3;
const NORMALS = 1 << 16;

/** One field, one list of normal numbers: lesions read them at places of their own. */
const field: Field = randomField(randomStream(0, "texture of implanted lesions"));
const normals = ((): Float32Array => {
  const random = randomStream(0, "noise of implanted lesions");
  return Float32Array.from({ length: NORMALS }, () => random.normal());
})();

/**
 * HU of a lesion that differs from its mean, `[z, y, x]`: a slowly varying field (standard deviation of its smoothing: an
 * eighth of the long diameter), a fine one, a darker core (necrosis), a brighter rim, and noise.
 */
export function lesionHu(random: Random, body: Body, meanHu: number, noiseHu: number): Float32Array {
  const { dims, longMm, spacingMm } = body;
  const hu = noise(random, dims, noiseHu * random.between(NOISE_GAIN[0], NOISE_GAIN[1]));
  for (let i = 0; i < hu.length; i++) hu[i] += meanHu;
  if (random.uniform() < PATCHY.share) addField(hu, body, longMm / 8, random.between(PATCHY.sdHu[0], PATCHY.sdHu[1]), random);
  if (random.uniform() < GRAINY.share)
    addField(hu, body, longMm / 18 + 0.5 * spacingMm[0], random.between(GRAINY.sdHu[0], GRAINY.sdHu[1]), random);
  const core = random.uniform() < DARK_CORE.share;
  const rim = random.uniform() < BRIGHT_RIM.share;
  if (!core && !rim) return hu;
  const depth = depthOf(body);
  if (core) {
    const [darker, from] = [random.between(...DARK_CORE.hu), random.between(...DARK_CORE.fromDepth)];
    for (let i = 0; i < hu.length; i++) hu[i] -= darker * ramp(depth[i] - from);
  }
  if (rim) {
    const [brighter, to] = [random.between(...BRIGHT_RIM.hu), random.between(...BRIGHT_RIM.toDepth)];
    for (let i = 0; i < hu.length; i++) hu[i] += brighter * ramp(to - depth[i]);
  }
  return hu;
}

/** Where a lesion of the lung is aerated, 0 or 1, `[z, y, x]`. */
export function aeratedGaps(random: Random, { dims, spacingMm, longMm, label }: Body): Uint8Array {
  const values = new Float32Array(label.length);
  addField(values, { dims, spacingMm, longMm, label }, longMm / 12, 1, random);
  return Uint8Array.from(values, (value) => (value > GAPS_ABOVE_SD ? 1 : 0));
}

/** Adds the field, smoothed with `sigmaMm`, times `sdHu`. */
function addField(
  hu: Float32Array,
  { dims: [nx, ny, nz], spacingMm }: Body,
  sigmaMm: number,
  sdHu: number,
  random: Random,
): void {
  const perMm = FIELD_SIGMA / sigmaMm;
  const [ox, oy, oz] = [random.between(0, 32), random.between(0, 32), random.between(0, 32)];
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        hu[i] +=
          sdHu * sampleField(field, x * spacingMm[0] * perMm + ox, y * spacingMm[1] * perMm + oy, z * spacingMm[2] * perMm + oz);
      }
    }
  }
}

/** Noise of the given standard deviation, correlated within slices only. */
function noise(random: Random, dims: Vec3, sdHu: number): Float32Array {
  const values = new Float32Array(dims[0] * dims[1] * dims[2]);
  for (let i = 0; i < values.length; i++) values[i] = normals[random.integer(NORMALS)];
  blurInPlane(values, dims, random.between(NOISE_CORRELATION_PX[0], NOISE_CORRELATION_PX[1]), "repeated");
  let squares = 0;
  for (const value of values) squares += value * value;
  const gain = sdHu / Math.sqrt(squares / values.length);
  for (let i = 0; i < values.length; i++) values[i] *= gain;
  return values;
}

/** Distance from the lesion's surface as a part of the greatest one; 0 outside. */
function depthOf({ label, dims, spacingMm }: Body): Float64Array {
  const depth = distanceTo(
    label.map((value) => 1 - value),
    dims,
    spacingMm,
  );
  let deepest = 0;
  for (const value of depth) if (value > deepest) deepest = value;
  for (let i = 0; i < depth.length; i++) depth[i] /= deepest;
  return depth;
}

/** 0 below 0, 1 above the transition, linear between. */
function ramp(value: number): number {
  return Math.min(Math.max(value / TRANSITION, 0), 1);
}
