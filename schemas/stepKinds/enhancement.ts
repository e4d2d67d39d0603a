import { z } from "zod";
import type { StepKind } from "./stepKind.ts";

/** How much finer a lesion's picture is than its slice (READINGS 11). */
export const zoomSchema = z.union([
  z.literal("auto"),
  z.number().min(2).max(5),
  z.strictObject({
    longAxisPx: z.int().min(8).max(512).describe("Pixels that the long diameter is to have; the zoom stays between 2 and 5"),
  }),
]);

export const enhancementApply = {
  kind: "enhancement.apply",
  version: 1,
  queue: "gpu",
  numerics: "network",
  shape: "sharded",
  summary: "denoises and enhances the ROI of each lesion at the lesion's zoom, as a radiologist zooms in to measure (§3.4)",
  params: z.strictObject({
    method: z
      .enum(["bicubic", "sgan"])
      .default("sgan")
      .describe("sgan: the stacked GAN, denoiser then enhancer; bicubic: enlarged by interpolation only, the baseline"),
    zoom: zoomSchema
      .default("auto")
      .describe(
        "How much finer the picture is than the slice, 2 to 5; auto: the whole number that brings the ROI nearest to 128 pixels; longAxisPx: the zoom that brings the long diameter to so many pixels",
      ),
    slices: z
      .union([z.literal("key"), z.int().min(1).max(10)])
      .default("key")
      .describe("key: the RECIST slice; a number: that many slices on either side too, as far as the scan has them"),
  }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the lesions to enhance" },
    denoiser: { type: "enhancer", summary: "first stage of the stacked GAN (method sgan)", optional: true },
    enhancer: { type: "enhancer", summary: "second stage of the stacked GAN (method sgan)", optional: true },
  },
  outputs: {
    enhanced: { type: "enhanced", summary: "per lesion the ROI enlarged by interpolation, denoised and enhanced, on one grid" },
  },
  checkInputs: ({ method }, given) => {
    const stages = ["denoiser", "enhancer"].filter((stage) => given.has(stage));
    if (method === "sgan" && stages.length < 2) return "method sgan needs inputs `denoiser` and `enhancer`";
    return method === "bicubic" && stages.length > 0 ? `method bicubic uses no ${stages.join(" and no ")}` : null;
  },
} as const satisfies StepKind;
