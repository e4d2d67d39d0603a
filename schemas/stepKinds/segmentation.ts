import { z } from "zod";
import { checkMethodParams, methodParams, withMethodParams } from "./initialMasks.ts";
import type { StepKind } from "./stepKind.ts";

const predictions = { type: "predictions", summary: "one mask per lesion, on the lesion's own grid" } as const;

export const segmentationPredict = {
  kind: "segmentation.predict",
  version: 3,
  queue: "gpu",
  numerics: "network",
  shape: "sharded",
  summary: "segments every slice of each lesion with a trained network",
  params: z.strictObject({
    postprocess: z
      .enum(["none", "grabcut"])
      .default("none")
      .describe("grabcut: each slice is refined from the network's output (the paper's “-GC”)"),
    extent: z
      .number()
      .gt(0)
      .max(2)
      .default(0.75)
      .describe("Slices up to this distance from the RECIST slice are segmented, in long diameters"),
    testTimeFlip: z.boolean().default(false).describe("Average the outputs for the crop and its mirror image"),
  }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the lesions to segment" },
    model: { type: "model", summary: "the network" },
  },
  outputs: { predictions },
} as const satisfies StepKind;

export const segmentationClassical = {
  kind: "segmentation.classical",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "segments from the marks alone, without learning: the baselines of Tables 1 and 5",
  params: z
    .strictObject({
      method: z
        .enum([
          "grabcut-3d",
          "grabcut-3de",
          "grabcut-prior-3d",
          "ellipsoid",
          "recist",
          "dcrf",
          "grabcut",
          "grabcut-i",
          "grabcut-r",
          "grabcut-r-sr",
          "grabcut-prior",
          "ellipse",
        ])
        .describe(
          "3D: grabcut-3d (GrabCut-R from the same marks on every slice), grabcut-3de (from the marks projected to each slice), grabcut-prior-3d (one cut over the volume with a shape prior of the marks), ellipsoid; on the RECIST slice only: recist, dcrf, grabcut, grabcut-i, grabcut-r, grabcut-r-sr (bicubic), grabcut-prior, ellipse, as in labels.initial",
        ),
      ...methodParams,
    })
    .superRefine(checkMethodParams)
    .overwrite(withMethodParams),
  external: [],
  inputs: { lesions: { type: "dataset", summary: "the lesions to segment" } },
  outputs: { predictions },
} as const satisfies StepKind;
