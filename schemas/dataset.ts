import { z } from "zod";
import { markedLesionSchema } from "./marks.ts";

/** The eight lesion categories of DeepLesion by `Coarse_lesion_type` 1 … 8; −1 is "unknown". */
export const categories = [
  "bone",
  "abdomen",
  "mediastinum",
  "liver",
  "lung",
  "kidney",
  "soft-tissue",
  "pelvis",
  "unknown",
] as const;

/**
 * One lesion of a dataset artifact: one line of `lesions.jsonl`. Its CT crop (and reference mask) lie in shard
 * `shards/<shard, 5 digits>.safetensors` as tensors `<id>/image` (I16, HU, [z, y, x]) and `<id>/reference` (U8, 0/1, [z, y, x]).
 * Marks are on the crop's own grid (0-based; `slice` = z in the crop).
 */
export const lesionSchema = markedLesionSchema.extend({
  patient: z.string(),
  split: z.enum(["train", "test"]),
  category: z.enum(categories),
  shard: z.int().nonnegative(),
  dims: z.tuple([z.int().positive(), z.int().positive(), z.int().positive()]),
  spacingMm: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  affine: z.array(z.number()).length(16),
  window: z.strictObject({ low: z.number(), high: z.number() }),
  hasReference: z.boolean(),
  /** Where the crop was taken from: series (or file) and the crop's first voxel (x, y, z) there. */
  source: z.strictObject({ series: z.string(), origin: z.tuple([z.int(), z.int(), z.int()]) }),
  /** Things the importer wants the report to count, e.g. "z spacing was negative". */
  notes: z.array(z.string()),
  /** Where the same lesion is there at several time points. */
  followUp: z
    .strictObject({
      /** Which lesion this is: the same at every time point. */
      lesion: z.string(),
      /** 0 is the baseline. */
      timePoint: z.int().nonnegative(),
      /** Days since the baseline. */
      day: z.int().nonnegative(),
      /** By which the volume was made to differ from the baseline's; only where the course was constructed. */
      constructedFactor: z.number().positive().optional(),
    })
    .optional(),
});
export type Lesion = z.infer<typeof lesionSchema>;

export const dataOrigins = ["real", "semi-synthetic", "synthetic"] as const;

/** `meta` of a dataset manifest. */
export const datasetMetaSchema = z.strictObject({
  name: z.string(),
  lesions: z.int().nonnegative(),
  shards: z.int().nonnegative(),
  /** Which part this artifact is: the importer's whole, or one side of its split. */
  split: z.enum(["all", "train", "test"]),
  /** real: patients; semi-synthetic: real lesion shapes put into real CT; synthetic: drawn from nothing. Every report says which. */
  origin: z.enum(dataOrigins),
  /** Everything that was read but not taken, by reason. */
  skipped: z.record(z.string(), z.int().nonnegative()),
});
export type DatasetMeta = z.infer<typeof datasetMetaSchema>;
