import { z } from "zod";
import { fractionSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";
import { trainingOverridesSchema } from "./training.ts";

/** How a CNN output becomes a trimap (§3.3, READINGS 6 and 7). */
export const harvestParams = {
  coverage: fractionSchema
    .default(0.5)
    .describe("Share of the marks' pixels that {Y ≥ t} must cover; t is the largest such threshold"),
  high: fractionSchema.default(0.8).describe("CNN output at and above which a pixel is sure foreground"),
  low: fractionSchema.default(0.2).describe("CNN output at and below which a pixel is sure background"),
  cut: z
    .enum(["grabcut", "prior"])
    .default("grabcut")
    .describe(
      "grabcut: from the trimap of each slice (the paper's); prior: one cut over all slices, whose evidence is the network's output, the shape prior of the marks and HU; it labels slices beyond the marks too and uses none of coverage, high, low, beyond",
    ),
  beyond: z
    .enum(["leave-out", "background"])
    .default("leave-out")
    .describe(
      "Slices half a long diameter and more from the RECIST slice, where the projected marks have ended: left out, or labelled as background, so that the network learns where a lesion ends",
    ),
};

export const segmentationSelfPaced = {
  kind: "segmentation.self-paced",
  version: 1,
  queue: "gpu",
  numerics: "network",
  shape: "workflow",
  summary: "Algorithm 1: K rounds of harvesting labels on neighbouring slices and training on them",
  params: z
    .strictObject({
      K: z.int().min(1).max(10).default(2).describe("Rounds; round k learns from slices −k … k (K = 2: five slices)"),
      ...harvestParams,
      training: trainingOverridesSchema,
    })
    .refine(({ high, low }) => low < high, { path: ["low"], message: "must lie below `high`" }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the set D; round k reads slices r − k … r + k" },
    model: { type: "model", summary: "θ⁰, trained on RECIST slices" },
  },
  outputs: {
    model: { type: "model", summary: "θᴷ" },
    labels: { type: "labels", summary: "F of the last round" },
  },
} as const satisfies StepKind;
