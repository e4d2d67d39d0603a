import { z } from "zod";
import { fractionSchema, seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

const rate = z.number().gt(0).max(1);

const phase = (steps: number, given: { rate: number; lowRate: number }) =>
  z
    .strictObject({
      steps: z.int().min(0).max(10_000_000).default(steps).describe("Steps of this phase; 0 = none"),
      rate: rate.default(given.rate).describe("Adam's learning rate at the start"),
      lowRate: rate.default(given.lowRate).describe("Adam's learning rate at the end; half a cosine leads there"),
      warmup: z.int().min(0).max(1_000_000).default(0).describe("Steps in which the rate rises from 0"),
    })
    .prefault({});

const range = (low: number, high: number, first: readonly [number, number], text: string) =>
  z
    .tuple([z.number().min(low).max(high), z.number().min(low).max(high)])
    .refine(([from, to]) => from <= to, "must ascend")
    .default([...first])
    .describe(text);

/** What is made of the parameters that are left out: the paper's sizes, which differ between the stages (supplement). */
const stageSizes = { denoise: { blocks: 9, patch: 32 }, enhance: { blocks: 16, patch: 128 } } as const;

export const enhancementTrain = {
  kind: "enhancement.train",
  version: 1,
  queue: "gpu",
  numerics: "network",
  shape: "single",
  checkpoints: true,
  summary: "trains one stage of the stacked GAN on pairs made from good pictures (§3.4)",
  params: z
    .strictObject({
      stage: z
        .enum(["denoise", "enhance"])
        .describe(
          "denoise: G1 and D1, which remove noise; enhance: G2 and D2, which sharpen enlarged slices and raise their contrast",
        ),
      width: z
        .number()
        .gt(0)
        .max(2)
        .default(1)
        .describe("Multiple of the published number of feature maps (64 in the generator)"),
      blocks: z
        .int()
        .min(1)
        .max(64)
        .optional()
        .describe("Residual blocks of the generator; if absent the paper's: 9 to denoise, 16 to enhance"),
      norm: z
        .enum(["batch", "none"])
        .default("batch")
        .describe("Normalisation in the generator's residual blocks; none suits small trainings and a high PSNR"),
      skip: z
        .enum(["image", "features"])
        .default("image")
        .describe(
          "image: the generator gives a correction that is added to its input, which a small training learns sooner; features: it gives the image itself, as SRGAN does",
        ),
      patch: z
        .int()
        .min(16)
        .max(512)
        .optional()
        .describe("Side of the crops in pixels; if absent the paper's: 32 to denoise, 128 to enhance"),
      batch: z.int().min(1).max(1024).default(16).describe("Crops per step"),
      noise: range(
        0,
        255,
        [0, 50],
        "denoise: standard deviation of the white noise, from above the first to the second, in grey levels of 255",
      ),
      scale: range(1, 16, [1, 4], "enhance: factor by which a crop is made smaller and then larger again"),
      smoothing: range(0, 16, [0, 3], "enhance: standard deviation of the smoothing, in pixels of the smaller crop"),
      contrast: range(1, 16, [1, 3], "enhance: the distance of grey values from the crop's mean is divided by this"),
      pretraining: phase(100_000, { rate: 1e-4, lowRate: 1e-5 }).describe("First the generator alone, on the pixel loss"),
      adversarial: phase(200_000, { rate: 1e-4, lowRate: 1e-5 }).describe("Then discriminator and generator in turns"),
      losses: z
        .strictObject({
          pixel: z.number().min(0).max(1000).default(1).describe("Mean squared error of grey values in 0 … 1"),
          perceptual: z
            .number()
            .min(0)
            .max(1000)
            .default(0.1)
            .describe("Squared distance of the features of a network, relative to the features' own size"),
          adversarial: z.number().min(0).max(1000).default(1e-3).describe("−log D(G(x)) (SRGAN: 10⁻³)"),
        })
        .prefault({})
        .describe("Factors of the generator's losses in the adversarial phase"),
      featureWidth: z
        .number()
        .gt(0)
        .max(1)
        .default(0.25)
        .describe(
          "Perceptual loss without input `features`: width of a VGG-16 with fixed random weights, or of that in `featureWeights`",
        ),
      featureWeights: z
        .string()
        .min(1)
        .optional()
        .describe(
          "Perceptual loss: safetensors file with VGG-16's weights, under torchvision's names or ours; path as for `root`",
        ),
      slicesShare: fractionSchema
        .default(0.5)
        .describe("With input `slices`: share of the crops that is drawn from the selected slices"),
      selected: z.string().default("select").describe("With input `decisions`: the answer that selects a slice"),
      validation: z
        .number()
        .min(0)
        .max(0.5)
        .default(0.1)
        .describe("Share of the pictures that no crop is trained on; pairs from them measure the PSNR of the history"),
      reportEverySteps: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(1000)
        .describe("Steps over which the history's losses are averaged"),
      checkpointEverySteps: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(500)
        .describe("Steps between checkpoints: the most that is lost when a machine dies"),
      seed: seedSchema.default(1).describe("Seed of initial weights, crops and degradations"),
    })
    .refine(({ pretraining, adversarial }) => pretraining.steps + adversarial.steps > 0, {
      path: ["pretraining", "steps"],
      message: "no step in either phase",
    })
    .overwrite((params) => ({
      ...params,
      blocks: params.blocks ?? stageSizes[params.stage].blocks,
      patch: params.patch ?? stageSizes[params.stage].patch,
    })),
  external: ["featureWeights"],
  inputs: {
    images: { type: "images", summary: "pictures of high quality" },
    init: { type: "enhancer", summary: "the same stage, trained before, to go on from", optional: true },
    features: { type: "model", summary: "an HNN that sees the slice alone, for the perceptual loss", optional: true },
    slices: {
      type: "enhanced",
      summary: "enhanced CT slices: the selected ones are learnt from as pictures of high quality, at this stage's result",
      optional: true,
    },
    decisions: { type: "decisions", summary: "which of the `slices` were selected; all if absent", optional: true },
  },
  outputs: { enhancer: { type: "enhancer", summary: "generator and discriminator of the stage" } },
  checkInputs: ({ featureWeights }, given) => {
    if (given.has("features") && featureWeights !== undefined) return "compares by a model: leave `featureWeights` out";
    return given.has("decisions") && !given.has("slices") ? "`decisions` need the `slices` that they are about" : null;
  },
} as const satisfies StepKind;
