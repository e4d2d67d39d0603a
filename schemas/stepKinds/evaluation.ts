import { z } from "zod";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

export const evaluate = {
  kind: "evaluate",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "measures predictions against reference masks: precision, recall, Dice, VS, AVD; by category and by slice offset",
  params: z.strictObject({
    bootstrap: z
      .strictObject({
        resamples: z.int().min(0).max(100_000).default(1000).describe("Resamples of the lesions; 0 = no intervals"),
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
  outputs: { evaluation: { type: "evaluation", summary: "figures per lesion, method and stratum" } },
} as const satisfies StepKind;

export const report = {
  kind: "report",
  version: 2,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "one self-contained page with tables, figures, training curves, counts of everything left out, and a gallery",
  params: z.strictObject({
    title: z.string().min(1).max(200).default("Lesion segmentation").describe("Heading of the page"),
    gallery: z.int().min(0).max(200).default(12).describe("Lesions to show, from the worst to the best"),
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
    predictions: { type: "predictions", summary: "masks to draw in the gallery, by display name", optional: true, many: true },
  },
  outputs: { report: { type: "report", summary: "HTML, tables as CSV, figures as SVG" } },
} as const satisfies StepKind;

/** Not for pipelines: the interpreter adds it to every report when the campaign is done. */
export const campaignPage = {
  kind: "campaign.page",
  version: 1,
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
  outputs: { page: { type: "report", summary: "report.html, numbers.json, scores.csv and figures" } },
} as const satisfies StepKind;
