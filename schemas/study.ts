import { z } from "zod";
import { dataOrigins } from "./dataset.ts";
import { digestSchema } from "./digest.ts";

/** Lesions of the data set that the study does not show: a source has no mask of them; more than were asked for. */
const leftOutSchema = z.strictObject({ withoutMask: z.int().nonnegative(), notDrawn: z.int().nonnegative() });

/** The sealed key of a study: which masks a case shows. `nonce` keeps anybody from finding it by trying keys against its digest. */
export const studyKeySchema = z.strictObject({
  study: z.enum(["acceptance", "comparison"]),
  nonce: digestSchema,
  data: z.strictObject({ name: z.string(), digest: digestSchema, origin: z.enum(dataOrigins) }),
  sources: z.array(z.strictObject({ name: z.string(), digest: digestSchema })).min(1),
  leftOut: leftOutSchema,
  cases: z.array(
    z.strictObject({
      case: z.string(),
      lesion: z.string(),
      patient: z.string(),
      category: z.string(),
      /** Names of the sources of the case's masks, in the order of its masks: one, or left and right. */
      masks: z.array(z.string()).min(1).max(2),
    }),
  ),
});
export type StudyKey = z.output<typeof studyKeySchema>;

const interval = z.strictObject({ low: z.number(), high: z.number() }).nullable();
const share = z.number().nullable();
const count = z.int().nonnegative();
const test = z.strictObject({ n: count, share, interval, p: z.number().nullable() });

const acceptanceSchema = z.strictObject({
  rates: z.array(
    z.strictObject({
      source: z.string(),
      reader: z.string().nullable(),
      category: z.string().nullable(),
      n: count,
      lesions: count,
      patients: count,
      accepted: count,
      rate: share,
      interval,
      clustered: interval,
    }),
  ),
  paired: z.array(
    z.strictObject({
      reader: z.string().nullable(),
      first: z.string(),
      second: z.string(),
      pairs: count,
      both: count,
      onlyFirst: count,
      onlySecond: count,
      neither: count,
      test,
      pHolm: z.number().nullable(),
    }),
  ),
});

const comparisonSchema = z.strictObject({
  first: z.string(),
  second: z.string(),
  rows: z.array(
    z.strictObject({
      reader: z.string().nullable(),
      category: z.string().nullable(),
      n: count,
      patients: count,
      first: count,
      second: count,
      both: count,
      neither: count,
      test,
      clustered: interval,
    }),
  ),
  sides: z.array(z.strictObject({ reader: z.string(), left: count, right: count, test })),
});

/** What a study of readers found: `study.json` of a `study` artifact, and what its report shows. */
export const studyResultSchema = z.strictObject({
  title: z.string(),
  decidedBy: z.enum(["people", "policy"]),
  policy: z.string().nullable(),
  closedBy: z.enum(["readers", "deadline", "policy"]),
  data: z.strictObject({ name: z.string(), origin: z.enum(dataOrigins) }),
  cases: count,
  leftOut: leftOutSchema,
  sources: z.array(z.string()),
  readers: z.array(
    z.strictObject({
      reader: z.string(),
      /** First showings answered; cases without an answer; second showings answered. */
      answered: count,
      unanswered: count,
      repeated: count,
      /** Answers changed or taken back. */
      changes: count,
      /** Time per first showing. */
      seconds: z.strictObject({ median: z.number().nullable(), q1: z.number().nullable(), q3: z.number().nullable() }),
    }),
  ),
  agreement: z.array(
    z.strictObject({ readers: z.array(z.string()), n: count, agreement: share, kappa: z.number().nullable(), interval }),
  ),
  acceptance: acceptanceSchema.nullable(),
  comparison: comparisonSchema.nullable(),
});
export type StudyResult = z.output<typeof studyResultSchema>;
