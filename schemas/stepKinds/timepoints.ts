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

const path = z.string().min(1).optional();

export const timepointsSuggest = {
  kind: "timepoints.suggest",
  version: 2,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary:
    "suggests which lesions of a patient's successive time points are the same, from position, size, HU and category, as cases for a person to confirm: both time points side by side",
  params: z.strictObject({
    title: z.string().min(1).max(200).default("The same lesion?").describe("What the cases are called"),
    scans: path.describe(
      "Table `series,time_point,day` (CSV) where the lesions do not tell their time points; path as for `root`. Which lesion is which is never read from the lesions",
    ),
    positionMm: z
      .number()
      .positive()
      .max(1000)
      .default(20)
      .describe("Positions that differ by so many mm, once the second scan is shifted, cost 1"),
    shiftMm: z
      .number()
      .positive()
      .max(10_000)
      .default(200)
      .describe("A shift of the second scan by so many mm costs 1, once for all lesions"),
    sizeFactor: z.number().gt(1).max(100).default(2).describe("Long diameters that differ by this factor cost 1"),
    hu: z.number().positive().max(4000).default(40).describe("Mean HU within the marks' ellipses that differ by this cost 1"),
    otherCategory: z.number().min(0).max(100).default(2).describe("What another category costs; unknown fits any"),
    noPartner: z
      .number()
      .positive()
      .max(100)
      .default(2)
      .describe("What a lesion without a partner costs; a link that costs more than two of them is not suggested"),
    neighbours: z.int().min(0).max(50).default(3).describe("Slices above and below the RECIST slices that can be scrolled to"),
  }),
  external: ["scans"],
  inputs: { lesions: { type: "dataset", summary: "lesions at several time points" } },
  outputs: { cases: { type: "cases", summary: "a case for every suggested link, and links.jsonl with costs and margins" } },
} as const satisfies StepKind;

export const timepointsLink = {
  kind: "timepoints.link",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "says which lesions of several time points are the same: by a table, or by suggested links that people confirmed",
  params: z.strictObject({
    table: path.describe(
      "Table `id,lesion,time_point,day` (CSV) of every lesion of the data set, in place of `cases`; path as for `root`",
    ),
    same: z.string().default("same").describe("The answer that confirms a link"),
    unconfirmed: z
      .enum(["apart", "linked"])
      .default("apart")
      .describe("What becomes of suggested links that nobody answered; linked: they are taken, and every lesion's notes say so"),
  }),
  external: ["table"],
  inputs: {
    lesions: { type: "dataset", summary: "lesions at several time points" },
    cases: { type: "cases", summary: "suggested links, of timepoints.suggest", optional: true },
    decisions: { type: "decisions", summary: "what people answered to them", optional: true },
  },
  checkInputs: ({ table, unconfirmed }, given) => {
    if (table !== undefined)
      return given.has("cases") || given.has("decisions") ? "has a table: leave `cases` and `decisions` out" : null;
    if (!given.has("cases")) return "needs a `table`, or `cases` of timepoints.suggest";
    if (!given.has("decisions") && unconfirmed === "apart") return "needs `decisions` on the cases, or `unconfirmed: linked`";
    return null;
  },
  outputs: { lesions: { type: "dataset", summary: "the same lesions, each with the lesion that it is at its time point" } },
} as const satisfies StepKind;
