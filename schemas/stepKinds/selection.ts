import { z } from "zod";
import { categories } from "../dataset.ts";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

export const datasetFold = {
  kind: "dataset.fold",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "one fold of a cross validation by patient: over all folds, every lesion is tested once",
  params: z
    .strictObject({
      folds: z.int().min(2).max(100).default(5).describe("Number of folds (the paper's full supervision: 5)"),
      fold: z.int().min(0).describe("Which fold is tested, 0 to folds − 1"),
      seed: seedSchema.default(1).describe("Seed of the draw; the same in every fold of a cross validation"),
    })
    .refine(({ folds, fold }) => fold < folds, { path: ["fold"], message: "must be less than folds: the first is 0" }),
  external: [],
  inputs: { lesions: { type: "dataset", summary: "the lesions to divide; their own split does not matter" } },
  outputs: {
    train: { type: "dataset", summary: "the lesions of the other folds' patients" },
    test: { type: "dataset", summary: "the lesions of this fold's patients" },
  },
} as const satisfies StepKind;

const millimetres = z.number().positive().max(1000).optional();

export const datasetSelect = {
  kind: "dataset.select",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "takes lesions by their properties, or a drawn number of them; what is left out is counted",
  params: z
    .strictObject({
      split: z.enum(["train", "test"]).optional().describe("Only lesions on this side of their split"),
      hasReference: z.boolean().optional().describe("true: only lesions with a reference mask; false: only those without"),
      categories: z.array(z.enum(categories)).min(1).optional().describe("Only lesions of these categories"),
      minLongMm: millimetres.describe("Shortest long diameter in mm that is taken"),
      maxLongMm: millimetres.describe("Longest long diameter in mm that is taken"),
      lesions: z
        .int()
        .min(1)
        .optional()
        .describe(
          "At most so many of those lesions, patient after patient in a drawn order: a smaller number takes a part of what a larger one takes",
        ),
      seed: seedSchema.default(1).describe("Seed of the draw of patients"),
    })
    .refine(({ minLongMm = 0, maxLongMm = Infinity }) => minLongMm <= maxLongMm, {
      path: ["maxLongMm"],
      message: "must not be less than minLongMm",
    }),
  external: [],
  inputs: { lesions: { type: "dataset", summary: "the lesions to choose from" } },
  outputs: { lesions: { type: "dataset", summary: "the lesions that were taken" } },
} as const satisfies StepKind;

export const predictionsJoin = {
  kind: "predictions.join",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "predictions of one method for different lesions as one, e.g. those of the folds of a cross validation",
  params: z.strictObject({}),
  external: [],
  inputs: { predictions: { type: "predictions", summary: "the predictions to join, no lesion twice", many: true } },
  outputs: { predictions: { type: "predictions", summary: "the masks of all of them" } },
} as const satisfies StepKind;
