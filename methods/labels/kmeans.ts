import type { MultiplyWithCarry } from "./multiplyWithCarry.ts";

const LEVELS = 256;
const ROUNDS = 10;
const SEED_TRIALS = 3;
/** Sums of levels below this are exact in single precision, in any order. */
const EXACT = 2 ** 24;

/**
 * Clusters grey levels with k-means as OpenCV clusters the pixels of a grey picture with three equal channels:
 * k-means++ with three trials per seed, ten rounds, single precision, a far sample moved into each empty cluster, no
 * new assignment after the last round. Samples of one level are alike, so all of it is done on the histogram.
 *
 * @param samples levels in raster order, at least `k` of them.
 * @returns how many samples of level l are in cluster c, at `c · 256 + l`.
 */
export function clusterLevels(samples: Uint8Array, k: number, random: MultiplyWithCarry): Float64Array {
  const histogram = new Float64Array(LEVELS);
  for (let i = 0; i < samples.length; i++) histogram[samples[i]]++;
  const present = Array.from(histogram.keys()).filter((level) => histogram[level] > 0);
  const counts = new Float64Array(k * LEVELS);
  const cluster = new Uint8Array(LEVELS);

  let centres = seeds(samples, histogram, present, k, random);
  assign(centres, present, cluster);
  // With one cluster two rounds are made, and they change nothing.
  for (let round = 1; ; round++) {
    const updated = update(samples, histogram, present, cluster, k, counts);
    let shift = 0;
    for (let c = 0; c < k; c++) shift = Math.max(shift, 3 * Math.fround(updated[c] - centres[c]) ** 2);
    centres = updated;
    if (round + 1 >= ROUNDS || shift <= FLOAT_EPSILON ** 2) return counts;
    assign(centres, present, cluster);
  }
}

const FLOAT_EPSILON = 2 ** -23;

/** k-means++: each seed is the best of three, drawn with probability proportional to the squared distance. */
function seeds(
  samples: Uint8Array,
  histogram: Float64Array,
  present: readonly number[],
  k: number,
  random: MultiplyWithCarry,
): Float32Array {
  const chosen = new Float32Array(k);
  chosen[0] = samples[random.next() % samples.length];
  let distance = new Float64Array(LEVELS);
  let total = 0;
  for (const level of present) {
    distance[level] = 3 * (level - chosen[0]) ** 2;
    total += histogram[level] * distance[level];
  }
  for (let c = 1; c < k; c++) {
    let bestTotal = Number.POSITIVE_INFINITY;
    let bestDistance = distance;
    for (let trial = 0; trial < SEED_TRIALS; trial++) {
      let left = random.uniform() * total;
      let i = 0;
      for (; i < samples.length - 1; i++) {
        left -= distance[samples[i]];
        if (left <= 0) break;
      }
      const candidate = samples[i];
      const lowered = new Float64Array(LEVELS);
      let sum = 0;
      for (const level of present) {
        lowered[level] = Math.min(distance[level], 3 * (level - candidate) ** 2);
        sum += histogram[level] * lowered[level];
      }
      if (sum < bestTotal) {
        bestTotal = sum;
        bestDistance = lowered;
        chosen[c] = candidate;
      }
    }
    total = bestTotal;
    distance = bestDistance;
  }
  return chosen;
}

/** Squared distance of (l, l, l) from (c, c, c) in single precision. */
function squaredDistance(level: number, centre: number): number {
  const difference = Math.fround(level - centre);
  const squared = Math.fround(difference * difference);
  return Math.fround(Math.fround(squared + squared) + squared);
}

function assign(centres: Float32Array, present: readonly number[], cluster: Uint8Array): void {
  for (const level of present) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let c = 0; c < centres.length; c++) {
      const distance = squaredDistance(level, centres[c]);
      if (distance < nearest) {
        nearest = distance;
        cluster[level] = c;
      }
    }
  }
}

/** Means of the clusters; fills `counts`. */
function update(
  samples: Uint8Array,
  histogram: Float64Array,
  present: readonly number[],
  cluster: Uint8Array,
  k: number,
  counts: Float64Array,
): Float32Array {
  counts.fill(0);
  const sums = new Float64Array(k);
  const sizes = new Float64Array(k);
  for (const level of present) {
    counts[cluster[level] * LEVELS + level] = histogram[level];
    sums[cluster[level]] += histogram[level] * level;
    sizes[cluster[level]] += histogram[level];
  }
  const rounded = sums.some((sum) => sum >= EXACT) ? sequentialSums(samples, cluster, k) : Float32Array.from(sums);
  for (let empty = 0; empty < k; empty++) {
    if (sizes[empty] !== 0) continue;
    let largest = 0;
    for (let c = 1; c < k; c++) if (sizes[largest] < sizes[c]) largest = c;
    const level = farthestLevel(
      samples,
      counts,
      largest,
      Math.fround(rounded[largest] * Math.fround(1 / sizes[largest])),
      histogram,
    );
    counts[largest * LEVELS + level]--;
    counts[empty * LEVELS + level]++;
    sizes[largest]--;
    sizes[empty]++;
    rounded[largest] -= level;
    rounded[empty] += level;
  }
  return rounded.map((sum, c) => Math.fround(sum * Math.fround(1 / sizes[c])));
}

/** Sums as single precision adds them up, sample after sample. */
function sequentialSums(samples: Uint8Array, cluster: Uint8Array, k: number): Float32Array {
  const sums = new Float32Array(k);
  for (let i = 0; i < samples.length; i++) sums[cluster[samples[i]]] += samples[i];
  return sums;
}

/** The level of the sample of a cluster that lies farthest from its centre; of equally far ones the last in raster order. */
function farthestLevel(samples: Uint8Array, counts: Float64Array, c: number, centre: number, histogram: Float64Array): number {
  let farthest = 0;
  let levels: number[] = [];
  for (let level = 0; level < LEVELS; level++) {
    if (counts[c * LEVELS + level] === 0) continue;
    const distance = squaredDistance(level, centre);
    if (levels.length > 0 && distance < farthest) continue;
    levels = distance > farthest ? [level] : [...levels, level];
    farthest = distance;
  }
  if (levels.length === 1) return levels[0];
  // Samples that left the cluster in this round were the last ones of their level.
  const gone = levels.map((level) => histogram[level] - counts[c * LEVELS + level]);
  for (let i = samples.length - 1; i >= 0; i--) {
    const which = levels.indexOf(samples[i]);
    if (which < 0) continue;
    if (gone[which] === 0) return levels[which];
    gone[which]--;
  }
  return levels[0];
}
