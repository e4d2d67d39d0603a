import { z } from "zod";
import { readFile } from "../artifacts/manifest.ts";
import type { Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import type { Cases } from "./cases.ts";
import { parseLines } from "./datasets.ts";

const timePoint = { timePoint: z.int().nonnegative(), day: z.int().nonnegative() };

/** A line of `links.jsonl` of the cases that `timepoints.suggest` gives. */
export const suggestedLinkSchema = z.strictObject({
  case: z.string(),
  patient: z.string(),
  first: z.string(),
  second: z.string(),
  cost: z.number().nonnegative(),
  /** How much more the best suggestion without this link costs. */
  margin: z.number(),
});
export type SuggestedLinkLine = z.infer<typeof suggestedLinkSchema>;

/** A line of `timepoints.jsonl` there: when each lesion of the data set was seen. */
export const timedLesionSchema = z.strictObject({ id: z.string(), ...timePoint });
export type TimedLesionLine = z.infer<typeof timedLesionSchema>;

/** @throws InputError for cases that no suggestion made */
export async function readSuggestedLinks(
  store: Store,
  { manifest, meta }: Cases,
): Promise<{ links: SuggestedLinkLine[]; lesions: TimedLesionLine[] }> {
  if (!manifest.blobs.some(({ path }) => path === "links.jsonl"))
    throw new InputError("are no suggested links", `cases "${meta.title}"`, "wire the cases of timepoints.suggest");
  return {
    links: parseLines(await readFile(store, manifest, "links.jsonl"), suggestedLinkSchema),
    lesions: parseLines(await readFile(store, manifest, "timepoints.jsonl"), timedLesionSchema),
  };
}
