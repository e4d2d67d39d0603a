import { componentAt, largestComponent } from "../imaging/components.ts";
import type { HuWindow, Mask, Slice, Vec3, Volume } from "../imaging/volume.ts";
import type { HuSlice } from "./initial.ts";
import { type EvidenceWeights, lesionEvidence } from "./lesionEvidence.ts";
import { coarsened, type MarkedRegion, refined, regionAround, withNetwork } from "./markedRegion.ts";
import { minimumCut } from "./priorEnergy.ts";
import { type Diameters, intersection, type RecistMarks } from "./recist.ts";
import { OUTERMOST_RADIUS, REACHES } from "./shapePrior.ts";
import type { LabelMap } from "./trimap.ts";

/** `prior-cut`: the minimum cut; `collapsed`: it left no lesion. */
export type PriorCutOutcome = "prior-cut" | "collapsed";

export interface PriorCutOptions extends Partial<EvidenceWeights> {
  /** γ: price of a boundary between equal neighbours, in the units of log odds. */
  readonly smoothness?: number;
}

export interface VolumeCutOptions extends PriorCutOptions {
  /** Ŷ of a network on whole slices, by slice: a third witness beside prior and HU. */
  readonly network?: ReadonlyMap<number, Slice<Float32Array>>;
}

/**
 * Chosen by cross validation on real lesions: `npx tsx bench/priorParameters.ts`. In 3D fewer observations
 * than these are better still on those lesions. Pixels of a volume's
 * coarser grid are more independent of each other than a slice's own, so their HU count for more.
 */
export const SLICE_CUT = { likelihood: 0.5, smoothness: 0.25 } as const satisfies PriorCutOptions;
export const VOLUME_CUT = {
  likelihood: 0.75,
  smoothness: 0.5,
  observations: 5,
  ownSurroundings: 0.75,
} as const satisfies PriorCutOptions;

/** A network is taken to be wrong in at least this share of the pixels that it is surest of. */
const NETWORK_ERROR = 0.02;

/** A volume is cut on a grid on which the long axis has about this many pixels. */
const LONG_AXIS_PIXELS = 32;

/**
 * The lesion on the RECIST slice by one minimum cut: a shape prior of the marks learnt from real lesions
 * (`shapePrior.ts`), the likelihood of HU inside and around them, and a boundary that is cheap where HU changes. The
 * paper's GrabCut-R with its trimap replaced by probabilities.
 *
 * @param image the slice in HU, whole or cropped.
 * @param diameters the marks in the slice's pixels.
 * @param window HU beyond it count as its ends.
 * @returns labels of the slice's size, 0 or 1: the part of the cut that holds the marks' intersection, else its largest.
 * @throws RangeError where the marks lie off the slice.
 */
export function priorCut(
  image: HuSlice,
  diameters: Diameters,
  spacingMm: Vec3,
  window: HuWindow,
  options: PriorCutOptions = {},
): { readonly labels: LabelMap; readonly outcome: PriorCutOutcome } {
  const { width, height, data } = image;
  const dims: Vec3 = [width, height, 1];
  const region = regionAround({ data, dims, spacingMm }, { ...diameters, slice: 0 }, window, OUTERMOST_RADIUS, 0);
  const mask = markedPart(cutOf(region, { ...SLICE_CUT, ...options }), dims, region, diameters);
  return { labels: { data: mask, width, height }, outcome: mask.includes(1) ? "prior-cut" : "collapsed" };
}

/**
 * The lesion in the volume by one minimum cut over its slices, with the prior of `priorCut` carried beyond the RECIST
 * slice by half ellipsoids whose extent in z, above and below, is judged from the picture.
 *
 * @param marks validated, on the volume's grid.
 * @returns the mask on the volume's grid, connected.
 * @throws RangeError where the marks lie off the volume.
 */
export function priorCutVolume(
  volume: Volume,
  marks: RecistMarks,
  window: HuWindow,
  { network, ...options }: VolumeCutOptions = {},
): { readonly mask: Mask; readonly outcome: PriorCutOutcome } {
  const { dims, spacingMm, affine } = volume;
  const marked = regionAround(volume, marks, window, OUTERMOST_RADIUS, REACHES[REACHES.length - 1]);
  const region = network === undefined ? marked : withNetwork(marked, network, 1 - NETWORK_ERROR);
  const longPx = region.longMm / Math.sqrt(spacingMm[0] * spacingMm[1]);
  const factor = Math.max(1, Math.floor(longPx / LONG_AXIS_PIXELS));
  const cut = factor === 1 ? cutOf(region, options) : refined(cutOf(coarsened(region, factor), options), region.dims, factor);
  const data = markedPart(cut, dims, region, marks);
  return { mask: { dims, spacingMm, affine, data }, outcome: data.includes(1) ? "prior-cut" : "collapsed" };
}

function cutOf(region: MarkedRegion, options: PriorCutOptions): Uint8Array {
  const parameters = { ...VOLUME_CUT, ...options };
  return minimumCut({ ...region, ...lesionEvidence(region, parameters), smoothness: parameters.smoothness });
}

/** The cut on the image's grid: what hangs together with the marks' intersection, else the largest part. */
function markedPart(cut: Uint8Array, dims: Vec3, region: MarkedRegion, diameters: Diameters): Uint8Array {
  const [nx, ny, nz] = region.dims;
  const connectivity = nz === 1 ? 8 : 26;
  const centre = intersection(diameters).map(Math.round);
  const seed: Vec3 = [centre[0] - region.start[0], centre[1] - region.start[1], region.keySlice];
  const inside = seed[0] >= 0 && seed[0] < nx && seed[1] >= 0 && seed[1] < ny;
  const holds = inside && cut[(seed[2] * ny + seed[1]) * nx + seed[0]] === 1;
  const part = holds ? componentAt(cut, region.dims, connectivity, seed) : largestComponent(cut, region.dims, connectivity);
  const [width, height, depth] = dims;
  const mask = new Uint8Array(width * height * depth);
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const row = (z * ny + y) * nx;
      const to = ((region.start[2] + z) * height + region.start[1] + y) * width + region.start[0];
      mask.set(part.subarray(row, row + nx), to);
    }
  }
  return mask;
}
