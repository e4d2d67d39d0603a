import { randomStream } from "../random.ts";
import { type Interval, quantile } from "./summary.ts";

export interface BootstrapSettings {
  readonly seed: number;
  /** Coverage in (0, 1), e.g. 0.95. */
  readonly level: number;
  readonly resamples: number;
}

/**
 * Percentile bootstrap intervals of the means of several columns of scores of the same observations, where null means
 * undefined. With `clusters` (one name per observation, e.g. its patient) whole clusters are drawn with replacement, for
 * lesions of one patient are not independent; without, every observation is a cluster. All columns see the same draws.
 * A pure function of the values, their order and the seed.
 *
 * @returns per column null where fewer than two clusters have a defined score or `resamples` is 0.
 * @throws RangeError where a column or `clusters` differs in length from the others.
 */
export function bootstrapMeans(
  columns: readonly (readonly (number | null)[])[],
  clusters: readonly (string | number)[] | null,
  { seed, level, resamples }: BootstrapSettings,
): (Interval | null)[] {
  const n = columns[0]?.length ?? 0;
  for (const list of clusters === null ? columns : [...columns, clusters]) {
    if (list.length !== n) throw new RangeError(`${list.length} values cannot be resampled beside ${n}`);
  }
  const cluster = clusters === null ? Int32Array.from({ length: n }, (_, i) => i) : numbered(clusters);
  const count = cluster.reduce((most, k) => Math.max(most, k + 1), 0);
  const totals = columns.map((column) => clusterTotals(column, cluster, count));
  const random = randomStream(seed, "bootstrap");
  const means = columns.map(() => new Float64Array(resamples).fill(Number.NaN));
  const times = new Uint32Array(count);
  for (let r = 0; r < resamples; r++) {
    times.fill(0);
    for (let k = 0; k < count; k++) times[random.integer(count)]++;
    for (const [column, { sums, sizes }] of totals.entries()) {
      let sum = 0;
      let size = 0;
      for (let k = 0; k < count; k++) {
        sum += times[k] * sums[k];
        size += times[k] * sizes[k];
      }
      means[column][r] = sum / size;
    }
  }
  return means.map((drawn, column): Interval | null => {
    if (resamples === 0 || totals[column].sizes.filter((size) => size > 0).length < 2) return null;
    // a resample without any defined score says nothing
    const defined = drawn.filter((mean) => !Number.isNaN(mean)).sort();
    return { low: quantile(defined, (1 - level) / 2), high: quantile(defined, (1 + level) / 2) };
  });
}

/** `bootstrapMeans` of one column. */
export function bootstrapMean(
  values: readonly (number | null)[],
  clusters: readonly (string | number)[] | null,
  settings: BootstrapSettings,
): Interval | null {
  return bootstrapMeans([values], clusters, settings)[0];
}

/** 0, 1, … for the names in the order in which they first occur. */
function numbered(names: readonly (string | number)[]): Int32Array {
  const numbers = new Map<string | number, number>();
  return Int32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  });
}

function clusterTotals(column: readonly (number | null)[], cluster: Int32Array, count: number) {
  const sums = new Float64Array(count);
  const sizes = new Float64Array(count);
  for (const [i, value] of column.entries()) {
    if (value === null) continue;
    sums[cluster[i]] += value;
    sizes[cluster[i]]++;
  }
  return { sums, sizes };
}

/**
 * Percentile bootstrap intervals of any statistics of a list: whole clusters are drawn with replacement. A resample in which a
 * statistic is null says nothing of it.
 *
 * @param clusterOf the cluster of an item, e.g. its patient.
 * @param statistics the same number of values whatever the items.
 * @returns per statistic null where there are fewer than two clusters, `resamples` is 0, or no resample defines it.
 */
export function bootstrapStatistics<T>(
  items: readonly T[],
  clusterOf: (item: T) => string | number,
  statistics: (items: readonly T[]) => readonly (number | null)[],
  { seed, level, resamples }: BootstrapSettings,
): (Interval | null)[] {
  const clusters = new Map<string | number, T[]>();
  for (const item of items) {
    const cluster = clusters.get(clusterOf(item));
    if (cluster === undefined) clusters.set(clusterOf(item), [item]);
    else cluster.push(item);
  }
  const groups = [...clusters.values()];
  const count = statistics(items).length;
  const drawn: number[][] = Array.from({ length: count }, () => []);
  const random = randomStream(seed, "bootstrap of statistics");
  if (groups.length >= 2) {
    for (let r = 0; r < resamples; r++) {
      const resample = groups.flatMap(() => groups[random.integer(groups.length)]);
      for (const [i, value] of statistics(resample).entries()) if (value !== null) drawn[i].push(value);
    }
  }
  return drawn.map((values): Interval | null => {
    if (values.length === 0) return null;
    const ascending = Float64Array.from(values).sort();
    return { low: quantile(ascending, (1 - level) / 2), high: quantile(ascending, (1 + level) / 2) };
  });
}
