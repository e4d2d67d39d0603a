import { z } from "zod";
import {
  checkEnhancedInput,
  checkMethodParams,
  enhancedPort,
  methodParams,
  sliceMethods,
  volumeMethods,
  withMethodParams,
} from "./initialMasks.ts";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

const predictions = { type: "predictions", summary: "one mask per lesion, on the lesion's own grid" } as const;

export const segmentationPredict = {
  kind: "segmentation.predict",
  version: 4,
  queue: "gpu",
  numerics: "network",
  shape: "sharded",
  summary: "segments every slice of each lesion with a trained network",
  params: z
    .strictObject({
      postprocess: z
        .enum(["none", "grabcut", "prior"])
        .default("none")
        .describe(
          "grabcut: each slice is refined from the network's output (the paper's “-GC”); prior: one cut over the volume with a shape prior of the marks, as in grabcut-prior-3d, with the network's output as a further witness",
        ),
      extent: z
        .number()
        .gt(0)
        .max(2)
        .default(0.75)
        .describe("Slices up to this distance from the RECIST slice are segmented, in long diameters"),
      slices: z
        .literal("key")
        .optional()
        .describe("key: the RECIST slice only, and its masks stand in 2D tables only; if absent, all within `extent`"),
      testTimeFlip: z.boolean().default(false).describe("Average the outputs for the crop and its mirror images"),
      threshold: z.number().gt(0).lt(1).default(0.5).describe("Least output of a lesion's pixel"),
      marks: z
        .enum(["use", "absent", "measured"])
        .default("use")
        .describe(
          "absent: the network sees a box in place of the marks, 2 long diameters wide around their centre; neither it nor what follows knows more of them; measured: likewise, and the diameters of what the network finds on the box's slice are its marks on the others",
        ),
      box: z
        .strictObject({
          length: z.number().min(0).max(1).default(0).describe("Change the box's side by up to exp(± this)"),
          shift: z.number().min(0).max(0.5).default(0).describe("Standard deviation of its centre, in long diameters"),
          seed: seedSchema.default(1).describe("Seed of both"),
        })
        .prefault({})
        .describe("Where marks are absent: how roughly the box is drawn"),
    })
    .refine(({ marks, postprocess }) => marks === "use" || postprocess === "none", {
      path: ["postprocess"],
      message: "must be `none` without marks: trimap and shape prior are made of them",
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
        .enum([...volumeMethods, ...sliceMethods])
        .describe(
          "3D: grabcut-3d (GrabCut-R from the same marks on every slice), grabcut-3de (from the marks projected to each slice), grabcut-prior-3d (one cut over the volume with a shape prior of the marks), ellipsoid; on the RECIST slice only: recist, dcrf, grabcut, grabcut-i, grabcut-r, grabcut-r-sr, grabcut-prior, ellipse, as in labels.initial",
        ),
      ...methodParams,
    })
    .superRefine(checkMethodParams)
    .overwrite(withMethodParams),
  external: [],
  inputs: { lesions: { type: "dataset", summary: "the lesions to segment" }, enhanced: enhancedPort },
  checkInputs: checkEnhancedInput,
  outputs: { predictions },
} as const satisfies StepKind;
