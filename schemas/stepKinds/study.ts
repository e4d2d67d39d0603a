import { z } from "zod";
import { seedSchema } from "./quantities.ts";
import type { StepKind } from "./stepKind.ts";

export const studyPrepare = {
  kind: "study.prepare",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary:
    "blinds masks for a study of readers: anonymous cases in random order, and a sealed key that only study.evaluate opens",
  params: z.strictObject({
    study: z
      .enum(["acceptance", "comparison"])
      .describe(
        "acceptance (Fig. 12): one mask a case, those of all sources mixed; comparison (Fig. 13): the masks of two sources side by side, in random order",
      ),
    title: z.string().min(1).max(200).default("Reader study").describe("What the cases are called"),
    reference: z
      .string()
      .min(1)
      .max(40)
      .optional()
      .describe("Name under which the data set's own reference masks are a source too, e.g. manual; they are not if absent"),
    lesions: z.int().min(1).max(20_000).default(1000).describe("Lesions of the study; all if there are fewer"),
    strata: z
      .enum(["none", "proportional", "equal"])
      .default("proportional")
      .describe("How lesions are drawn: from all; from every category by its share; from all categories equally many"),
    show: z
      .enum(["slice", "volume"])
      .default("slice")
      .describe(
        "slice: masks are shown on the RECIST slice alone, so that it cannot be seen which source fills one slice only; volume: on every slice, for 3D sources",
      ),
    neighbours: z
      .int()
      .min(0)
      .max(200)
      .default(8)
      .describe("Slices above and below the RECIST slice that a reader can scroll to, as far as the crop has them"),
    seed: seedSchema.default(1).describe("Seed of the drawing, the order and the sides"),
  }),
  external: [],
  inputs: {
    lesions: { type: "dataset", summary: "the lesions that are shown" },
    masks: {
      type: "predictions",
      summary: "the sources whose masks are judged, by display name",
      many: true,
      optional: true,
    },
  },
  outputs: { cases: { type: "cases", summary: "what readers are shown; it names the sealed key by its digest" } },
} as const satisfies StepKind;

export const studyEvaluate = {
  kind: "study.evaluate",
  version: 3,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary:
    "opens a study's sealed key: acceptance rates or preferences with intervals, agreement within and between readers, time, changes of mind",
  params: z.strictObject({ seed: seedSchema.default(1).describe("Seed of the resampling of patients") }),
  external: [],
  inputs: {
    cases: { type: "cases", summary: "what was shown, of study.prepare" },
    decisions: { type: "decisions", summary: "what readers answered" },
  },
  outputs: { study: { type: "study", summary: "study.json, decisions.csv with the sources named, and the opened key" } },
} as const satisfies StepKind;
