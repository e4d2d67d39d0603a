import { blurInPlane } from "../datasets/semiSynthetic/gaussian.ts";
import { huBins, logLikelihoodRatios } from "./huLikelihood.ts";
import type { MarkedRegion } from "./markedRegion.ts";
import { OUTERMOST_RADIUS, probabilityOffSlice, probabilityOnSlice, REACH_WEIGHTS, REACHES } from "./shapePrior.ts";

/** HU are smoothed by a Gaussian of this standard deviation before they are compared with the classes' densities. */
const SMOOTHING_PX = 0.7;
/** Neighbours up to this radius set the contrast. */
const CONTRAST_RADIUS = 1.5;
/** Pixels up to this radius tell how far the lesion reaches in z. */
const REACH_RADIUS = 1.3;

/**
 * The log odds of lesion of every voxel of a region: those of the shape prior plus λ times those of its HU.
 *
 * The densities of HU inside and around the lesion weigh every voxel by its probability so far. The lesion's reach in
 * z, above and below, is hidden: each candidate counts by its prior weight times the likelihood of the picture under
 * it, and the prior is the mean over the candidates.
 *
 * @param likelihood λ.
 * @param observations how many independent observations all voxels of an ellipsoid on the marks are taken for.
 * @returns log odds `[z, y, x]`, −∞ beyond the outermost radius, and the contrast for `minimumCut`.
 */
export function lesionEvidence(
  region: MarkedRegion,
  likelihood: number,
  observations: number,
): { readonly logOdds: Float32Array; readonly contrast: number } {
  const [nx, ny, nz] = region.dims;
  const area = nx * ny;
  const bins = huBins(smoothed(region), region.window);
  const prior = new Float32Array(area * nz);
  const onSlice = prior.subarray(region.keySlice * area, (region.keySlice + 1) * area);
  for (let p = 0; p < area; p++) onSlice[p] = probabilityOnSlice(region.radius[p]);

  const keyBins = bins.subarray(region.keySlice * area, (region.keySlice + 1) * area);
  let ratios = ratiosOf(region, keyBins, onSlice);
  ratios = ratiosOf(region, keyBins, posterior(onSlice, keyBins, ratios, likelihood));
  if (nz > 1) {
    fillOffSlice(region, prior, bins, ratios, observations);
    ratios = ratiosOf(region, bins, posterior(prior, bins, ratios, likelihood));
  }
  const logOdds = prior.map((p, i) =>
    region.radius[i % area] >= OUTERMOST_RADIUS ? Number.NEGATIVE_INFINITY : logit(p) + likelihood * ratios[bins[i]],
  );
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

function posterior(prior: Float32Array, bins: Uint8Array, ratios: Float64Array, likelihood: number): Float32Array {
  return prior.map((p, i) => 1 / (1 + Math.exp(-logit(p) - likelihood * ratios[bins[i]])));
}

/** The log likelihood ratios of HU with the region's voxels as samples, each for both classes. */
function ratiosOf({ radius }: MarkedRegion, bins: Uint8Array, probability: Float32Array): Float64Array {
  const counts = (i: number): boolean => radius[i % radius.length] < OUTERMOST_RADIUS;
  return logLikelihoodRatios(
    bins,
    probability.map((p, i) => (counts(i) ? p : 0)),
    probability.map((p, i) => (counts(i) ? 1 - p : 0)),
  );
}

/** Writes the prior of all slices but the RECIST slice, with the reach on either side averaged over its candidates. */
function fillOffSlice(
  region: MarkedRegion,
  prior: Float32Array,
  bins: Uint8Array,
  ratios: Float64Array,
  observations: number,
): void {
  const { dims, spacingMm, radius, height, keySlice, longMm } = region;
  const [nx, ny, nz] = dims;
  const area = nx * ny;
  const worth = (observations * spacingMm[0] * spacingMm[1] * spacingMm[2]) / ((Math.PI / 6) * longMm ** 3);
  const odds = ratios.map(Math.exp);
  for (const side of [-1, 1]) {
    const slices = Array.from({ length: nz }, (_, z) => z).filter((z) => Math.sign(z - keySlice) === side);
    const scores = REACHES.map((reach, j) => {
      let score = 0;
      for (const z of slices) {
        const rise = (height[z] / reach) ** 2;
        for (let p = 0; p < area; p++) {
          if (radius[p] > REACH_RADIUS) continue;
          const inside = probabilityOffSlice(Math.sqrt(radius[p] * radius[p] + rise));
          score += Math.log(inside * odds[bins[z * area + p]] + 1 - inside);
        }
      }
      return Math.log(REACH_WEIGHTS[j]) + worth * score;
    });
    const best = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - best));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const z of slices) {
      for (let p = 0; p < area; p++) {
        if (radius[p] >= OUTERMOST_RADIUS) continue;
        let sum = 0;
        for (const [j, weight] of weights.entries()) {
          sum += weight * probabilityOffSlice(Math.sqrt(radius[p] * radius[p] + (height[z] / REACHES[j]) ** 2));
        }
        prior[z * area + p] = sum / total;
      }
    }
  }
}
