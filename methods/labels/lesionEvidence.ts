import { blurInPlane } from "../imaging/gaussian.ts";
import { huBins, huDensity, logRatios } from "./huLikelihood.ts";
import type { MarkedRegion } from "./markedRegion.ts";
import { OUTERMOST_RADIUS, probabilityOffSlice, probabilityOnSlice, REACH_WEIGHTS, REACHES } from "./shapePrior.ts";

/** HU are smoothed by a Gaussian of this standard deviation before they are compared with the classes' densities. */
const SMOOTHING_PX = 0.7;
/** Neighbours up to this radius set the contrast. */
const CONTRAST_RADIUS = 1.5;
/** Pixels up to this radius tell how far the lesion reaches in z. */
const REACH_RADIUS = 1.3;
/** Priors that depend on the radius only are tabulated at steps of this size. */
const RADIUS_STEP = 1 / 128;

export interface EvidenceWeights {
  /** λ: weight of the HU likelihood against the shape prior; neighbouring pixels say the same, so less than 1. */
  readonly likelihood: number;
  /** How many independent observations the voxels of an ellipsoid on the marks are worth when a reach is judged. */
  readonly observations: number;
  /** Share of a slice's own surroundings in what its HU are compared with; the rest is all slices' surroundings. */
  readonly ownSurroundings: number;
}

/**
 * The log odds of lesion of every voxel of a region: those of the shape prior plus λ times those of its HU.
 *
 * Where a network was asked, its log odds are added, and taken for as much as HU when the reach is judged.
 *
 * The densities of HU inside and around the lesion weigh every voxel by its probability so far. The lesion's reach in
 * z, above and below, is hidden: each candidate counts by its prior weight times the likelihood of the picture under
 * it, and the prior is the mean over the candidates.
 *
 * @returns log odds `[z, y, x]`, −∞ beyond the outermost radius, and the contrast for `minimumCut`.
 */
export function lesionEvidence(
  region: MarkedRegion,
  weights: EvidenceWeights,
): { readonly logOdds: Float32Array; readonly contrast: number } {
  const { dims, radius, keySlice } = region;
  const area = dims[0] * dims[1];
  const bins = huBins(smoothed(region), region.window);
  const onSlice = radius.map((r) => (r < OUTERMOST_RADIUS ? probabilityOnSlice(r) : 0));
  const ring = onSlice.map((p, i) => (radius[i] < OUTERMOST_RADIUS ? 1 - p : 0));

  const keyBins = bins.subarray(keySlice * area, (keySlice + 1) * area);
  const surroundings = huDensity(keyBins, ring);
  const first = logRatios(huDensity(keyBins, onSlice), surroundings);
  const likely = onSlice.map((p, i) => 1 / (1 + Math.exp(-logit(p) - weights.likelihood * first[keyBins[i]])));
  const lesion = huDensity(keyBins, likely);
  const others = huDensity(
    keyBins,
    likely.map((p, i) => (radius[i] < OUTERMOST_RADIUS ? 1 - p : 0)),
  );
  const own = weights.ownSurroundings;
  const ratios = Array.from({ length: dims[2] }, (_, z) => {
    if (z === keySlice || own === 0) return logRatios(lesion, others);
    const around = huDensity(bins.subarray(z * area, (z + 1) * area), ring);
    return logRatios(
      lesion,
      around.map((q, bin) => own * q + (1 - own) * others[bin]),
    );
  });

  const prior = dims[2] === 1 ? onSlice : priorOfSlices(region, bins, ratios, weights.observations);
  const logOdds = new Float32Array(prior.length);
  for (let z = 0, i = 0; z < dims[2]; z++) {
    for (let p = 0; p < area; p++, i++) {
      logOdds[i] =
        radius[p] < OUTERMOST_RADIUS
          ? logit(prior[i]) + weights.likelihood * ratios[z][bins[i]] + (region.networkLogOdds?.[i] ?? 0)
          : Number.NEGATIVE_INFINITY;
    }
  }
  return { logOdds, contrast: meanSquaredStep(region) };
}

