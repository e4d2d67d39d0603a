import type { Slice, Vec3 } from "../imaging/volume.ts";
import { COMPONENTS, countsByComponent, fitMixture, type GreyMixture } from "./gmm.ts";
import { clusterLevels } from "./kmeans.ts";
import { LatticeFlow } from "./maxflow.ts";
import { MultiplyWithCarry } from "./multiplyWithCarry.ts";
import { Region, type Trimap } from "./trimap.ts";

/** γ: weight of the smoothness term. */
const SMOOTHNESS = 50;
/** λ: capacity that no sum of a pixel's eight edges reaches; binds the pixels the trimap is sure of. */
const BINDING = 9 * SMOOTHNESS;
/** Diagonal neighbours are √2 apart; OpenCV takes the root in single precision. */
const DIAGONAL = Math.fround(Math.SQRT2);
const LEVELS = 256;

/** The eight neighbours, in the order in which OpenCV's graph walks them. */
const NEIGHBOURS: readonly Vec3[] = [
  [1, 1, 0],
  [0, 1, 0],
  [-1, 1, 0],
  [1, 0, 0],
  [1, -1, 0],
  [0, -1, 0],
  [-1, -1, 0],
  [-1, 0, 0],
];

export interface GrabCutOptions {
  /** Rounds of assigning, learning and cutting; all are made, converged or not. Default 5. */
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
  const edges = edgeCapacities(image);
  for (let i = 0; i < iterations; i++) {
    const [backgroundLevels, foregroundLevels] = histograms(image.data, regions);
    background = fitMixture(countsByComponent(backgroundLevels, background.component));
    foreground = fitMixture(countsByComponent(foregroundLevels, foreground.component));
    cut(image, regions, background, foreground, edges);
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

/** Pixels per level in the background and in the foreground, sure or probable. */
function histograms(levels: Uint8Array, regions: Uint8Array): [Float64Array, Float64Array] {
  const counts: [Float64Array, Float64Array] = [new Float64Array(LEVELS), new Float64Array(LEVELS)];
  for (let p = 0; p < levels.length; p++) counts[regions[p] & 1][levels[p]]++;
  return counts;
}

/** The graph is kept between calls, so that a campaign's many cuts share its buffers. */
const graph = new LatticeFlow(NEIGHBOURS);
let pristine = new Float64Array(0);

/** γ exp(−β ‖z_p − z_q‖²) / |p − q| for every edge of the graph of this picture; starts that graph. */
function edgeCapacities(image: Slice<Uint8Array>): Float64Array {
  const { data, width, height } = image;
  const contrast = meanContrast(image);
  const beta = contrast === 0 ? 0 : 1 / (2 * contrast);
  const straight = new Float64Array(LEVELS);
  const diagonal = new Float64Array(LEVELS);
  for (let step = 0; step < LEVELS; step++) {
    const similarity = Math.exp(-beta * 3 * step * step);
    straight[step] = SMOOTHNESS * similarity;
    diagonal[step] = (SMOOTHNESS / DIAGONAL) * similarity;
  }
  graph.reset([width, height, 1]);
  const { capacity, directions } = graph;
  for (let y = 0; y < height; y++) {
    const row = graph.vertex(0, y);
    for (let x = 0; x < width; x++) {
      const edges = (row + x) * directions;
      for (let d = 0; d < directions; d++) {
        const [dx, dy] = NEIGHBOURS[d];
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
        const step = Math.abs(data[y * width + x] - data[(y + dy) * width + x + dx]);
        capacity[edges + d] = dx !== 0 && dy !== 0 ? diagonal[step] : straight[step];
      }
    }
  }
  const used = graph.size * directions;
  if (pristine.length < used) pristine = new Float64Array(capacity.length);
  pristine.set(capacity.subarray(0, used));
  return pristine.subarray(0, used);
}

/** Mean of ‖z_p − z_q‖² over the pairs of neighbours, with three channels a pixel. */
function meanContrast({ data, width, height }: Slice<Uint8Array>): number {
  let sum = 0;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (x > 0) sum += (data[p] - data[p - 1]) ** 2;
      if (y === 0) continue;
      sum += (data[p] - data[p - width]) ** 2;
      if (x > 0) sum += (data[p] - data[p - width - 1]) ** 2;
      if (x < width - 1) sum += (data[p] - data[p - width + 1]) ** 2;
    }
  }
  const pairs = 4 * width * height - 3 * width - 3 * height + 2;
  return (3 * sum) / pairs;
}

/** Decides the uncertain pixels by the minimum cut. */
function cut(
  image: Slice<Uint8Array>,
  regions: Uint8Array,
  background: GreyMixture,
  foreground: GreyMixture,
  edges: Float64Array,
): void {
  const { data, width, height } = image;
  const { capacity, terminal } = graph;
  capacity.set(edges);
  const pull = Float64Array.from(background.cost, (cost, level) => cost - foreground.cost[level]);
  terminal.fill(0, 0, graph.size);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0, v = graph.vertex(0, y); x < width; x++, v++, p++) {
      const region = regions[p];
      if (region === Region.background) terminal[v] = -BINDING;
      else if (region === Region.foreground) terminal[v] = BINDING;
      else terminal[v] = pull[data[p]];
    }
  }
  graph.solve();
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0, v = graph.vertex(0, y); x < width; x++, v++, p++) {
      if (regions[p] < Region.probableBackground) continue;
      regions[p] = graph.onSourceSide(v) ? Region.probableForeground : Region.probableBackground;
    }
  }
}
