import { z } from "zod";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

const shardSize = z.int().min(1).max(256).default(16).describe("Pictures per shard: the unit of parallel work");

const outputs = { images: { type: "images", summary: "the pictures, in grey" } } as const;

export const imagesImport = {
  kind: "images.import",
  version: 2,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "reads a folder of photographs in grey, to train image enhancement on (§3.4: DIV2K)",
  params: z.strictObject({
    root: z
      .string()
      .min(1)
      .describe(
        "Folder of PNG and JPEG files, with its subfolders; a relative path starts at the folder that holds `pipelines/`",
      ),
    smallest: z
      .int()
      .min(16)
      .max(4096)
      .default(128)
      .describe("Photographs with a side below this many pixels are left out and counted; no patch may be larger"),
    shardSize,
  }),
  external: ["root"],
  inputs: {},
  outputs,
} as const satisfies StepKind;

export const imagesSynthesize = {
  kind: "images.synthesize",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "draws pictures (dead leaves) where there are no photographs; reports say that they were drawn",
  params: z.strictObject({
    images: z.int().min(1).max(10_000).default(48).describe("Number of pictures"),
    side: z.int().min(64).max(2048).default(256).describe("Side of the square pictures in pixels"),
    shardSize,
    seed: seedSchema.default(1).describe("Seed of the drawings"),
  }),
  external: [],
  inputs: {},
  outputs,
} as const satisfies StepKind;
