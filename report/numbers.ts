import type { Category } from "../methods/datasets/lesionCase.ts";
import { linearFit } from "../methods/metrics/linearFit.ts";
import { bootstrapMean, type Interval, type Summary, summarize } from "../methods/metrics/summary.ts";
import { wilcoxon } from "../methods/metrics/wilcoxon.ts";
import { type PaperRow, paperRowsOf } from "./paperFigures.ts";
import type { Dimension, MethodScores, ReportData } from "./reportInput.ts";

/** The scores that a table has columns for, by their field in the data. */
export const metrics = [
  "recall",
  "precision",
  "dice",
  "iou",
  "volumetricSimilarity",
  "avdVoxels",
  "avdMm",
  "hausdorffMm",
  "hausdorff95Mm",
] as const;
export type Metric = (typeof metrics)[number];

/** The shape that the marks alone give: what every method has to beat. */
export const baselineOf: Record<Dimension, string> = { "2D": "ellipse", "3D": "ellipsoid" };

/** Paired difference in Dice to the baseline, on the lesions that both have. */
export interface Advantage {
  readonly over: string;
  readonly lesions: number;
  readonly meanDifference: number;
  /** 95 % percentile bootstrap of the mean difference, seed 0. */
  readonly interval: Interval | null;
  /** Wilcoxon's signed-rank test, two-sided. */
  readonly p: number;
}

export interface MethodNumbers {
  readonly name: string;
  readonly dimension: Dimension;
  readonly kind: MethodScores["kind"];
  readonly digest: string;
  readonly lesions: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly total: Readonly<Record<Metric, Summary>>;
  readonly categories: Readonly<Partial<Record<Category, Readonly<Record<Metric, Summary>>>>>;
  /** Null for the baseline itself and where no lesion is shared. */
  readonly advantage: Advantage | null;
  readonly paper: readonly PaperRow[];
}

/** Everything the page prints as a number and the input does not hold already. */
export interface ReportNumbers {
  readonly methods: readonly MethodNumbers[];
  /** Baselines whose row is missing because the campaign did not run them. */
  readonly missingBaselines: readonly { readonly dimension: Dimension; readonly name: string }[];
  readonly volumes: readonly {
    readonly method: string;
    readonly quantity: "volume" | "change";
    readonly n: number;
    readonly slope: number | null;
    readonly intercept: number | null;
    readonly rSquared: number | null;
  }[];
}

export function reportNumbers(data: ReportData): ReportNumbers {
  const dimensions = [...new Set(data.methods.map((m) => m.dimension))].sort();
  const baselines = new Map(data.methods.filter(isBaseline).map((m) => [m.dimension, m]));
  return {
    methods: data.methods.map((method) => methodNumbers(method, baselines.get(method.dimension))),
    missingBaselines: dimensions
      .filter((d) => !baselines.has(d))
      .map((dimension) => ({ dimension, name: baselineOf[dimension] })),
    volumes: data.volumes.map(({ method, quantity, points }) => {
      const fit = linearFit(points.map((p) => [p.referenceMl, p.measuredMl] as const));
      return {
        method,
        quantity,
        n: points.length,
        slope: fit?.slope ?? null,
        intercept: fit?.intercept ?? null,
        rSquared: fit?.rSquared ?? null,
      };
    }),
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

function methodNumbers(method: MethodScores, baseline: MethodScores | undefined): MethodNumbers {
  const { name, dimension, kind, digest, scores, failures } = method;
  const present = [...new Set(scores.map((s) => s.category))].sort();
  return {
    name,
    dimension,
    kind,
    digest,
    lesions: scores.length,
    failures,
    total: summaries(scores),
    categories: Object.fromEntries(
      present.map((category) => [category, summaries(scores.filter((s) => s.category === category))]),
    ),
    advantage: baseline === undefined || baseline === method ? null : advantage(method, baseline),
    paper: paperRowsOf(name, dimension),
  };
}

function summaries(scores: MethodScores["scores"]): Record<Metric, Summary> {
  return Object.fromEntries(metrics.map((metric) => [metric, summarize(scores.map((s) => s[metric]))])) as Record<
    Metric,
    Summary
  >;
}

function advantage(method: MethodScores, baseline: MethodScores): Advantage | null {
  const theirs = new Map(baseline.scores.map((s) => [s.lesion, s.dice]));
  const shared = method.scores.filter((s) => theirs.has(s.lesion));
  if (shared.length === 0) return null;
  const ours = shared.map((s) => s.dice);
  const reference = shared.map((s) => theirs.get(s.lesion) as number);
  const differences = ours.map((dice, i) => dice - reference[i]);
  return {
    over: baseline.name,
    lesions: shared.length,
    meanDifference: summarize(differences).mean as number,
    interval: bootstrapMean(differences, { seed: 0 }),
    p: wilcoxon(ours, reference).p,
  };
}

/** One line per method and lesion, RFC 4180; undefined scores are empty fields. */
export function scoresCsv(methods: readonly MethodScores[]): string {
  const header = ["method", "dimension", "lesion", "category", ...metrics];
  const rows = methods.flatMap((m) =>
    m.scores.map((s) => [m.name, m.dimension, s.lesion, s.category, ...metrics.map((metric) => s[metric] ?? "")]),
  );
  return [header, ...rows].map((row) => `${row.map(csvField).join(",")}\r\n`).join("");
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
