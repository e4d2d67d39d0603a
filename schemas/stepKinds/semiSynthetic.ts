import { z } from "zod";
import { markNoiseSchema, shardSizeSchema, splitOutputs } from "./datasets.ts";
import { fractionSchema, seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

const weight = z.number().min(0).max(1000);

/** Shares of the sets of an archive of shapes (ULS23); what is not named is not used. */
const setsSchema = z
  .strictObject({
    DeepLesion3D: weight.optional(),
    NIH_LN_ABD: weight.optional(),
    NIH_LN_MED: weight.optional(),
    Radboudumc_Bone: weight.optional(),
    Radboudumc_Pancreas: weight.optional(),
    kits21: weight.optional(),
    "LIDC-IDRI": weight.optional(),
    LiTS: weight.optional(),
    MDSC_Task06_Lung: weight.optional(),
    MDSC_Task07_Pancreas: weight.optional(),
    MDSC_Task10_Colon: weight.optional(),
  })
  .refine((sets) => Object.values(sets).some((share) => (share ?? 0) > 0), { message: "gives no set a weight" });

/** Lesions of the patients that are kept for acceptance, by the beginnings of their shapes' names. */
const keptForAcceptance = ["lidcidri_195_", "000001_", "000002_", "000009_", "000010_", "000015_"];

export const datasetImplant = {
  kind: "dataset.implant",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "puts real lesion shapes into real CT; its report is called semi-synthetic",
  params: z.strictObject({
    shapes: z
      .string()
      .min(1)
      .describe(
        "Folder with masks_tight_index.json and masks_tight_packbits_zyx.bin.gz: 3D lesion masks without images; path as for `root` of dataset.import",
      ),
    backgrounds: z
      .string()
      .min(1)
      .describe(
        "Folder with a folder per CT: one NIfTI image, and masks in NIfTI whose names hold gtv, tumor, lesion or forbidden where nothing may be put (masks of organs are not read); path as for `root`",
      ),
    lesions: z.int().min(1).max(100_000).default(48).describe("Number of lesions"),
    sets: setsSchema
      .optional()
      .describe("Weights of the sets that shapes are drawn from; if absent DeepLesion3D 0.25, kits21 and LiTS 0.12, others less"),
    exclude: z
      .array(z.string().min(1))
      .default(keptForAcceptance)
      .describe("Shapes whose names start with one of these are never used; the default keeps patients of acceptance tests out"),
    testFraction: fractionSchema
      .default(0.2)
      .describe(
        "Share of the lesions, and of the shapes' patients, that is kept for testing, 0 to 1; a patient's side does not depend on the seed",
      ),
    longAxisPx: z
      .tuple([z.number().min(8).max(200), z.number().min(8).max(200)])
      .refine(([shortest, longest]) => shortest <= longest, { message: "is the shortest and the longest, in this order" })
      .default([14, 70])
      .describe("Shortest and longest long axis in pixels of the CT; log-uniform between them"),
    depthScale: z
      .tuple([z.number().min(0.2).max(5), z.number().min(0.2).max(5)])
      .refine(([flattest, deepest]) => flattest <= deepest, { message: "is the least and the greatest stretch, in this order" })
      .optional()
      .describe(
        "Least and greatest stretch of shapes across slices, log-uniform between them; if absent 0.82 to 1.22. Wider, a network relies less on lesions being as deep as they are wide",
      ),
    neighbours: fractionSchema.default(0.35).describe("Share of the lesions with a second, unmarked lesion beside them"),
    cutBoneAndAir: z
      .boolean()
      .default(true)
      .describe("Cut bone out of 60 % of the lesions and air out of 70 % of those outside the lung; else lesions cover both"),
    markNoise: markNoiseSchema,
    reach: z
      .strictObject({
        inSlice: z
          .number()
          .min(1)
          .max(3)
          .default(1)
          .describe("Half a side of the square of CT that is kept around the marks; 1.6 holds crops that are turned and widened"),
        acrossSlices: z
          .number()
          .min(0.5)
          .max(2)
          .default(0.75)
          .describe("Slices kept above and below, where that is more than four slices"),
      })
      .prefault({})
      .describe("How much CT is kept around each lesion, in long diameters"),
    shardSize: shardSizeSchema,
    seed: seedSchema.default(1).describe("Seed of shapes, places, images and marks"),
  }),
  external: ["shapes", "backgrounds"],
  inputs: {},
  outputs: splitOutputs,
} as const satisfies StepKind;
