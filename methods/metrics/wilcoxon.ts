export interface WilcoxonResult {
  /** Pairs that differ; equal pairs are left out. */
  readonly n: number;
  /** Sum of the ranks of the pairs where the first is larger. */
  readonly rankSum: number;
  /** Two-sided p value; 1 where no pair differs. */
  readonly p: number;
}

/** With more differing pairs than this the normal approximation is used. */
const EXACT_UP_TO = 50;
/** Differences are equal that differ by less than this share of the largest score: what subtraction leaves of decimal scores. */
const ROUNDING = 2 ** -40;

/**
 * Wilcoxon's signed-rank test of paired scores, two-sided. Equal pairs are left out, equal differences share their mean
 * rank. Up to 50 differing pairs: exact over all sign patterns; beyond: normal with tie-corrected variance and without
 * continuity correction.
 *
 * @throws RangeError where the lists differ in length.
 */
export function wilcoxon(first: readonly number[], second: readonly number[]): WilcoxonResult {
  if (first.length !== second.length) throw new RangeError(`${first.length} scores cannot be paired with ${second.length}`);
  const largest = first.reduce((most, v, i) => Math.max(most, Math.abs(v), Math.abs(second[i])), 0);
  const unit = ROUNDING * largest;
  const differences = largest === 0 ? [] : first.map((v, i) => Math.round((v - second[i]) / unit)).filter((d) => d !== 0);
  const n = differences.length;
  if (n === 0) return { n, rankSum: 0, p: 1 };
  const { ranks, tied } = midranks(differences.map(Math.abs));
  const rankSum = differences.reduce((sum, d, i) => (d > 0 ? sum + ranks[i] : sum), 0);
  if (n <= EXACT_UP_TO) return { n, rankSum, p: exactP(rankSum, ranks) };
  const expected = (n * (n + 1)) / 4;
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - tied / 48;
  return { n, rankSum, p: erfc(Math.abs(rankSum - expected) / Math.sqrt(2 * variance)) };
}

/** Ranks 1 … n, equal values sharing their mean rank; `tied` = Σ (t³ − t) over groups of t equal values. */
function midranks(values: readonly number[]): { ranks: number[]; tied: number } {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Array<number>(values.length);
  let tied = 0;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let k = from; k < to; k++) ranks[order[k]] = (from + 1 + to) / 2;
    tied += (to - from) ** 3 - (to - from);
    from = to;
  }
  return { ranks, tied };
}

/** Share of the 2ⁿ sign patterns whose rank sum is as far out on one side, doubled. Midranks are halves: ranks count twice. */
function exactP(rankSum: number, ranks: readonly number[]): number {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const most = doubled.reduce((sum, rank) => sum + rank, 0);
  const share = new Float64Array(most + 1);
  share[0] = 1;
  for (const rank of doubled) {
    for (let sum = most; sum >= 0; sum--) share[sum] = (share[sum] + (sum >= rank ? share[sum - rank] : 0)) / 2;
  }
  const smaller = Math.min(Math.round(2 * rankSum), most - Math.round(2 * rankSum));
  let p = 0;
  for (let sum = 0; sum <= smaller; sum++) p += share[sum];
  return Math.min(1, 2 * p);
}

/** Complementary error function for x ≥ 0: Taylor series up to 2, Lentz's continued fraction beyond; relative error < 1e-12. */
function erfc(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let k = 1; Math.abs(term) > 1e-17; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let k = 60; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
