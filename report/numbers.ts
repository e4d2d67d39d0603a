import type { Category } from "../methods/datasets/lesionCase.ts";
import { holm, type PairedComparison, type PairedScore, pairedComparison } from "../methods/metrics/pairedComparison.ts";
import type { StratumScore } from "../methods/metrics/strata.ts";
import { type PaperRow, paperRowsOf } from "./paperFigures.ts";
import type { Dimension, EvaluationData, MethodScores, ReportData } from "./reportInput.ts";
import { type VolumeNumbers, volumeNumbers } from "./volumeNumbers.ts";

/** The shape that the marks alone give: what every method has to beat. */
export const baselineOf: Record<Dimension, string> = { "2D": "ellipse", "3D": "ellipsoid" };

/** Summaries by column (`scoreColumns`). */
export type ColumnSummaries = Readonly<Record<string, StratumScore>>;

/** Two methods' Dice on the lesions that both have; `p` is Wilcoxon's, `pHolm` corrected over all pairs of the table. */
export interface Comparison extends PairedComparison {
  readonly data: string;
  readonly dimension: Dimension;
  readonly first: string;
  readonly second: string;
  readonly pHolm: number;
}

/** Lesions of one size: long diameters in mm. */
interface SizeNumbers {
  readonly size: string;
  readonly scores: ColumnSummaries;
}

export interface MethodNumbers {
  readonly data: string;
  readonly name: string;
  readonly dimension: Dimension;
  readonly kind: MethodScores["kind"];
  readonly digest: string;
  readonly lesions: number;
  readonly patients: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly total: ColumnSummaries;
  readonly categories: Readonly<Partial<Record<Category, ColumnSummaries>>>;
  readonly sizes: readonly SizeNumbers[];
  /** Against the baseline; null for the baseline itself and where no lesion is shared. */
  readonly advantage: Comparison | null;
  readonly paper: readonly PaperRow[];
}

/** Dice of the slices with lesion at one distance from their RECIST slice. */
export interface OffsetPoint extends StratumScore {
  readonly offset: number;
  /** Slices without lesion that the mask reaches. */
  readonly beyond: number;
  readonly mean: number;
}

/** Everything the page prints as a number and the input does not hold already. */
export interface ReportNumbers {
  readonly methods: readonly MethodNumbers[];
  readonly offsets: readonly { readonly data: string; readonly method: string; readonly points: readonly OffsetPoint[] }[];
  /** Every pair of methods of a table once. */
  readonly comparisons: readonly Comparison[];
  /** Baselines whose row is missing because the campaign did not run them. */
  readonly missingBaselines: readonly { readonly data: string; readonly dimension: Dimension; readonly name: string }[];
  readonly volumes: readonly VolumeNumbers[];
}

export function reportNumbers(data: ReportData): ReportNumbers {
  const tables = data.evaluations.flatMap((evaluation) =>
    (["2D", "3D"] as const)
      .map((dimension) => ({
        evaluation,
        dimension,
        methods: data.methods.filter((m) => m.data === evaluation.data && m.dimension === dimension),
      }))
      .filter(({ methods }) => methods.length > 0),
  );
  const comparisons = tables.flatMap(({ evaluation, methods }) => comparisonsOf(methods, evaluation));
  return {
    methods: data.methods.map((method) => methodNumbers(method, comparisons)),
    offsets: data.methods.flatMap((method) => {
      const points = method.strata.flatMap(({ by, value, beyond = 0, scores }) =>
        by === "offset" && scores.dice.mean !== null
          ? [{ offset: Number(value), beyond, ...scores.dice, mean: scores.dice.mean }]
          : [],
      );
      return points.length === 0 ? [] : [{ data: method.data, method: method.name, points }];
    }),
    comparisons,
    missingBaselines: tables
      .filter(({ methods }) => !methods.some(isBaseline))
      .map(({ evaluation, dimension }) => ({ data: evaluation.data, dimension, name: baselineOf[dimension] })),
    volumes: volumeNumbers(data.volumes),
  };
}

/** Whether this is the row that every other row of its dimension is held against. */
export function isBaseline({ name, dimension }: Pick<MethodScores, "name" | "dimension">): boolean {
  return name.toLowerCase() === baselineOf[dimension];
}

/** The baseline before the rest, which keeps its order: it is what the rest is read against. */
export function baselineFirst<M extends Pick<MethodScores, "name" | "dimension">>(methods: readonly M[]): M[] {
  return [...methods.filter(isBaseline), ...methods.filter((m) => !isBaseline(m))];
}

function methodNumbers(method: MethodScores, comparisons: readonly Comparison[]): MethodNumbers {
  const { data, name, dimension, kind, digest, strata, failures } = method;
  const all = strata.find(({ by }) => by === "all");
  return {
    data,
    name,
    dimension,
    kind,
    digest,
    lesions: all?.observations ?? 0,
    patients: all?.patients ?? 0,
    failures,
    total: all?.scores ?? {},
    categories: Object.fromEntries(strata.flatMap((s) => (s.by === "category" ? [[s.value, s.scores]] : []))),
    sizes: strata.flatMap(({ by, value, scores }) => (by === "size" ? [{ size: value, scores }] : [])),
    advantage: isBaseline(method) ? null : advantageOf(method, comparisons),
    paper: paperRowsOf(name, dimension),
  };
}

function comparisonsOf(methods: readonly MethodScores[], { data, bootstrap }: EvaluationData): Comparison[] {
  const dice = methods.map(({ scores }) =>
    scores.map(({ lesion, patient, columns }): PairedScore => ({ lesion, patient, value: columns.dice })),
  );
  const pairs = methods.flatMap((first, i) =>
    methods.slice(i + 1).flatMap((second, k) => {
      const found = pairedComparison(dice[i], dice[i + 1 + k], bootstrap);
      return found === null ? [] : [{ data, dimension: first.dimension, first: first.name, second: second.name, ...found }];
    }),
  );
  const corrected = holm(pairs.map(({ p }) => p));
  return pairs.map((pair, i) => ({ ...pair, pHolm: corrected[i] }));
}

/** The comparison of two methods of a table, seen from the first; null where they share no lesion. */
export function comparisonOf(
  comparisons: readonly Comparison[],
  { data, dimension }: Pick<Comparison, "data" | "dimension">,
  first: string,
  second: string,
): Comparison | null {
  const own = comparisons.filter((c) => c.data === data && c.dimension === dimension);
  const direct = own.find((c) => c.first === first && c.second === second);
  if (direct !== undefined) return direct;
  const other = own.find((c) => c.first === second && c.second === first);
  if (other === undefined) return null;
  const { meanDifference, interval } = other;
  const turned = interval === null ? null : { low: -interval.high, high: -interval.low };
  return { ...other, first, second, meanDifference: -meanDifference, interval: turned };
}

function advantageOf({ data, name, dimension }: MethodScores, comparisons: readonly Comparison[]): Comparison | null {
  const own = comparisons.filter((c) => c.data === data && c.dimension === dimension);
  const baseline = own.flatMap(({ first, second }) => [first, second]).find((method) => isBaseline({ name: method, dimension }));
  return baseline === undefined ? null : comparisonOf(own, { data, dimension }, name, baseline);
}
