import { z } from "zod";
import { categories, dataOrigins } from "../schemas/dataset.ts";
import { digestSchema } from "../schemas/digest.ts";

const counts = z.record(z.string(), z.int().nonnegative());
const dimension = z.enum(["2D", "3D"]);

/** A step of the campaign as it was run. */
const stepSchema = z.strictObject({
  name: z.string(),
  /** Step kind, e.g. `labels.initial`. */
  uses: z.string(),
  /** Taken from an earlier action with the same key instead of computed. */
  cached: z.boolean(),
  state: z.enum(["done", "failed", "cancelled", "skipped", "running", "waiting"]),
  /** Time that the step took; null where it was not run here. */
  seconds: z.number().nonnegative().nullable(),
  /** Digest of each output artifact by the output's name. */
  outputs: z.record(z.string(), digestSchema),
  /** Names of the steps whose outputs it reads. */
  after: z.array(z.string()),
});

const datasetSchema = z.strictObject({
  name: z.string(),
  lesions: z.strictObject({ train: z.int().nonnegative(), test: z.int().nonnegative() }),
  /** What was read but not taken, by reason. */
  skipped: counts,
  /** Irregularities of what was taken, e.g. "z spacing was negative". */
  notes: counts,
  /** What is not real is said at the top of the page. */
  origin: z.enum(dataOrigins),
});

/** One lesion's scores in one dimension: `scoreLesion(…).slice` or `.volume`, named. Other fields are dropped. */
const scoreSchema = z.object({
  lesion: z.string(),
  category: z.enum(categories),
  dice: z.number(),
  precision: z.number().nullable(),
  recall: z.number().nullable(),
  iou: z.number(),
  volumetricSimilarity: z.number(),
  avdVoxels: z.number().nullable(),
  avdMm: z.number().nullable(),
  hausdorffMm: z.number().nullable(),
  hausdorff95Mm: z.number().nullable(),
});

const methodSchema = z.strictObject({
  /** The paper's name where the paper has it ("GrabCut-R", "WSSS-GC"); "ellipse" and "ellipsoid" are the baselines. */
  name: z.string(),
  /** 2D: on the RECIST slice. 3D: the whole volume. */
  dimension,
  kind: z.enum(["ours", "baseline"]),
  scores: z.array(scoreSchema),
  /** How often what went wrong. */
  failures: counts,
  /** The masks (or labels) that were scored. */
  digest: digestSchema,
});

const offsetSchema = z.strictObject({
  method: z.string(),
  /** `offsetCurve(…)`: Dice of the slices at |offset| from their RECIST slice. */
  points: z.array(
    z.strictObject({ offset: z.int().nonnegative(), mean: z.number(), sd: z.number().nullable(), n: z.int().positive() }),
  ),
});

const trainingSchema = z.strictObject({
  /** e.g. "θ⁰". */
  model: z.string(),
  digest: digestSchema,
  epochs: z.array(
    z.strictObject({
      epoch: z.int().nonnegative(),
      trainLoss: z.number(),
      validationLoss: z.number().nullable(),
      rate: z.number().positive(),
    }),
  ),
});

/** Where the training labels of one round and slice offset came from (Algorithm 1; READINGS 7 and 8), in slices. */
const harvestSchema = z.strictObject({
  round: z.int().nonnegative(),
  offset: z.int(),
  /** GrabCut on the trimap of the CNN's output. */
  grabcut: z.int().nonnegative(),
  /** The CNN found nothing: trimap from the projected marks alone. */
  marksOnly: z.int().nonnegative(),
  /** GrabCut failed: sure pixels kept, the rest ignored by the loss. */
  ignoredFallback: z.int().nonnegative(),
  notHarvested: z.int().nonnegative(),
});

const prPoint = z.object({ threshold: z.number(), precision: z.number(), recall: z.number() });
const precisionRecallSchema = z.strictObject({
  method: z.string(),
  dimension,
  curve: z.array(prPoint),
  best: prPoint.extend({ f: z.number() }).nullable(),
});

/** Volumes, or volume changes between two time points (Fig. 7), measured by a method against the reference. */
const volumeSchema = z.strictObject({
  method: z.string(),
  quantity: z.enum(["volume", "change"]),
  points: z.array(z.strictObject({ lesion: z.string(), referenceMl: z.number(), measuredMl: z.number() })),
});

const gallerySchema = z.strictObject({
  lesion: z.string(),
  category: z.enum(categories),
  dice: z.number(),
  /** Why it is shown, e.g. "WSSS-GC, worst". */
  title: z.string(),
  panels: z.array(z.strictObject({ label: z.string(), png: z.base64() })),
});

/** Everything that a report says, as plain data: the page is a pure function of it. */
export const reportInputSchema = z.strictObject({
  campaign: z.strictObject({ id: z.string(), pipeline: z.string(), started: z.iso.datetime(), finished: z.iso.datetime() }),
  /** What it ran on: version, backend, machine, … in the order to print. */
  environment: z.record(z.string(), z.string()),
  dag: z.strictObject({ steps: z.array(stepSchema) }),
  datasets: z.array(datasetSchema),
  methods: z.array(methodSchema),
  offsets: z.array(offsetSchema).default([]),
  training: z.array(trainingSchema).default([]),
  harvest: z.array(harvestSchema).default([]),
  precisionRecall: z.array(precisionRecallSchema).default([]),
  volumes: z.array(volumeSchema).default([]),
  gallery: z.array(gallerySchema).default([]),
  /** What must be said beside the numbers, e.g. which network the perceptual loss used. */
  remarks: z.array(z.string()).default([]),
  /** Every artifact that the numbers came from. */
  provenance: z.array(z.strictObject({ what: z.string(), digest: digestSchema })),
});
/** What a caller writes (defaults left out) … */
export type ReportInput = z.input<typeof reportInputSchema>;
/** … and what the report reads. */
export type ReportData = z.output<typeof reportInputSchema>;
export type MethodScores = ReportData["methods"][number];
export type Dimension = z.infer<typeof dimension>;
