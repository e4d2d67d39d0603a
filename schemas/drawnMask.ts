import { z } from "zod";
import { digestSchema } from "./digest.ts";
import { readerSchema } from "./reading.ts";

/**
 * Masks that people draw: an artifact of type `mask`, whose `mask.safetensors` holds tensor `mask` (U8, 0/1, [z, y, x]) on
 * the grid of the case that was edited. An answer of a reading names it by its digest.
 */
export const drawnMaskMetaSchema = z.strictObject({
  cases: digestSchema,
  case: z.string(),
  author: readerSchema,
  /** Milliseconds since the epoch by the author's clock. */
  at: z.int().nonnegative(),
  /** What was edited: the cases, for their own mask, or the mask that was drawn before. */
  from: digestSchema,
});
export type DrawnMaskMeta = z.infer<typeof drawnMaskMetaSchema>;

/**
 * Small values over pixels as they travel: how often each comes in a row, "0 × 1200, 1 × 7, …" as `[0, 1200, 1, 7, …]` in
 * raster order.
 */
export const runsSchema = z
  .array(z.int().nonnegative())
  .refine((runs) => runs.length % 2 === 0, "must be pairs of value and length");
export type Runs = z.infer<typeof runsSchema>;

export function toRuns(values: Uint8Array): Runs {
  const runs: number[] = [];
  for (let p = 0; p < values.length; ) {
    let end = p + 1;
    while (end < values.length && values[end] === values[p]) end++;
    runs.push(values[p], end - p);
    p = end;
  }
  return runs;
}

/** @returns null where the runs are not those of `size` values below `values` */
export function fromRuns(runs: Runs, size: number, values: number): Uint8Array | null {
  const data = new Uint8Array(size);
  let p = 0;
  for (let i = 0; i < runs.length; i += 2) {
    if (runs[i] >= values || p + runs[i + 1] > size) return null;
    data.fill(runs[i], p, p + runs[i + 1]);
    p += runs[i + 1];
  }
  return p === size ? data : null;
}

/** What the review server is sent to keep a mask. Sent again it is the same artifact. */
export const drawnMaskMessageSchema = drawnMaskMetaSchema
  .omit({ case: true })
  .extend({ index: z.int().nonnegative().describe("Number of the case"), runs: runsSchema });
export type DrawnMaskMessage = z.infer<typeof drawnMaskMessageSchema>;
export const keptMaskSchema = z.strictObject({ mask: digestSchema });
/** A kept mask as it is given back. */
export const givenMaskSchema = z.strictObject({ runs: runsSchema });

/** What the review server is sent to cut one slice of a case anew (methods/labels/strokeCut.ts): 8-bit grey in `window`. */
export const cutMessageSchema = z.strictObject({
  slice: z.int().nonnegative(),
  window: z.strictObject({ low: z.number(), high: z.number() }).refine(({ low, high }) => low < high, "must ascend"),
  mask: runsSchema,
  /** 0 nothing, 1 lesion, 2 background. */
  strokes: runsSchema,
});
export type CutMessage = z.infer<typeof cutMessageSchema>;
/** The slice's mask; or why there is none. */
export const cutAnswerSchema = z.union([z.strictObject({ runs: runsSchema }), z.strictObject({ failure: z.string() })]);
export type CutAnswer = z.infer<typeof cutAnswerSchema>;
