import { distanceTo } from "../../imaging/distanceTransform.ts";
import { blurInPlane } from "../../imaging/gaussian.ts";
import type { Vec3 } from "../../imaging/volume.ts";
import { type Random, randomStream } from "../../random.ts";
import { type Field, randomField, sampleField } from "../phantom/field.ts";

/** A lesion that is to be filled with HU, on the voxels of its patch. */
export interface Body {
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly label: Uint8Array;
  readonly longMm: number;
  /** The CT that it covers, HU. */
  readonly covered: Int16Array;
}

/** Structure inside a lesion, drawn once per lesion. */
const PATCHY = { share: 0.7, sdHu: [0, 16] } as const;
const GRAINY = { share: 0.3, sdHu: [0, 10] } as const;
const DARK_CORE = { share: 0.22, hu: [15, 60], fromDepth: [0.3, 0.6] } as const;
const BRIGHT_RIM = { share: 0.1, hu: [15, 60], toDepth: [0.15, 0.35] } as const;
const NOISE_GAIN = [0.8, 1.3] as const;
const NOISE_CORRELATION_PX = [0.4, 0.9] as const;
/** Share of the lesions that keep the grain of the CT that they cover, and what of it is grain. */
const KEPT_GRAIN = { share: 0.4, highPassPx: 2.5, clipSd: 3 } as const;
/** Depths, as parts of the greatest, over which core and rim set in. */
const TRANSITION = 0.15;
/** Standard deviation of the field's smoothing, lattice units. */
const FIELD_SIGMA = 1.08;
/** Aerated gaps in a lesion of the lung: between these values of the field solid turns to air, a tenth of it in all. */
const GAPS_SD = [1, 1.6] as const;
const NORMALS = 1 << 16;

/** One field and one list of normal numbers for all lesions, which read them at places of their own; made on first use. */
let drawn: { readonly field: Field; readonly normals: Float32Array } | undefined;

/**
 * HU of a lesion that differs from its mean, `[z, y, x]`: a slowly varying field (standard deviation of its smoothing: an
 * eighth of the long diameter), a fine one, a darker core (necrosis), a brighter rim, and noise: drawn, or (outside the
 * lung, whose vessels are no grain) that of the CT itself.
 */
export function lesionHu(random: Random, body: Body, meanHu: number, noiseHu: number, inLung: boolean): Float32Array {
  const { dims, longMm, spacingMm } = body;
  const keepsGrain = random.uniform() < KEPT_GRAIN.share && !inLung;
  const hu = keepsGrain ? grainOf(body, noiseHu) : noise(random, dims, noiseHu * random.between(...NOISE_GAIN));
  for (let i = 0; i < hu.length; i++) hu[i] += meanHu;
  if (random.uniform() < PATCHY.share) addField(hu, body, longMm / 8, random.between(...PATCHY.sdHu), random);
  if (random.uniform() < GRAINY.share)
    addField(hu, body, longMm / 18 + 0.5 * spacingMm[0], random.between(...GRAINY.sdHu), random);
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

/** How far a lesion of the lung is aerated, 0 to 1, `[z, y, x]`. */
export function aeratedGaps(random: Random, body: Body): Float32Array {
  const gaps = new Float32Array(body.label.length);
  addField(gaps, body, body.longMm / 12, 1, random);
  return gaps.map((value) => Math.min(Math.max((value - GAPS_SD[0]) / (GAPS_SD[1] - GAPS_SD[0]), 0), 1));
}

/** Adds the field, smoothed with `sigmaMm`, times `sdHu`. */
function addField(
  hu: Float32Array,
  { dims: [nx, ny, nz], spacingMm }: Body,
  sigmaMm: number,
  sdHu: number,
  random: Random,
): void {
  const { field } = fieldAndNormals();
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
  const { normals } = fieldAndNormals();
  const values = new Float32Array(dims[0] * dims[1] * dims[2]);
  for (let i = 0; i < values.length; i++) values[i] = normals[random.integer(NORMALS)];
  blurInPlane(values, dims, random.between(...NOISE_CORRELATION_PX), "repeated");
  let squares = 0;
  for (const value of values) squares += value * value;
  const gain = sdHu / Math.sqrt(squares / values.length);
  for (let i = 0; i < values.length; i++) values[i] *= gain;
  return values;
}

/** What of the covered CT varies fast and little; the more a difference exceeds the noise, the less of it is left. */
function grainOf({ covered, dims }: Body, noiseHu: number): Float32Array {
  const smooth = Float32Array.from(covered);
  blurInPlane(smooth, dims, KEPT_GRAIN.highPassPx, "repeated");
  for (let i = 0; i < smooth.length; i++) {
    const grain = covered[i] - smooth[i];
    smooth[i] = grain / (1 + (grain / (KEPT_GRAIN.clipSd * noiseHu)) ** 4);
  }
  return smooth;
}

function fieldAndNormals(): { readonly field: Field; readonly normals: Float32Array } {
  if (drawn === undefined) {
    const random = randomStream(0, "noise of implanted lesions");
    drawn = {
      field: randomField(randomStream(0, "texture of implanted lesions")),
      normals: Float32Array.from({ length: NORMALS }, () => random.normal()),
    };
  }
  return drawn;
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
