import { largestComponent } from "../../imaging/components.ts";
import { blurInPlane } from "../../imaging/gaussian.ts";
import type { Vec3 } from "../../imaging/volume.ts";
import type { Random } from "../../random.ts";
import { type Background, BODY, FORBIDDEN, type Tissue, tissues } from "./background.ts";
import type { Alpha } from "./partialVolume.ts";
import { grownInPlane, type Patch, patchOf, shrunkInPlane } from "./patch.ts";
import { weightedDraw } from "./weightedDraw.ts";

/** A lesion in its place, on the voxels of its patch. */
export interface Placed {
  readonly background: Background;
  readonly tissue: Tissue;
  readonly patch: Patch;
  /** Part of each voxel that the lesion fills, as the scanner blurs it; 0 outside the body and where it is forbidden. */
  readonly alpha: Float32Array;
  /** True mask: more than half of the voxel is lesion, before the scanner's blur. */
  readonly label: Uint8Array;
}

/** Shares of the tissues that lesions are put into. */
const TISSUE_SHARES: Readonly<Record<Tissue, number>> = { soft: 0.55, fat: 0.2, lung: 0.25 };
/** Part of the shape that must be left, and voxels. */
const MINIMAL_PART = 0.55;
const MINIMAL_VOXELS = 40;
/** Places that are tried before the shape is posed anew. */
const TRIES = 12;
const BONE_HU = 200;
const AIR_HU = -600;
/** Shares of the lesions out of which bone and air are cut; the others cover them. */
const CUTS_BONE = 0.6;
const CUTS_AIR = 0.7;
const BLUR_PX = [0.4, 1.1] as const;

/** A tissue by its share, among those that some background has, and a background that has it. */
export function drawTissue(random: Random, backgrounds: readonly Background[]): { tissue: Tissue; background: Background } {
  const present = tissues.filter((tissue) => backgrounds.some(({ places }) => places[tissue].length > 0));
  const tissue = weightedDraw(random, present, (name) => TISSUE_SHARES[name]);
  const having = backgrounds.filter(({ places }) => places[tissue].length > 0);
  return { tissue, background: having[random.integer(having.length)] };
}

/** Finds a place of the tissue for a lesion; undefined where every try was rejected. */
export function placed(
  random: Random,
  background: Background,
  tissue: Tissue,
  alpha: Alpha,
  cutsBoneAndAir: boolean,
): Placed | undefined {
  const places = background.places[tissue];
  const [nx, ny] = background.dims;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const at = places[random.integer(places.length)];
    const site: Vec3 = [
      (at % nx) + random.integer(4) - 2,
      (Math.floor(at / nx) % ny) + random.integer(4) - 2,
      Math.floor(at / (nx * ny)),
    ];
    const found = placedAt(random, background, tissue, alpha, site, cutsBoneAndAir);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The lesion with its middle voxel at `site`; undefined where too little of it is left, or it would reach what is forbidden. */
export function placedAt(
  random: Random,
  background: Background,
  tissue: Tissue,
  { dims, data }: Alpha,
  site: Vec3,
  cutsBoneAndAir: boolean,
): Placed | undefined {
  const start: Vec3 = [site[0] - (dims[0] - 1) / 2, site[1] - (dims[1] - 1) / 2, site[2] - (dims[2] - 1) / 2];
  const patch = patchOf(background, start, dims);
  const { hu, zone } = patch;
  let whole = 0;
  let left = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    if (zone[i] === FORBIDDEN) return undefined;
    if (data[i] <= 0.5) continue;
    whole++;
    if (zone[i] === BODY) left++;
  }
  const enough = (voxels: number): boolean => voxels >= MINIMAL_VOXELS && voxels >= MINIMAL_PART * whole;
  if (!enough(left)) return undefined;

  const alpha = data.slice();
  const cutsBone = cutsBoneAndAir && random.uniform() < CUTS_BONE;
  const cutsAir = cutsBoneAndAir && random.uniform() < CUTS_AIR && tissue !== "lung";
  const bone = cutsBone ? opened(hu, dims) : undefined;
  for (let i = 0; i < alpha.length; i++) {
    if (zone[i] !== BODY || bone?.[i] === 1 || (cutsAir && hu[i] < AIR_HU)) alpha[i] = 0;
  }
  const solid = new Uint8Array(alpha.length);
  for (let i = 0; i < alpha.length; i++) if (alpha[i] > 0.5) solid[i] = 1;
  const label = largestComponent(solid, dims, 26);
  if (!enough(label.reduce((sum, value) => sum + value, 0))) return undefined;
  keepAround(label, alpha, dims);
  blurInPlane(alpha, dims, random.between(BLUR_PX[0], BLUR_PX[1]), "zero");
  for (let i = 0; i < alpha.length; i++) if (zone[i] !== BODY) alpha[i] = 0;
  return { background, tissue, patch, alpha, label };
}

/** Bone without specks: an opening by 3 × 3 pixels. */
function opened(hu: Int16Array, dims: Vec3): Uint8Array {
  const dense = new Uint8Array(hu.length);
  for (let i = 0; i < hu.length; i++) if (hu[i] > BONE_HU) dense[i] = 1;
  return grownInPlane(shrunkInPlane(dense, dims, 1), dims, 1);
}

/** Takes away what belongs to parts of the shape that were cut off: all that is not near the label, slices above and below included. */
function keepAround(label: Uint8Array, alpha: Float32Array, dims: Vec3): void {
  const near = grownInPlane(label, dims, 2);
  const n = dims[0] * dims[1];
  for (let i = 0; i < alpha.length; i++) {
    if (near[i] !== 1 && near[i - n] !== 1 && near[i + n] !== 1) alpha[i] = 0;
  }
}
