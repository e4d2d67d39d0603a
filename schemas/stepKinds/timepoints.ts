import { z } from "zod";
import { datasetImplant } from "./semiSynthetic.ts";
import type { StepKind } from "./stepKind.ts";

const { shapes, backgrounds, sets, exclude, testFraction, longAxisPx, neighbours, markNoise, shardSize, seed } =
  datasetImplant.params.shape;

export const timepointsConstruct = {
  kind: "timepoints.construct",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary:
    "constructs lesions at several time points: real shapes put into real CT, grown and shrunk by known factors; no patient was followed",
  params: z.strictObject({
    shapes,
    backgrounds,
    lesions: z.int().min(1).max(100_000).default(24).describe("Number of lesions, each at every time point"),
    followUps: z.int().min(1).max(12).default(1).describe("Time points after the first one"),
    intervalDays: z.int().min(1).max(10_000).default(56).describe("Days from one time point to the next"),
    growth: z
      .tuple([z.number().min(0.05).max(1), z.number().min(1).max(20)])
      .default([0.3, 3])
      .describe("Smallest and largest factor of a volume from one time point to the next; log-uniform between them"),
    unevenness: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.15)
      .describe("Each axis grows by up to this more or less than the others, in logarithms; the volume's factor stays"),
    stable: z.number().min(0).max(1).default(0.2).describe("Share of the lesions that do not change, for repeatability"),
    sets,
    exclude,
    testFraction,
    longAxisPx,
    neighbours,
    markNoise,
    shardSize,
    seed,
  }),
  external: ["shapes", "backgrounds"],
  inputs: {},
  outputs: datasetImplant.outputs,
} as const satisfies StepKind;
