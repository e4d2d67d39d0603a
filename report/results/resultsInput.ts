import { z } from "zod";
import { categories, dataOrigins } from "../../schemas/dataset.ts";

const dimension = z.enum(["2D", "3D"]);

/** Columns of a table of totals, by their field in a report's `numbers.json`. */
export const resultMetrics = ["recall", "precision", "dice", "iou", "volumetricSimilarity", "avdVoxels", "avdMm"] as const;

/** A difference in order between the paper and us, explained by the people who looked. */
const explanationSchema = z.strictObject({
  /** Methods that the paper has above … */
  above: z.array(z.string()).min(1),
  /** … these, and we do not. */
  below: z.array(z.string()).min(1),
  because: z.string().min(1),
});

/** One section of the results page: which campaign's report it shows, and how. */
export const sectionSchema = z.strictObject({
  title: z.string().min(1),
  /** The pipeline, relative to the folder that holds `pipelines/`. */
  pipeline: z.string().min(1),
  /** The report step whose figures are shown … */
  report: z.string().min(1).default("report"),
  /** … and, of a report on several data sets, which, by the display name of its evaluation. */
  data: z.string().min(1).optional(),
  /** Parameters of the pipeline that differ from its defaults. */
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** Which of the paper's data sets stands beside; absent where the paper has no such table. */
  paper: z.enum(["DeepLesion", "lymph nodes"]).optional(),
  show: z.enum(["totals", "categories", "offsets", "precision-recall", "volumes"]),
  dimension,
  metrics: z.array(z.enum(resultMetrics)).min(1).default(["dice"]),
  /** Of `volumes`: the volumes themselves, or their changes from one time point to another. */
  quantity: z.enum(["volume", "change"]).default("change"),
  /** What a reader must know before the table. No figures: those come from campaigns. */
  text: z.string().optional(),
  explanations: z.array(explanationSchema).default([]),
});
export type ResultsSection = z.output<typeof sectionSchema>;

/** What the results page is made of. */
export const resultsSchema = z.strictObject({ sections: z.array(sectionSchema).min(1) });

const summarySchema = z.object({
  n: z.int().nonnegative(),
  undefined: z.int().nonnegative(),
  mean: z.number().nullable(),
  sd: z.number().nullable(),
  interval: z.object({ low: z.number(), high: z.number() }).nullable(),
});
const intervalSchema = z.object({ low: z.number(), high: z.number() }).nullable();
const agreementSchema = z.object({ bias: z.number(), limits: z.object({ low: z.number(), high: z.number() }) }).nullable();
const printedSchema = z.object({ mean: z.number(), sd: z.number(), text: z.string() });

/** The part of a report's `numbers.json` that the results page reads. */
export const reportFiguresSchema = z.object({
  campaign: z.object({ id: z.string() }),
  /** Of the actions behind the figures, whenever they ran; each holds all that differ among them, `; ` between. */
  environment: z.object({ version: z.string(), machine: z.string(), numerics: z.string() }),
  evaluations: z.array(z.object({ data: z.string(), origin: z.enum(dataOrigins), lesions: z.int(), withoutReference: z.int() })),
  methods: z.array(
    z.object({
      data: z.string(),
      name: z.string(),
      dimension,
      lesions: z.int().nonnegative(),
      patients: z.int().nonnegative(),
      /** By column; a report has more of them than are shown. */
      total: z.record(z.string(), summarySchema),
      categories: z.partialRecord(z.enum(categories), z.object({ dice: summarySchema })),
      paper: z.array(
        z.object({
          dataset: z.enum(["DeepLesion", "lymph nodes"]),
          table: z.string(),
          dice: printedSchema,
          precision: printedSchema.optional(),
          recall: printedSchema.optional(),
          volumetricSimilarity: printedSchema.optional(),
          avdVoxels: printedSchema.optional(),
          categories: z.partialRecord(z.enum(categories), printedSchema).optional(),
        }),
      ),
    }),
  ),
  offsets: z.array(
    z.object({
      data: z.string(),
      method: z.string(),
      points: z.array(z.object({ offset: z.int(), beyond: z.int(), mean: z.number(), sd: z.number().nullable(), n: z.int() })),
    }),
  ),
  comparisons: z.array(
    z.object({
      data: z.string(),
      dimension,
      first: z.string(),
      second: z.string(),
      meanDifference: z.number(),
      pHolm: z.number(),
    }),
  ),
  precisionRecall: z.array(
    z.object({
      data: z.string(),
      method: z.string(),
      dimension,
      best: z.object({ threshold: z.number(), precision: z.number(), recall: z.number(), f: z.number() }).nullable(),
      /** At the threshold ½. */
      half: z.object({ f: z.number() }).nullable(),
    }),
  ),
  volumes: z
    .array(
      z.object({
        /** Empty in a report on the volumes of one data set. */
        data: z.string(),
        method: z.string(),
        quantity: z.enum(["volume", "change"]),
        n: z.int().nonnegative(),
        patients: z.int().nonnegative(),
        slope: z.number().nullable(),
        slopeInterval: intervalSchema,
        rSquared: z.number().nullable(),
        rSquaredInterval: intervalSchema,
        /** Against πLW²/6 on the same lesions; null for itself. */
        rSquaredAdvantage: z.object({ difference: z.number(), interval: intervalSchema }).nullable(),
        differences: agreementSchema,
        unchanged: z.int().nonnegative(),
        repeatability: z
          .object({ lesions: z.int(), ratio: z.number(), interval: z.object({ low: z.number(), high: z.number() }) })
          .nullable(),
      }),
    )
    .default([]),
});
export type ReportFigures = z.output<typeof reportFiguresSchema>;

/** A section with the figures of its campaign. */
export interface AnsweredSection {
  readonly section: ResultsSection & { readonly data: string };
  readonly figures: ReportFigures;
  /** The command that gives these figures. */
  readonly command: string;
}
