import { z } from "zod";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

const lengthsMm = z
  .array(z.number().positive())
  .max(16)
  .refine((values) => values.every((value, i) => i === 0 || value > values[i - 1]), "must ascend");

export const evaluate = {
  kind: "evaluate",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary:
    "measures predictions against reference masks: overlap, VS, AVD, Hausdorff, surface Dice, volume; by lesion, category, size and slice offset",
  params: z.strictObject({
    tolerancesMm: lengthsMm.default([1, 3]).describe("Tolerances of the surface Dice in mm"),
    sizesMm: lengthsMm
      .default([10, 20, 30])
      .describe("Long diameters in mm at which one size of lesions ends and the next begins"),
    bootstrap: z
      .strictObject({
        unit: z
          .enum(["patient", "lesion"])
          .default("patient")
          .describe("What is drawn with replacement; lesions of one patient are not independent"),
        resamples: z.int().min(0).max(100_000).default(1000).describe("Number of resamples; 0 = no intervals"),
        level: z.number().gt(0).lt(1).default(0.95).describe("Coverage of the intervals"),
        seed: seedSchema.default(1).describe("Seed of the resampling"),
      })
      .prefault({})
      .describe("Confidence intervals of the means"),
  }),
  external: [],
  inputs: {
    predictions: { type: "predictions", summary: "the methods to compare, by display name", many: true },
    reference: { type: "dataset", summary: "the lesions with their reference masks; those without one are counted and left out" },
  },
  outputs: { evaluation: { type: "evaluation", summary: "figures per lesion, slice, method and stratum" } },
} as const satisfies StepKind;

export const report = {
  kind: "report",
  version: 6,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "one self-contained page with tables, figures, training curves, counts of everything left out, and a gallery",
  params: z.strictObject({
    title: z.string().min(1).max(200).default("Lesion segmentation").describe("Heading of the page"),
    gallery: z
      .int()
      .min(0)
      .max(200)
      .default(12)
      .describe("Lesions to show, from the worst to the best; where none has a reference mask, some of all"),
  }),
  external: [],
  inputs: {
    evaluation: { type: "evaluation", summary: "the figures, by display name where there are several", many: true },
    lesions: { type: "dataset", summary: "data sets to describe and to show", optional: true, many: true },
    labels: { type: "labels", summary: "label sets whose counts are to be shown", optional: true, many: true },
    models: {
      type: "model",
      summary: "models whose training is to be shown; of a self-paced one every round, with what it harvested",
      optional: true,
      many: true,
    },
    enhancers: {
      type: "enhancer",
      summary: "stages of the stacked GAN whose training is to be told",
      optional: true,
      many: true,
    },
    quality: { type: "quality", summary: "image quality to show, by display name", optional: true, many: true },
    predictions: { type: "predictions", summary: "masks to draw in the gallery, by display name", optional: true, many: true },
    volumes: {
      type: "volumes",
      summary: "volumes over time, and responses where they were assessed",
      optional: true,
      many: true,
    },
    studies: { type: "study", summary: "studies of readers to tell of, by display name", optional: true, many: true },
  },
  outputs: { report: { type: "report", summary: "HTML, tables as CSV, figures as SVG" } },
} as const satisfies StepKind;

/** Not for pipelines: the interpreter adds it to every report when the campaign is done. */
export const campaignPage = {
  kind: "campaign.page",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "the report's page with the campaign that it belongs to: its steps as they were run, and where every number came from",
  params: z.strictObject({}),
  external: [],
  inputs: {
    campaign: { type: "source", summary: "the campaign's steps with their records" },
    report: { type: "report", summary: "the report's content" },
  },
  outputs: { page: { type: "report", summary: "report.html, numbers.json, scores.csv, strata.csv and figures" } },
} as const satisfies StepKind;
