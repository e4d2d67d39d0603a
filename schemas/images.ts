import { z } from "zod";

/**
 * A line of `images.jsonl` of an artifact of type `images`. The picture lies in `shards/<shard, 5 digits>.safetensors` as
 * tensor `<id>`, U8 `[y, x]`, grey 0 … 255.
 */
export const imageLineSchema = z.strictObject({
  /** Path of the photograph in its folder, or the number of a drawing. */
  id: z.string().min(1),
  shard: z.int().nonnegative(),
  width: z.int().positive(),
  height: z.int().positive(),
});
export type ImageLine = z.infer<typeof imageLineSchema>;

/** `meta` of an `images` manifest. */
export const imagesMetaSchema = z.strictObject({
  /** photographs: of a folder; drawn: dead leaves, no photograph. Every report says which. */
  origin: z.enum(["photographs", "drawn"]),
  images: z.int().nonnegative(),
  shards: z.int().nonnegative(),
  /** What was read but not taken, by reason. */
  skipped: z.record(z.string(), z.int().nonnegative()),
});
export type ImagesMeta = z.infer<typeof imagesMetaSchema>;
