import { z } from "zod";
import { harvestParams } from "./selfPaced.ts";
import type { StepKind } from "./stepKind.ts";

export const labelsInitial = {
  kind: "labels.initial",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "initial 2D masks Y on the RECIST slices, from the marks (§3.1)",
  params: z.strictObject({
    method: z
      .enum(["recist", "recist-trimap", "grabcut", "grabcut-i", "grabcut-r", "ellipse", "reference"])
      .default("grabcut-r")
      .describe(
        "recist: dilated marks; recist-trimap: dilated marks against sure background, the rest ignored by the loss; grabcut: box; grabcut-i: box and its centre; grabcut-r: trimap of the marks; ellipse: drawn on the marks; reference: the true mask (full supervision; lesions without one are left out and counted)",
      ),
  }),
  external: [],
  inputs: { lesions: { type: "dataset", summary: "the lesions to label, of either side of the split" } },
  outputs: { labels: { type: "labels", summary: "one label map per lesion: 0 background, 1 lesion, 255 ignored" } },
} as const satisfies StepKind;

export const labelsHarvest = {
  kind: "labels.harvest",
  version: 1,
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
