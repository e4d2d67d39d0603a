import { z } from "zod";
import { categories, dataOrigins } from "../schemas/dataset.ts";
import { digestSchema } from "../schemas/digest.ts";
import { studyResultSchema } from "../schemas/study.ts";
import { patientResponseSchema } from "../schemas/volumes.ts";

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

const summarySchema = z.strictObject({
  n: z.int().nonnegative(),
  undefined: z.int().nonnegative(),
  mean: z.number().nullable(),
  sd: z.number().nullable(),
  median: z.number().nullable(),
  q1: z.number().nullable(),
  q3: z.number().nullable(),
  minimum: z.number().nullable(),
  maximum: z.number().nullable(),
  interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
});

/** One stratum of `Strata.summaries()`. */
const stratumSchema = z.strictObject({
  by: z.enum(["all", "category", "size", "offset"]),
  value: z.string(),
  observations: z.int().nonnegative(),
  beyond: z.int().nonnegative().optional(),
  patients: z.int().nonnegative(),
  /** By column (`scoreColumns`). */
  scores: z.record(z.string(), summarySchema),
});

const scoreSchema = z.strictObject({
  lesion: z.string(),
  patient: z.string(),
  category: z.enum(categories),
  longMm: z.number().nonnegative(),
  shortMm: z.number().nonnegative(),
  /** Every column (`scoreColumns`); `dice` is always there and defined. */
  columns: z.record(z.string(), z.number().nullable()).refine(({ dice }) => typeof dice === "number", "has no dice"),
});

/** What was measured on one data set, and how. Tables never mix data sets. */
const evaluationSchema = z.strictObject({
  /** Name of the data set, one of its kind in the report. */
  data: z.string(),
  origin: z.enum(dataOrigins),
  lesions: z.int().nonnegative(),
  withoutReference: z.int().nonnegative(),
  tolerancesMm: z.array(z.number().positive()),
  sizesMm: z.array(z.number().positive()),
  bootstrap: z.strictObject({
    unit: z.enum(["patient", "lesion"]),
    resamples: z.int().nonnegative(),
    level: z.number().gt(0).lt(1),
    seed: z.int(),
  }),
});

const methodSchema = z.strictObject({
  /** The data set that it was measured on: `evaluations[].data`. */
  data: z.string(),
  /** The paper's name where the paper has it ("GrabCut-R", "WSSS-GC"); "ellipse" and "ellipsoid" are the baselines. */
  name: z.string(),
  /** 2D: on the RECIST slice. 3D: the whole volume. */
  dimension,
  kind: z.enum(["ours", "baseline"]),
  scores: z.array(scoreSchema),
  /** All lesions, by category, by size and, in 3D, by slice offset. */
  strata: z.array(stratumSchema),
  /** How often what went wrong. */
  failures: counts,
  /** The masks (or labels) that were scored. */
  digest: digestSchema,
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
  /** No projected marks reach the slice, and it is taught as background. */
  beyondMarks: z.int().nonnegative().default(0),
  /** One cut of the volume with the CNN's output, the shape prior of the marks and HU. */
  priorCut: z.int().nonnegative().default(0),
  notHarvested: z.int().nonnegative(),
});

/** A stage of the stacked GAN and what it was trained on. */
const enhancementSchema = z.strictObject({
  name: z.string(),
  stage: z.enum(["denoise", "enhance"]),
  digest: digestSchema,
  pictures: z.strictObject({ origin: z.enum(["photographs", "drawn"]), count: z.int().nonnegative() }),
  /** Curated CT slices that were learnt from too. */
  slices: z.int().nonnegative(),
  steps: z.strictObject({ pretraining: z.int().nonnegative(), adversarial: z.int().nonnegative() }),
  /** Whose features the perceptual loss compared; null = there was no such loss. */
  features: z.enum(["random", "model", "file"]).nullable(),
  /** Of held-out pairs, in dB: as degraded, and as restored at the end. */
  validation: z.strictObject({ inputPsnr: z.number(), psnr: z.number() }).nullable(),
});

const prPoint = z.object({ threshold: z.number(), precision: z.number(), recall: z.number() });
const precisionRecallSchema = z.strictObject({
  data: z.string(),
  method: z.string(),
  dimension,
  curve: z.array(prPoint),
  /** The point with the largest F, and the one at threshold ½. */
  best: prPoint.extend({ f: z.number() }).nullable(),
  half: prPoint.extend({ f: z.number() }).nullable(),
});

/** Volumes, or volume changes between two time points (Fig. 7), measured by a method against the reference. */
const volumeSchema = z.strictObject({
  method: z.string(),
  quantity: z.enum(["volume", "change"]),
  points: z.array(
    z.strictObject({
      lesion: z.string(),
      /** Absent: the lesion is its own patient. */
      patient: z.string().optional(),
      referenceMl: z.number(),
      measuredMl: z.number(),
      /** Measured ÷ reference; of changes, the ratio of the growths. Null where a volume is 0. */
      ratio: z.number().positive().nullable().default(null),
    }),
  ),
  /** Name of the data set, where there are several. */
  data: z.string().default(""),
  /** Volumes in ml, all positive, of each lesion that did not change between its time points. */
  repeated: z.array(z.array(z.number().positive())).default([]),
  statistics: z
    .strictObject({ level: z.number().gt(0).lt(1), resamples: z.int().nonnegative(), seed: z.int() })
    .default({ level: 0.95, resamples: 2000, seed: 1 }),
});

/** Responses of patients over time, by RECIST 1.1 and by volume. */
const responsesSchema = z.strictObject({
  data: z.string(),
  /** Whose volumes. */
  method: z.string(),
  volumeResponse: z.number(),
  volumeProgression: z.number(),
  /** The lesions are lymph nodes. */
  lymphNodes: z.boolean().default(false),
  patients: z.array(patientResponseSchema),
});

/** Image quality of a stacked GAN on a set of pictures, by task and method. */
const qualitySchema = z.strictObject({
  name: z.string(),
  images: z.int().nonnegative(),
  origin: z.enum(["photographs", "drawn"]),
  rows: z.array(
    z.strictObject({
      task: z.string(),
      method: z.string(),
      psnr: summarySchema.omit({ interval: true }),
      ssim: summarySchema.omit({ interval: true }),
    }),
  ),
});

/** What a study of readers found, under its display name. */
const studySchema = studyResultSchema.extend({ name: z.string() });

const gallerySchema = z.strictObject({
  lesion: z.string(),
  category: z.enum(categories),
  /** Null where there is no truth. */
  dice: z.number().nullable(),
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
  evaluations: z.array(evaluationSchema),
  methods: z.array(methodSchema),
  training: z.array(trainingSchema).default([]),
  harvest: z.array(harvestSchema).default([]),
  enhancement: z.array(enhancementSchema).default([]),
  precisionRecall: z.array(precisionRecallSchema).default([]),
  volumes: z.array(volumeSchema).default([]),
  quality: z.array(qualitySchema).default([]),
  responses: z.array(responsesSchema).default([]),
  studies: z.array(studySchema).default([]),
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
export type EvaluationData = ReportData["evaluations"][number];
export type MethodScores = ReportData["methods"][number];
export type Dimension = z.infer<typeof dimension>;
