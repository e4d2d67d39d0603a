import { z } from "zod";
import { protocolSchema } from "../reading.ts";
import { seedSchema } from "./quantities.ts";
import { deadlineIsGiven, decideParams, policyIsGiven, policySchema } from "./reading.ts";
import type { StepKind } from "./stepKind.ts";

export const enhancementCases = {
  kind: "enhancement.cases",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "enhanced slices as cases to look at: original, denoised and enhanced beside each other; no picture is copied",
  params: z.strictObject({
    title: z.string().min(1).max(200).default("Enhanced slices").describe("What the cases are called"),
  }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "their lesions, for marks and categories" },
    enhanced: { type: "enhanced", summary: "the slices" },
  },
  outputs: { cases: { type: "cases", summary: "a case for every lesion" } },
} as const satisfies StepKind;

const { readers, finishedBy, claimMinutes, deadline, remindHours } = protocolSchema.shape;

export const enhancementCurate = {
  kind: "enhancement.curate",
  version: 1,
  queue: "gpu",
  numerics: "network",
  shape: "workflow",
  summary: "rounds in which the stacked GAN enhances slices, people select good ones, and it learns from these (§3.4)",
  params: z
    .strictObject({
      rounds: z.int().min(1).max(20).default(3).describe("Rounds at most; a verdict that nothing improves ends them earlier"),
      atMost: z.int().positive().default(1000).describe("Slices that may be selected in a round (the paper's 1,000)"),
      readers,
      finishedBy,
      claimMinutes,
      deadline,
      remindHours,
      ...decideParams,
      policy: policySchema
        .omit({ answer: true, otherwise: true, atMost: true })
        .optional()
        .describe("The rule, where one may decide"),
      training: z
        .strictObject({
          steps: z.int().min(1).max(10_000_000).default(20_000).describe("Steps of fine-tuning, of either stage"),
          rate: z.number().gt(0).max(1).default(1e-5).describe("Adam's learning rate at the start"),
          batch: z.int().min(1).max(1024).default(16).describe("Crops per step"),
          checkpointEverySteps: z.int().min(1).max(1_000_000).default(500).describe("Steps between checkpoints"),
          seed: seedSchema.default(1).describe("Seed of crops and degradations"),
        })
        .prefault({})
        .describe("How a round's selection is learnt from"),
    })
    .refine(...policyIsGiven)
    .refine(...deadlineIsGiven),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the lesions whose RECIST slices are enhanced" },
    images: { type: "images", summary: "pictures of high quality that are learnt from beside the selection" },
    denoiser: { type: "enhancer", summary: "first stage of the stacked GAN" },
    enhancer: { type: "enhancer", summary: "second stage" },
  },
  outputs: {
    enhancer: { type: "enhancer", summary: "second stage after the last round" },
    denoiser: { type: "enhancer", summary: "first stage after the last round" },
    decisions: { type: "decisions", summary: "what was selected in the last round" },
  },
} as const satisfies StepKind;
