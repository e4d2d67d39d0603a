import { z } from "zod";
import { digestSchema } from "./digest.ts";

/** What an artifact is; wires between steps are checked against these. */
export const artifactTypes = [
  "dataset",
  "labels",
  "model",
  "predictions",
  "evaluation",
  "report",
  /** Grey photographs, or textures drawn instead of them, to train image enhancement on. */
  "images",
  /** Generator and discriminator of one stage of the stacked GAN. */
  "enhancer",
  /** Denoised and enhanced slices of a data set's lesions. */
  "enhanced",
  /** How near denoised and enlarged pictures come to the true ones. */
  "quality",
  /** What people are shown (schemas/cases.ts), and what they decided (schemas/reading.ts). */
  "cases",
  "decisions",
  /** A mask that a person has drawn (schemas/drawnMask.ts). */
  "mask",
  /** What a study of readers found. */
  "study",
  /** Volumes of lesions at several time points. */
  "volumes",
  "source",
  "part",
] as const;
export const artifactTypeSchema = z.enum(artifactTypes);
export type ArtifactType = z.infer<typeof artifactTypeSchema>;

/** A file of an artifact. */
export const blobEntrySchema = z.strictObject({
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/),
  digest: digestSchema,
  size: z.int().nonnegative(),
  mediaType: z.string(),
});

/**
 * An artifact: canonical JSON, addressed by its own SHA-256. It says nothing of when or where it was made (that is in
 * the record), so that equal content has an equal digest.
 */
export const manifestSchema = z.strictObject({
  type: artifactTypeSchema,
  schemaVersion: z.literal(1),
  meta: z.record(z.string(), z.json()),
  blobs: z.array(blobEntrySchema),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type BlobEntry = z.infer<typeof blobEntrySchema>;
