import { z } from "zod";
import { digestSchema } from "./digest.ts";
import { markedLesionSchema } from "./marks.ts";

/**
 * What people look at: an artifact of type `cases`. `cases.jsonl` has a line for every case; pixels lie in safetensors
 * files of the same artifact (blobs may be shared with the artifact that they came from, so that nothing is copied).
 */

/** A tensor of a safetensors file of the artifact. */
const tensorSchema = z.strictObject({ file: z.string(), tensor: z.string() });

const window = z.strictObject({ low: z.number(), high: z.number() }).refine(({ low, high }) => low < high, "must ascend");

/** One picture of a case, alone or as a stack of slices: [z, y, x] or [y, x]. */
const imageSchema = tensorSchema.extend({
  /** e.g. "original", "denoised", "enhanced". Blind where the reader must not know which is which: "left", "right". */
  name: z.string(),
  /** HU (I16), or a fraction of the display window (F32 0 … 1, U8 0 … 255, U16 0 … 65535). */
  levels: z.enum(["HU", "fraction"]),
  /** Shown from black to white at first, in the unit of `levels`. */
  window,
  spacingMm: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  /** Pixels of this picture per pixel of the case's grid (marks and masks lie on that grid); 1 for the slice itself. */
  zoom: z.number().positive().default(1),
});

/** Slices, rows, columns of a picture that may be a single slice. */
export const stackShape = (shape: readonly number[]): readonly number[] => (shape.length === 2 ? [1, ...shape] : shape);

/** A mask over the case's grid: U8 0/1, shaped as the image of zoom 1. */
const maskSchema = tensorSchema.extend({ name: z.string() });

export const caseSchema = z.strictObject({
  id: z.string(),
  /** What results are told apart by beside the answer, e.g. the lesion's category; never what a reader must not know. */
  group: z.string().default(""),
  images: z.array(imageSchema).min(1),
  masks: z.array(maskSchema).default([]),
  /** On the case's grid; `slice` = z of the stack. */
  marks: markedLesionSchema.pick({ slice: true, long: true, short: true }).optional(),
  /** Shown beside the pictures, e.g. {"long diameter": "23.1 mm"}. */
  facts: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
});
export type Case = z.output<typeof caseSchema>;
export type CaseImage = Case["images"][number];

export const casesMetaSchema = z.strictObject({
  title: z.string(),
  cases: z.int().nonnegative(),
  /**
   * Digest of a blob that says what must not be known while people read (which mask came from where). It is written before
   * the first case is shown and opened by the evaluation only.
   */
  sealed: digestSchema.optional(),
  /** The predictions whose masks are shown, where that is no secret and cases are called as their lesions. */
  masks: digestSchema.optional(),
  /** The only answers that what comes after can make sense of; a reading that asks for others is refused before anybody reads. */
  answers: z.array(z.string()).min(1).optional(),
  /** That there is no case is an answer, e.g. that a search found nothing: a reading of it ends at once. */
  mayBeEmpty: z.literal(true).optional(),
});
export type CasesMeta = z.infer<typeof casesMetaSchema>;
