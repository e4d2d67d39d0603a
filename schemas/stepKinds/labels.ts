import { z } from "zod";
import {
  checkEnhancedInput,
  checkMethodParams,
  enhancedPort,
  labelMethods,
  methodParams,
  withMethodParams,
} from "./initialMasks.ts";
import { harvestParams } from "./selfPaced.ts";
import type { StepKind } from "./stepKind.ts";

export const labelsInitial = {
  kind: "labels.initial",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "initial 2D masks Y on the RECIST slices, from the marks (§3.1)",
  params: z
    .strictObject({
      method: z
        .enum(labelMethods)
        .default("grabcut-r")
        .describe(
          "recist: dilated marks; recist-trimap: dilated marks against sure background, the rest ignored by the loss; dcrf: fully connected CRF from box and centre; grabcut: box; grabcut-i: box and its centre; grabcut-r: trimap of the marks; grabcut-r-sr: the same on the enhanced slice (input `enhanced`, else enlarged by bicubic interpolation); grabcut-prior: cut with a shape prior of the marks, learnt from real lesions; grabcut-prior-3d: the same, one cut over the volume; ellipse: drawn on the marks; reference: the true mask (full supervision; lesions without one are left out and counted)",
        ),
      slices: z
        .union([z.enum(["key", "all"]), z.int().min(1).max(100)])
        .default("key")
        .describe(
          "Which slices `reference` and `grabcut-prior-3d` label: the RECIST slice; all within 0.9 long diameters, empty ones beyond the lesion's ends among them; or that many on either side",
        ),
      ...methodParams,
    })
    .superRefine(checkMethodParams)
    .refine(({ method, slices }) => method === "reference" || method === "grabcut-prior-3d" || slices === "key", {
      path: ["slices"],
      message:
        "other than `key` is for methods reference and grabcut-prior-3d; the others need marks, which lie on the RECIST slice",
    })
    .overwrite(withMethodParams),
  external: [],
  inputs: { lesions: { type: "dataset", summary: "the lesions to label, of either side of the split" }, enhanced: enhancedPort },
  checkInputs: checkEnhancedInput,
  outputs: { labels: { type: "labels", summary: "one label map per lesion: 0 background, 1 lesion, 255 ignored" } },
} as const satisfies StepKind;

export const labelsHarvest = {
  kind: "labels.harvest",
  version: 3,
  queue: "gpu",
  numerics: "network",
  shape: "sharded",
  summary: "the set F of one self-paced round: labels on slices −k … k from the network's output and the projected marks (§3.3)",
  params: z.strictObject({ k: z.int().min(0).max(10).describe("Slices on either side of the RECIST slice"), ...harvestParams }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the lesions to harvest from" },
    model: { type: "model", summary: "θ of the round before" },
  },
  outputs: { labels: { type: "labels", summary: "F: label maps of the slices that could be harvested; the others are counted" } },
} as const satisfies StepKind;
