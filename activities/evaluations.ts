import { z } from "zod";
import { getManifest, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { LesionScore } from "../methods/metrics/lesionScores.ts";
import type { ProbabilityHistogram } from "../methods/metrics/precisionRecall.ts";
import { categories } from "../schemas/dataset.ts";
import { digestSchema } from "../schemas/digest.ts";
import { parseLines } from "./datasets.ts";

const dimensionSchema = z.enum(["2D", "3D"]);

export const evaluationMetaSchema = z.strictObject({
  lesions: z.int().nonnegative(),
  /** Lesions that could not be scored because nobody drew their true mask. */
  withoutReference: z.int().nonnegative(),
  methods: z.array(z.strictObject({ name: z.string(), dimension: dimensionSchema, predictions: digestSchema })),
});

/** One line of `scores.jsonl`. */
export interface ScoreLine {
  readonly method: string;
  readonly dimension: "2D" | "3D";
  readonly lesion: string;
  readonly patient: string;
  readonly category: (typeof categories)[number];
  readonly score: LesionScore;
}

const scoreLineSchema = z.strictObject({
  method: z.string(),
  dimension: dimensionSchema,
  lesion: z.string(),
  patient: z.string(),
  category: z.enum(categories),
  score: z.custom<LesionScore>((value) => typeof value === "object" && value !== null),
});

export interface Evaluation {
  readonly meta: z.infer<typeof evaluationMetaSchema>;
  readonly lines: readonly ScoreLine[];
  /** Threshold histograms of methods with a probability map, for precision–recall curves. */
  readonly histograms: Readonly<Record<string, { readonly slice: ProbabilityHistogram; readonly volume: ProbabilityHistogram }>>;
}

export async function openEvaluation(store: Store, digest: Digest): Promise<Evaluation> {
  const manifest = await getManifest(store, digest);
  return {
    meta: evaluationMetaSchema.parse(manifest.meta),
    lines: parseLines(await readFile(store, manifest, "scores.jsonl"), scoreLineSchema),
    histograms: JSON.parse((await readFile(store, manifest, "histograms.json")).toString("utf8")) as Evaluation["histograms"],
  };
}
