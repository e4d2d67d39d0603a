import type { Slice } from "../imaging/volume.ts";
import { PermutohedralLattice } from "./permutohedralLattice.ts";

/** The pairwise potentials of the fully connected CRF and how long its mean field is iterated. */
export interface DenseCrfOptions {
  /** Appearance kernel: w⁽¹⁾, and its standard deviations θ_α in pixels and θ_β in grey levels. */
  readonly appearance: { readonly weight: number; readonly positionPx: number; readonly grey: number };
  /** Smoothness kernel: w⁽²⁾ and its standard deviation θ_γ in pixels. */
  readonly smoothness: { readonly weight: number; readonly positionPx: number };
  readonly iterations: number;
}

/**
 * Fully connected CRF with Gaussian edge potentials (Krähenbühl and Koltun 2011) on a grey 8-bit picture, with two
 * labels and Potts compatibility:
 *
 *   E(x) = Σ_i −ln P_i(x_i) + Σ_{i<j} [x_i ≠ x_j] k(i, j)
 *   k(i, j) = w⁽¹⁾ exp(−|p_i − p_j|²/2θ_α² − (z_i − z_j)²/2θ_β²) + w⁽²⁾ exp(−|p_i − p_j|²/2θ_γ²)
 *
 * Mean field updates all pixels at once. As in the authors' code, each kernel is normalised symmetrically
 * (k_ij / √(Σ_j k_ij · Σ_i k_ij)), a pixel's message to itself is left in, and kernels are applied on the permutohedral
 * lattice; their code lays three colours on a lattice of five dimensions where this one has three: x, y and grey.
 *
 * @param prior P(lesion) of every pixel, `[y, x]`, in the open interval (0, 1).
 * @returns Q(lesion) of every pixel, `[y, x]`.
 * @throws RangeError where picture and prior differ in size, a prior is no probability or a standard deviation is not
 *   positive.
 */
export function denseCrf(picture: Slice<Uint8Array>, prior: Float64Array, options: DenseCrfOptions): Float64Array {
  const { appearance, smoothness, iterations } = options;
  const area = picture.width * picture.height;
  if (prior.length !== area) throw new RangeError(`${prior.length} priors for ${area} pixels`);
  const kernels = [
    appearance.weight > 0 &&
      new Kernel(appearance.weight, appearanceFeatures(picture, appearance.positionPx, appearance.grey), 3),
    smoothness.weight > 0 && new Kernel(smoothness.weight, positionFeatures(picture, smoothness.positionPx), 2),
  ].filter((kernel) => kernel !== false);

  // With two labels everything follows from s = Q(lesion) − Q(background) = tanh(½ ln Q(lesion)/Q(background)).
  const evidence = prior.map((p, i) => {
    if (!(p > 0 && p < 1)) throw new RangeError(`the prior of pixel ${i} is ${p}, not between 0 and 1`);
    return Math.log(p / (1 - p));
  });
  const spin = evidence.map((odds) => Math.tanh(odds / 2));
  const odds = new Float64Array(area);
  for (let i = 0; i < iterations; i++) {
    odds.set(evidence);
    for (const kernel of kernels) kernel.addMessages(spin, odds);
    for (let p = 0; p < area; p++) spin[p] = Math.tanh(odds[p] / 2);
  }
  return spin.map((s) => (1 + s) / 2);
}

/** A weighted Gaussian kernel, normalised symmetrically. */
class Kernel {
  private readonly weight: number;
  private readonly lattice: PermutohedralLattice;
  /** 1 / √(Σ_j k_ij). */
  private readonly norm: Float64Array;
  private readonly buffer: Float64Array;

  constructor(weight: number, features: Float64Array, dimensions: number) {
    this.weight = weight;
    this.lattice = new PermutohedralLattice(features, dimensions);
    const { count } = this.lattice;
    this.norm = this.lattice.filter(new Float64Array(count).fill(1)).map((sum) => 1 / Math.sqrt(sum));
    this.buffer = new Float64Array(count);
  }

  /** sums_i += w Σ_j k_ij values_j. */
  addMessages(values: Float64Array, sums: Float64Array): void {
    const { weight, norm, buffer } = this;
    for (let p = 0; p < buffer.length; p++) buffer[p] = norm[p] * values[p];
    this.lattice.filter(buffer, buffer);
    for (let p = 0; p < buffer.length; p++) sums[p] += weight * norm[p] * buffer[p];
  }
}

function appearanceFeatures({ data, width }: Slice<Uint8Array>, positionPx: number, grey: number): Float64Array {
  checkPositive(positionPx, "the appearance kernel's width in pixels");
  checkPositive(grey, "the appearance kernel's width in grey levels");
  const features = new Float64Array(3 * data.length);
  for (let p = 0; p < data.length; p++) {
    features[3 * p] = (p % width) / positionPx;
    features[3 * p + 1] = Math.floor(p / width) / positionPx;
    features[3 * p + 2] = data[p] / grey;
  }
  return features;
}

function positionFeatures({ data, width }: Slice<Uint8Array>, positionPx: number): Float64Array {
  checkPositive(positionPx, "the smoothness kernel's width in pixels");
  const features = new Float64Array(2 * data.length);
  for (let p = 0; p < data.length; p++) {
    features[2 * p] = (p % width) / positionPx;
    features[2 * p + 1] = Math.floor(p / width) / positionPx;
  }
  return features;
}

function checkPositive(value: number, what: string): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new RangeError(`${what} is ${value}, not positive`);
}
