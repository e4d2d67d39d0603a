import { z } from "zod";
import { dataOrigins } from "../dataset.ts";
import type { StepKind } from "./stepKind.ts";

const lesions = { type: "dataset", summary: "a lesion for each proposal, with marks as measured in its mask" } as const;
const predictions = { type: "predictions", summary: "their masks, on the lesions' own grids" } as const;

export const lesionsPropose = {
  kind: "lesions.propose",
  version: 2,
  queue: "gpu",
  numerics: "network",
  shape: "sharded",
  summary: "looks for lesions in whole CT volumes with a network that works without marks, as cases for a person to confirm",
  params: z.strictObject({
    root: z
      .string()
      .min(1)
      .describe(
        "Folder with CT volumes: NIfTI files (names with `mask` are left out) and DICOM series (of at least 16 slices, in any subfolders); a relative path starts at the folder that holds pipelines/",
      ),
    title: z.string().min(1).max(200).default("A lesion?").describe("What the cases are called"),
    origin: z.enum(dataOrigins).default("real").describe("Where the volumes come from; every table says so"),
    lengthsMm: z
      .array(z.number().min(2).max(500))
      .min(1)
      .max(20)
      .default([16, 22.6, 32, 45, 64, 90, 128])
      .describe("Long diameters to look for, in mm; those between are found from these. The smallest one takes longest"),
    stride: z.number().min(0.1).max(1).default(0.5).describe("Distance of the places that are looked at, in lengths"),
    most: z.int().min(1).max(1000).default(50).describe("Proposals of a volume at most, the best ones"),
    leastScore: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe("Least score: the product of mean output, contrast, agreement of two looks and plausibility of the size"),
    mostShared: z
      .number()
      .min(0)
      .max(1)
      .default(0.3)
      .describe("Of two proposals that share more than this part of the smaller one, the better one stays"),
    window: z
      .strictObject({ low: z.number(), high: z.number() })
      .refine(({ low, high }) => low < high, "must ascend")
      .optional()
      .describe("Display window in HU; lung or soft tissue, place by place, if absent"),
  }),
  external: ["root"],
  inputs: { model: { type: "model", summary: "the network; trained without marks, and better also on places beside lesions" } },
  outputs: {
    cases: {
      type: "cases",
      summary: "a case for each proposal, volume by volume, the best first; proposals.jsonl has their scores",
    },
    lesions,
    predictions,
  },
} as const satisfies StepKind;

export const lesionsConfirm = {
  kind: "lesions.confirm",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "keeps the proposals that people confirmed",
  params: z.strictObject({
    confirm: z
      .string()
      .default("confirm")
      .describe("The answer that keeps a proposal; of several readers more than half must give it"),
  }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the proposals" },
    predictions: { type: "predictions", summary: "their masks" },
    cases: { type: "cases", summary: "what was looked at" },
    decisions: { type: "decisions", summary: "what was answered" },
  },
  outputs: { lesions, predictions },
} as const satisfies StepKind;
