import { z } from "zod";
import { categories, dataOrigins } from "./dataset.ts";
import { digestSchema } from "./digest.ts";

const responses = ["CR", "PR", "SD", "PD", "NE", "non-CR/non-PD"] as const;

/** A line of `volumes.jsonl`: one lesion at one time point. */
export const volumeLineSchema = z.strictObject({
  patient: z.string(),
  /** The same at every time point. */
  lesion: z.string(),
  /** Of the data set: this lesion at this time point. */
  id: z.string(),
  category: z.enum(categories),
  timePoint: z.int().nonnegative(),
  day: z.int().nonnegative(),
  /** Of the marks. */
  longMm: z.number().nonnegative(),
  shortMm: z.number().nonnegative(),
  /** By the reference mask; null where there is none. */
  referenceMl: z.number().nonnegative().nullable(),
  /** By method. */
  measuredMl: z.record(z.string(), z.number().nonnegative()),
  constructedFactor: z.number().positive().optional(),
});
export type VolumeLine = z.infer<typeof volumeLineSchema>;

/** `meta` of a `volumes` manifest. With responses it also has `responses.json`: one entry for every patient. */
export const volumesMetaSchema = z.strictObject({
  name: z.string(),
  origin: z.enum(dataOrigins),
  dataset: digestSchema,
  /** The changes were constructed by a program: no patient was followed. */
  constructed: z.boolean(),
  lesions: z.int().nonnegative(),
  patients: z.int().nonnegative(),
  timePoints: z.int().positive(),
  /** Display names, the ellipsoid of the marks first. */
  methods: z.array(z.strictObject({ name: z.string(), predictions: digestSchema.nullable() })),
  statistics: z.strictObject({ level: z.number(), resamples: z.int(), seed: z.int() }),
  /** How `responses.json` was made, where it is there. */
  response: z
    .strictObject({
      method: z.string(),
      stableDays: z.number(),
      confirmationDays: z.number(),
      volumeResponse: z.number(),
      volumeProgression: z.number(),
      lymphNodes: z.boolean().default(false),
    })
    .optional(),
});
export type VolumesMeta = z.infer<typeof volumesMetaSchema>;

const fraction = z.number().nullable();
const response = z.enum(responses).nullable();

/** One patient's time points and responses, as the report shows them. */
export const patientResponseSchema = z.strictObject({
  patient: z.string(),
  targets: z.int().nonnegative(),
  best: z.strictObject({ unconfirmed: z.enum(responses), confirmed: z.enum(responses) }),
  bestChange: fraction,
  bestVolumeChange: fraction,
  objections: z.array(z.string()),
  timePoints: z.array(
    z.strictObject({
      timePoint: z.string(),
      day: z.number(),
      sumMm: fraction,
      fromBaseline: fraction,
      fromNadir: fraction,
      overall: response,
      /** Absent in responses of before they were told. */
      newLesions: z.enum(["no", "equivocal", "yes"]).optional(),
      target: response,
      volumeMl: fraction,
      volumeFromBaseline: fraction,
      volumeFromNadir: fraction,
      volumetric: response,
      disagrees: z.boolean().nullable(),
    }),
  ),
});
export type PatientResponse = z.infer<typeof patientResponseSchema>;
