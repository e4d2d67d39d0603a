import { z } from "zod";
import { getManifest, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { LesionScore, RegionScore, SliceScore } from "../methods/metrics/lesionScores.ts";
import { overlapOf } from "../methods/metrics/overlap.ts";
import type { ProbabilityHistogram } from "../methods/metrics/precisionRecall.ts";
import type { ScoreColumns } from "../methods/metrics/scoreColumns.ts";
import type { StatisticsSettings, Stratum } from "../methods/metrics/strata.ts";
import { type categories, dataOrigins, datasetMetaSchema } from "../schemas/dataset.ts";
import { digestSchema } from "../schemas/digest.ts";

const dimensionSchema = z.enum(["2D", "3D"]);
export type Dimension = z.infer<typeof dimensionSchema>;

/** `meta` of an evaluation manifest. */
export const evaluationMetaSchema = z.strictObject({
  lesions: z.int().nonnegative(),
  /** Lesions that could not be scored because nobody drew their true mask. */
  withoutReference: z.int().nonnegative(),
  reference: z.strictObject({
    digest: digestSchema,
    name: z.string(),
    split: datasetMetaSchema.shape.split,
    origin: z.enum(dataOrigins),
  }),
  methods: z.array(z.strictObject({ name: z.string(), dimension: dimensionSchema, predictions: digestSchema })),
  tolerancesMm: z.array(z.number()),
  statistics: z.strictObject({
    sizesMm: z.array(z.number()),
    bootstrap: z.strictObject({
      unit: z.enum(["patient", "lesion"]),
      resamples: z.int(),
      level: z.number(),
      seed: z.int(),
    }),
  }) satisfies z.ZodType<StatisticsSettings>,
});
export type EvaluationMeta = z.infer<typeof evaluationMetaSchema>;

/** One line of `scores.jsonl`: a lesion by a method. */
export interface ScoreLine extends Pick<LesionScore, "slice" | "volume" | "failures"> {
  readonly method: string;
  readonly lesion: string;
  readonly patient: string;
  readonly category: (typeof categories)[number];
  /** Long and short diameter. */
  readonly longMm: number;
  readonly shortMm: number;
}

/** One line of `offsets.jsonl`: the slices of a lesion by a method, each in the order of `offsetFields`. */
export interface OffsetLine {
  readonly method: string;
  readonly lesion: string;
  readonly patient: string;
  readonly slices: readonly (readonly (number | null)[])[];
}

/** What is kept of a slice; the surface Dice at each tolerance follows. */
export const offsetFields = [
  ...(["offset", "tp", "fp", "fn"] as const),
  ...(["avdVoxels", "avdMm", "hausdorffMm", "hausdorff95Mm"] as const),
] as const satisfies readonly (keyof SliceScore)[];

/** A slice as it is kept. */
export function offsetRow(slice: SliceScore, tolerancesMm: readonly number[]): (number | null)[] {
  return [...offsetFields.map((field) => slice[field]), ...tolerancesMm.map((mm) => slice.surfaceDice[mm])];
}

/** The columns of a slice that was kept; the counts that make it up are in every one of its columns. */
export function offsetColumns(row: readonly (number | null)[], tolerancesMm: readonly number[]): ScoreColumns {
  const [, tp, fp, fn] = row as number[];
  const { recall, precision, dice, iou, volumetricSimilarity } = overlapOf({ tp, fp, fn, tn: 0 });
  const [avdVoxels, avdMm, hausdorffMm, hausdorff95Mm, ...shares] = row.slice(4);
  const surface = tolerancesMm.map((mm, i) => [`surfaceDice${mm}mm`, shares[i]] as const);
  return {
    ...{ recall, precision, dice, iou, volumetricSimilarity },
    ...{ avdVoxels, avdMm, hausdorffMm, hausdorff95Mm, ...Object.fromEntries(surface) },
  };
}

/** Probability histograms of a method with a probability map, for precision–recall curves. */
export interface MethodHistograms {
  readonly slice: ProbabilityHistogram;
  /** Null for a method that fills the RECIST slice only. */
  readonly volume: ProbabilityHistogram | null;
}

/** `strata.json`: one method's summaries in one dimension. */
export interface MethodStrata {
  readonly method: string;
  readonly dimension: Dimension;
  readonly strata: readonly Stratum[];
}

/** An evaluation artifact, opened: everything but the scores of single lesions, which are read line by line. */
export interface Evaluation {
  readonly digest: Digest;
  readonly meta: EvaluationMeta;
  readonly strata: readonly MethodStrata[];
  readonly histograms: Readonly<Record<string, MethodHistograms>>;
  readonly lines: readonly ScoreLine[];
}

export async function openEvaluation(store: Store, digest: Digest): Promise<Evaluation> {
  const manifest = await getManifest(store, digest);
  const json = async (path: string): Promise<unknown> => JSON.parse((await readFile(store, manifest, path)).toString("utf8"));
  return {
    digest,
    meta: evaluationMetaSchema.parse(manifest.meta),
    strata: (await json("strata.json")) as Evaluation["strata"],
    histograms: (await json("histograms.json")) as Evaluation["histograms"],
    lines: [...jsonLines<ScoreLine>(await readFile(store, manifest, "scores.jsonl"))],
  };
}

/** JSON Lines, one after the other: a file may be longer than the longest string. */
export function* jsonLines<T>(bytes: Buffer): Generator<T> {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end > start) yield JSON.parse(bytes.toString("utf8", start, end)) as T;
    start = end + 1;
  }
}

/** The region that a dimension is about. */
export function regionOf(line: Pick<ScoreLine, "slice" | "volume">, dimension: Dimension): RegionScore | null {
  return dimension === "2D" ? line.slice : line.volume;
}