function smoothed({ hu, dims }: MarkedRegion): Float32Array {
  const smooth = hu.slice();
  blurInPlane(smooth, dims, SMOOTHING_PX, "repeated");
  return smooth;
}

/** Mean squared difference in HU of neighbours in the slice, around the marks. */
function meanSquaredStep({ hu, dims, radius }: MarkedRegion): number {
  const [nx, ny, nz] = dims;
  let [sum, pairs] = [0, 0];
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        if (radius[y * nx + x] > CONTRAST_RADIUS) continue;
        if (x + 1 < nx) sum += (hu[i] - hu[i + 1]) ** 2;
        if (y + 1 < ny) sum += (hu[i] - hu[i + nx]) ** 2;
        pairs += (x + 1 < nx ? 1 : 0) + (y + 1 < ny ? 1 : 0);
      }
    }
  }
  return pairs === 0 ? 0 : sum / pairs;
}

const logit = (p: number): number => Math.log((p + 1e-6) / (1 - p + 1e-6));

/** The prior `[z, y, x]`, with the reach on either side averaged over its candidates. */
function priorOfSlices(
  region: MarkedRegion,
  bins: Uint8Array,
  ratios: readonly Float64Array[],
  observations: number,
): Float32Array {
  const { dims, radius, height, keySlice } = region;
  const area = dims[0] * dims[1];
  const steps = radius.map((r) => Math.round(Math.min(r, OUTERMOST_RADIUS) / RADIUS_STEP));
  const prior = new Float32Array(area * dims[2]);
  for (let p = 0; p < area; p++) prior[keySlice * area + p] = probabilityOnSlice(radius[p]);
  for (const side of [-1, 1]) {
    const slices = Array.from({ length: dims[2] }, (_, z) => z).filter((z) => Math.sign(z - keySlice) === side);
    const candidates = slices.map((z) => REACHES.map((reach) => probabilitiesAt(height[z] / reach)));
    const weights = reachWeights(region, slices, candidates, steps, bins, ratios, observations);
    for (const [s, z] of slices.entries()) {
      const mean = candidates[s][0].map((_, step) =>
        weights.reduce((sum, weight, j) => sum + weight * candidates[s][j][step], 0),
      );
      for (let p = 0; p < area; p++) prior[z * area + p] = mean[steps[p]];
    }
  }
  return prior;
}

/** P(lesion) at all radii on a slice that far from the RECIST slice, in half axes along z. */
function probabilitiesAt(rise: number): Float64Array {
  return Float64Array.from({ length: Math.round(OUTERMOST_RADIUS / RADIUS_STEP) + 1 }, (_, step) =>
    probabilityOffSlice(Math.hypot(step * RADIUS_STEP, rise)),
  );
}

/** How likely each reach is on one side, given the picture there; sums to 1. */
function reachWeights(
  { dims, spacingMm, radius, longMm, networkLogOdds }: MarkedRegion,
  slices: readonly number[],
  candidates: readonly (readonly Float64Array[])[],
  steps: Float32Array,
  bins: Uint8Array,
  ratios: readonly Float64Array[],
  observations: number,
): number[] {
  const area = dims[0] * dims[1];
  const worth = (observations * spacingMm[0] * spacingMm[1] * spacingMm[2]) / ((Math.PI / 6) * longMm ** 3);
  const scores = REACHES.map((_, j) => {
    let score = 0;
    for (const [s, z] of slices.entries()) {
      const odds = ratios[z].map(Math.exp);
      const inside = candidates[s][j];
      for (let p = 0; p < area; p++) {
        if (radius[p] > REACH_RADIUS) continue;
        const i = z * area + p;
        const share = inside[steps[p]];
        const network = networkLogOdds === undefined ? 1 : Math.exp(networkLogOdds[i]);
        score += Math.log(share * odds[bins[i]] * network + 1 - share);
      }
    }
    return Math.log(REACH_WEIGHTS[j]) + worth * score;
  });
  const best = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - best));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
