import type { Slice } from "../imaging/volume.ts";
import { COMPONENTS, countsByComponent, fitMixture, type GreyMixture } from "./gmm.ts";
import { clusterLevels } from "./kmeans.ts";
import { MultiplyWithCarry } from "./multiplyWithCarry.ts";
import { smoothnessOf } from "./smoothness.ts";
import { Region, type Trimap } from "./trimap.ts";
import { TrimapCut } from "./trimapCut.ts";

const LEVELS = 256;

export interface GrabCutOptions {
  /** Rounds of assigning, learning and cutting; those after convergence change nothing and are not made. Default 5. */
  readonly iterations?: number;
  /** Seed of the k-means++ draws, as given to OpenCV's `setRNGSeed`. Default 1. */
  readonly seed?: number;
}

export type GrabCutResult =
  | {
      /** The trimap with its uncertain pixels decided anew. */
      readonly regions: Trimap;
      /** 1 where foreground or probable foreground. */
      readonly mask: Uint8Array;
    }
  | { readonly failure: "no foreground samples" | "no background samples" };

/**
 * GrabCut (Rother, Kolmogorov and Blake 2004) on a grey 8-bit picture. It lowers, in turns over the mixtures and the
 * labels a ∈ {0, 1},
 *
 *   E(a) = Σ_p −ln Σ_k π_k^a N(z_p; μ_k^a, σ_k^a) + γ Σ_{p,q neighbours, a_p ≠ a_q} exp(−β ‖z_p − z_q‖²) / |p − q|
 *
 * with five Gaussians a class, eight neighbours, β = 1 / (2 · mean ‖z_p − z_q‖²), and labels that are fixed where the
 * trimap says foreground or background. Levels are taken as the three equal channels of a colour, which makes every
 * number that of OpenCV's `grabCut` with `GC_INIT_WITH_MASK`, so that the same seed gives the same mask.
 *
 * @throws RangeError where picture and trimap differ in size or the trimap holds anything but the four regions.
 */
export function grabCut(
  image: Slice<Uint8Array>,
  trimap: Trimap,
  { iterations = 5, seed = 1 }: GrabCutOptions = {},
): GrabCutResult {
  const { width, height } = image;
  const area = width * height;
  if (trimap.width !== width || trimap.height !== height) {
    throw new RangeError(`the trimap is ${trimap.width} × ${trimap.height} pixels, the picture ${width} × ${height}`);
  }
  const regions = new Uint8Array(area);
  let foregroundSamples = 0;
  for (let p = 0; p < area; p++) {
    const region = trimap.data[p];
    if (region > Region.probableForeground) throw new RangeError(`pixel ${p} of the trimap is ${region}, not a region (0 to 3)`);
    regions[p] = region;
    foregroundSamples += region & 1;
  }
  if (foregroundSamples === 0) return { failure: "no foreground samples" };
  if (foregroundSamples === area) return { failure: "no background samples" };

  let [background, foreground] = initialMixtures(image.data, regions, foregroundSamples, new MultiplyWithCarry(seed));
  const minimum = new TrimapCut(image, regions, smoothnessOf(image));
  let changed = true;
  for (let i = 0; i < iterations; i++) {
    const [backgroundLevels, foregroundLevels] = histograms(image.data, regions);
    const before = [background, foreground];
    background = fitMixture(countsByComponent(backgroundLevels, background.component));
    foreground = fitMixture(countsByComponent(foregroundLevels, foreground.component));
    // The same labels and mixtures as in the round before: every further round would be that one again.
    if (!changed && isSame(before[0], background) && isSame(before[1], foreground)) break;
    const pull = background.cost.map((cost, level) => cost - foreground.cost[level]);
    changed = minimum.decide(pull, regions);
  }
  return { regions: { data: regions, width, height }, mask: regions.map((region) => region & 1) };
}

/** k-means of each class, background first: both draw from one stream. */
function initialMixtures(
  levels: Uint8Array,
  regions: Uint8Array,
  foregroundSamples: number,
  random: MultiplyWithCarry,
): [GreyMixture, GreyMixture] {
  const samples = [new Uint8Array(levels.length - foregroundSamples), new Uint8Array(foregroundSamples)];
  const filled = [0, 0];
  for (let p = 0; p < levels.length; p++) {
    const label = regions[p] & 1;
    samples[label][filled[label]++] = levels[p];
  }
  const mixtureOf = (of: Uint8Array): GreyMixture => fitMixture(clusterLevels(of, Math.min(COMPONENTS, of.length), random));
  const background = mixtureOf(samples[0]);
  return [background, mixtureOf(samples[1])];
}

const isSame = (a: GreyMixture, b: GreyMixture): boolean =>
  a.component.every((k, level) => k === b.component[level]) && a.cost.every((cost, level) => cost === b.cost[level]);

/** Pixels per level in the background and in the foreground, sure or probable. */
function histograms(levels: Uint8Array, regions: Uint8Array): [Float64Array, Float64Array] {
  const counts: [Float64Array, Float64Array] = [new Float64Array(LEVELS), new Float64Array(LEVELS)];
  for (let p = 0; p < levels.length; p++) counts[regions[p] & 1][levels[p]]++;
  return counts;
}
