const LEVELS = 256;
export const COMPONENTS = 5;

/**
 * White noise that keeps a covariance regular. A grey level stands for the colour (v, v, v), whose covariance is
 * singular, so the noise is always added: its determinant is then ε²(3σ² + ε), and along the grey axis the variance
 * is σ² + ε/3.
 */
const NOISE = 0.01;

/** A Gaussian mixture over the 256 grey levels of an 8-bit picture, tabulated. */
export interface GreyMixture {
  /** The component that explains each level best (component weights left out). */
  readonly component: Uint8Array;
  /** −ln Σ π_k N_k(level), but for a constant; ∞ where the density underflows. */
  readonly cost: Float64Array;
}

/**
 * Fits one Gaussian per component.
 *
 * @param counts how many samples of level l belong to component k, at `k · 256 + l`; components beyond the end, or
 *   without samples, have weight 0.
 */
export function fitMixture(counts: Float64Array): GreyMixture {
  const best = new Float64Array(LEVELS);
  const density = new Float64Array(LEVELS);
  const component = new Uint8Array(LEVELS);
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  for (let k = 0; k * LEVELS < counts.length; k++) {
    let n = 0;
    let sum = 0;
    let squares = 0;
    for (let level = 0; level < LEVELS; level++) {
      const count = counts[k * LEVELS + level];
      n += count;
      sum += count * level;
      squares += count * level * level;
    }
    if (n === 0) continue;
    const mean = sum / n;
    const regular = 3 * Math.max(0, squares / n - mean * mean) + NOISE;
    const height = 1 / (NOISE * Math.sqrt(regular));
    for (let level = 0; level < LEVELS; level++) {
      const value = height * Math.exp((-1.5 * (level - mean) ** 2) / regular);
      density[level] += (n / total) * value;
      if (value > best[level]) {
        best[level] = value;
        component[level] = k;
      }
    }
  }
  return { component, cost: density.map((value) => -Math.log(value)) };
}

/** Samples per component and level, from samples per level. */
export function countsByComponent(histogram: Float64Array, component: Uint8Array): Float64Array {
  const counts = new Float64Array(COMPONENTS * LEVELS);
  for (let level = 0; level < LEVELS; level++) counts[component[level] * LEVELS + level] = histogram[level];
  return counts;
}
