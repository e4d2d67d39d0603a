import { z } from "zod";
import { digestSchema } from "./digest.ts";

/** What readers' answers come to for one mask, by the declared rule. */
export const verdicts = ["accepted", "rejected", "not judged"] as const;

/**
 * What became of a lesion's mask: a line of `revisions.jsonl` of the labels that `labels.revise` makes, which name every
 * lesion, those that are left out of the training among them.
 */
export const revisionSchema = z.strictObject({
  lesion: z.string(),
  verdict: z.enum(verdicts),
  /** Answers of first showings; `reader` is null where a policy decided or people's answers were merged. */
  answers: z.array(z.strictObject({ reader: z.string().nullable(), answer: z.string() })),
  became: z.enum(["kept", "left out", "made again", "edited"]),
  /** How or why, e.g. "prior-cut", "rejected". */
  how: z.string(),
  /** The mask that a person drew: its artifact, who drew it, and when (milliseconds since the epoch). */
  edit: z.strictObject({ artifact: digestSchema, author: z.string(), at: z.int().nonnegative() }).optional(),
});
export type Revision = z.output<typeof revisionSchema>;
