import { z } from "zod";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

export const volumesMeasure = {
  kind: "volumes.measure",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary:
    "volumes of lesions at every time point: by the reference masks, by the predictions of any method, and by the ellipsoid πLW²/6 on the marks",
  params: z.strictObject({
    level: z.number().gt(0).lt(1).default(0.95).describe("Coverage of the intervals"),
    resamples: z
      .int()
      .min(0)
      .max(100_000)
      .default(2000)
      .describe("Resamples of patients for the intervals of R² and of the slope; 0 = no intervals"),
    seed: seedSchema.default(1).describe("Seed of the resampling"),
  }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the lesions at their time points; those that belong to none are one lesion each" },
    predictions: { type: "predictions", summary: "masks of the methods to compare, by display name", many: true, optional: true },
  },
  outputs: { volumes: { type: "volumes", summary: "volumes and diameters by lesion, time point and method" } },
} as const satisfies StepKind;

const days = z.number().min(0).max(10_000);

export const responseAssess = {
  kind: "response.assess",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary:
    "RECIST 1.1 per patient and time point from the marks, and what the volumes of a method say beside it; every lesion is a target",
  params: z.strictObject({
    method: z
      .string()
      .min(1)
      .default("reference")
      .describe("Whose volumes: a display name of the measured volumes, or reference"),
    lymphNodes: z
      .boolean()
      .default(false)
      .describe("The lesions are lymph nodes: their short axes are summed, and below 10 mm they are normal"),
    stableDays: days.default(42).describe("Days after the baseline at which a disease must be stable to count as SD"),
    confirmationDays: days.default(28).describe("Days after which a response must be met again to be confirmed"),
    volumeResponse: z
      .number()
      .gt(0)
      .max(1)
      .default(0.65)
      .describe("Decrease of the volume that counts as PR; for a sphere about RECIST's −30 %, but no part of RECIST"),
    volumeProgression: z
      .number()
      .gt(0)
      .max(100)
      .default(0.73)
      .describe("Growth of the volume that counts as PD; for a sphere about RECIST's +20 %, but no part of RECIST"),
  }),
  external: [],
  inputs: { volumes: { type: "volumes", summary: "volumes and diameters at every time point" } },
  outputs: { volumes: { type: "volumes", summary: "the same with the responses of every patient" } },
} as const satisfies StepKind;
