import { z } from "zod";
import type { StepKind } from "./stepKind.ts";

/** How the answers of several readers to one mask come to a verdict. */
const ruleParams = {
  rejects: z.string().default("reject").describe("The answer that rejects a mask; any other accepts it"),
  decide: z
    .enum(["any", "majority", "all"])
    .default("majority")
    .describe(
      "Whether a mask that several readers judged is rejected: if any, more than half, or all of them rejected it; second showings do not count",
    ),
};

const lesions = { type: "dataset", summary: "the lesions" } as const;
const masks = { type: "predictions", summary: "the masks that were judged" } as const;

/** Methods that make a rejected mask again from the marks: over the volume, and on the RECIST slice alone. */
export const volumeRemakers = ["grabcut-prior-3d", "grabcut-3de", "ellipsoid"] as const;
const sliceRemakers = ["grabcut-prior", "grabcut-r", "ellipse"] as const;

export const predictionsCases = {
  kind: "predictions.cases",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "masks as cases to look at and to correct by hand: all, or those that readers rejected; no image is copied",
  params: z.strictObject({
    title: z.string().min(1).max(200).default("Masks to correct").describe("What the cases are called"),
    ...ruleParams,
  }),
  external: [],
  inputs: {
    lesions,
    masks: { type: "predictions", summary: "their masks; a lesion without one is no case" },
    decisions: {
      type: "decisions",
      summary: "what readers answered about these masks: only rejected ones become cases; if absent, all do",
      optional: true,
    },
  },
  outputs: { cases: { type: "cases", summary: "a case for every mask, named after its lesion; there may be none" } },
} as const satisfies StepKind;

export const labelsRevise = {
  kind: "labels.revise",
  version: 1,
  queue: "cpu",
  numerics: "plain",
  shape: "sharded",
  summary: "labels from masks that readers judged: accepted ones stay, rejected ones go where the declared rule sends them",
  params: z.strictObject({
    rejected: z
      .enum(["exclude", "reinitialise", "edit"])
      .default("exclude")
      .describe(
        "What becomes of rejected masks. exclude: their lesions are left out, and named; reinitialise: `method` makes them again from the marks; edit: people have corrected them by hand (input `edits`), and what they did not come to is left out",
      ),
    ...ruleParams,
    method: z
      .enum([...volumeRemakers, ...sliceRemakers])
      .default("grabcut-prior-3d")
      .describe(
        "How a rejected mask is made again: as of the same name in segmentation.classical; the last three label the RECIST slice alone",
      ),
    excludes: z
      .string()
      .default("exclude")
      .describe(
        "The answer with which a person who corrects masks leaves a lesion out; other answers without a mask let its mask stand",
      ),
    unjudged: z
      .enum(["keep", "exclude"])
      .default("keep")
      .describe("What becomes of masks that nobody judged, e.g. of lesions that were not drawn for the study"),
    slices: z
      .union([z.enum(["key", "all"]), z.int().min(1).max(100)])
      .default("key")
      .describe(
        "Which slices of a mask become labels: the RECIST slice, which is what readers of a study see masks on unless it shows the volume; all within 0.9 long diameters; or that many on either side",
      ),
  }),
  external: [],
  inputs: {
    lesions,
    masks,
    decisions: { type: "decisions", summary: "what readers answered about them, as in an acceptance study" },
    edits: {
      type: "decisions",
      summary: "the masks that people drew, from a reading of layout edit about cases of predictions.cases",
      optional: true,
    },
  },
  checkInputs: ({ rejected }, given) =>
    (rejected === "edit") === given.has("edits")
      ? null
      : rejected === "edit"
        ? "`rejected: edit` needs the input `edits`: the decisions of a reading in which masks were corrected"
        : `input \`edits\` is for \`rejected: edit\`; this is ${String(rejected)}`,
  outputs: {
    labels: { type: "labels", summary: "to train on; revisions.jsonl tells what became of every lesion" },
    lesions: { type: "dataset", summary: "the lesions that have labels, e.g. for self-paced rounds" },
  },
} as const satisfies StepKind;
