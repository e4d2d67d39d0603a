import { z } from "zod";
import { categories } from "../dataset.ts";
import { fractionSchema, seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

export const splitOutputs = {
  all: { type: "dataset", summary: "every lesion" },
  train: { type: "dataset", summary: "the lesions of the training patients" },
  test: { type: "dataset", summary: "the lesions of the test patients" },
} as const;

export const shardSizeSchema = z
  .int()
  .min(1)
  .max(1024)
  .default(16)
  .describe(
    "Lesions per shard (volumes, where the lesions of a volume are read together): the unit of parallel work and of what is lost when a worker dies",
  );

export const markNoiseSchema = z
  .number()
  .min(0)
  .max(0.5)
  .default(0)
  .describe(
    "Reading noise of marks that are measured in reference masks: each axis is scaled by 1 ± this fraction, drawn uniformly (the paper's lymph nodes: 0.2)",
  );

export const datasetImport = {
  kind: "dataset.import",
  version: 5,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "reads marked lesions from CT files and cuts a crop around each",
  params: z
    .strictObject({
      format: z
        .enum(["deeplesion", "nifti-masks", "lymph-nodes", "marked-scans"])
        .describe(
          "deeplesion: DL_info.csv and Images_png, with reference masks from masks3d where they exist; nifti-masks: folders that hold a CT and a mask in NIfTI, from which the marks are measured; lymph-nodes: TCIA's CT Lymph Nodes, DICOM series (or NIfTI volumes) and MED_ABD_LYMPH_MASKS, marks measured likewise; marked-scans: marks.json or marks.csv, whose lesions name their image (NIfTI, DICOM series, PNG slices) and patient, and may name a reference mask; without them, DICOM series with the structured reports (TID 1500) in which a viewer saved their long and short axes",
        ),
      root: z
        .string()
        .min(1)
        .describe(
          "Folder of the data; a relative path starts at the folder that holds `pipelines/` (or at the pipeline file's own folder)",
        ),
      split: z
        .discriminatedUnion("by", [
          z.strictObject({
            by: z.literal("patient").describe("All lesions of a patient fall on the same side"),
            test: fractionSchema.default(0.2).describe("Share of the patients that is kept for testing, 0 to 1"),
            seed: seedSchema.optional().describe("Seed of the split; the step's seed if absent"),
          }),
          z.strictObject({ by: z.literal("official").describe("The source's own split: train and validation against test") }),
        ])
        .prefault({ by: "patient" })
        .describe("How lesions are divided into `train` and `test`"),
      markNoise: markNoiseSchema,
      noisyRows: z
        .enum(["skip", "keep"])
        .default("skip")
        .describe("DeepLesion rows marked `Possibly_noisy`; skipped rows are counted in the report"),
      shardSize: shardSizeSchema,
      seed: seedSchema.default(1).describe("Seed of the split and of the mark noise"),
    })
    .refine(({ format, markNoise }) => !["deeplesion", "marked-scans"].includes(format) || markNoise === 0, {
      path: ["markNoise"],
      message: "is for marks measured in masks (nifti-masks, lymph-nodes); others were drawn by readers",
    }),
  external: ["root"],
  inputs: {},
  outputs: splitOutputs,
} as const satisfies StepKind;

export const datasetSynthesize = {
  kind: "dataset.synthesize",
  version: 2,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "draws phantom CT with lesions of known shape; its report is called synthetic",
  params: z.strictObject({
    lesions: z.int().min(1).max(100_000).default(48).describe("Number of lesions"),
    categories: z
      .array(z.enum(categories).exclude(["unknown"]))
      .min(1)
      .optional()
      .describe("Lesion categories to draw from, in equal shares; all eight if absent"),
    thickSlices: fractionSchema.default(0.5).describe("Share of lesions on thick slices (5 mm instead of 1 mm), 0 to 1"),
    testFraction: fractionSchema.default(0.25).describe("Share of the patients that is kept for testing, 0 to 1"),
    markNoise: markNoiseSchema,
    shardSize: shardSizeSchema,
    seed: seedSchema.default(1).describe("Seed of shapes, images, marks and split"),
  }),
  external: [],
  inputs: {},
  outputs: splitOutputs,
} as const satisfies StepKind;
