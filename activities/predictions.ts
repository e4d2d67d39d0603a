import { z } from "zod";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { readNiftiMask, writeNiftiMask } from "../methods/imaging/nifti.ts";
import type { Mask } from "../methods/imaging/volume.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { linesType, parseLines, safetensorsType, toLines } from "./datasets.ts";
import type { StepResult } from "./steps/step.ts";

const predictionLineSchema = z.strictObject({
  id: z.string(),
  /** What happened, by name; the report counts them, e.g. {"grabcut": 9, "no foreground samples": 2} slices. */
  outcomes: z.record(z.string(), z.int().nonnegative()),
});
export type PredictionLine = z.infer<typeof predictionLineSchema>;

/** A predicted mask on its lesion's grid, with the network's output quantised to 8 bits where there is one. */
export interface Prediction extends PredictionLine {
  readonly mask: Mask;
  /** Ŷ × 255, rounded; [z, y, x]. */
  readonly probability?: Uint8Array;
}

export const predictionsMetaSchema = z.strictObject({
  method: z.string(),
  /** 2D methods fill the RECIST slice only and are left out of 3D tables. */
  dimension: z.enum(["2D", "3D"]),
  lesions: z.int().nonnegative(),
  probabilities: z.boolean(),
});
export type PredictionsMeta = z.infer<typeof predictionsMetaSchema>;

export function putPredictionPart(store: Store, predictions: readonly Prediction[]): Promise<Digest> {
  const files: ArtifactFile[] = predictions.map(({ id, mask }) => ({
    path: `masks/${id}.nii.gz`,
    bytes: writeNiftiMask(mask),
    mediaType: niftiType,
  }));
  const probabilities: Record<string, Tensor> = {};
  for (const { id, mask, probability } of predictions) {
    const [nx, ny, nz] = mask.dims;
    if (probability !== undefined) probabilities[`${id}/probability`] = { dtype: "U8", shape: [nz, ny, nx], data: probability };
  }
  if (Object.keys(probabilities).length > 0) {
    files.push({ path: "probabilities.safetensors", bytes: encodeSafetensors(probabilities), mediaType: safetensorsType });
  }
  const lines = predictions.map(({ id, outcomes }) => ({ id, outcomes }));
  files.push({ path: "lesions.jsonl", bytes: toLines(lines), mediaType: linesType });
  return putArtifact(store, { type: "part", meta: { lesions: predictions.length }, files });
}

export async function gatherPredictions(
  store: Store,
  parts: readonly Record<string, Digest>[],
  { method, dimension }: Pick<PredictionsMeta, "method" | "dimension">,
): Promise<StepResult> {
  const lines: PredictionLine[] = [];
  const files: ArtifactFile[] = [];
  let probabilities = false;
  for (const [shard, { part }] of parts.entries()) {
    const manifest = await getManifest(store, part);
    lines.push(...parseLines(await readFile(store, manifest, "lesions.jsonl"), predictionLineSchema));
    for (const blob of manifest.blobs) {
      if (blob.path.startsWith("masks/")) files.push(blob);
      if (blob.path !== "probabilities.safetensors") continue;
      files.push({ ...blob, path: probabilityPath(shard) });
      probabilities = true;
    }
  }
  files.push({ path: "lesions.jsonl", bytes: toLines(lines), mediaType: linesType });
  const meta = predictionsMetaSchema.parse({ method, dimension, lesions: lines.length, probabilities });
  return {
    outputs: { predictions: await putArtifact(store, { type: "predictions", meta, files }) },
    summary: { lesions: lines.length },
  };
}

export interface Predictions {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly meta: PredictionsMeta;
  readonly lines: readonly PredictionLine[];
}

export async function openPredictions(store: Store, digest: Digest): Promise<Predictions> {
  const manifest = await getManifest(store, digest);
  const meta = predictionsMetaSchema.parse(manifest.meta);
  return { digest, manifest, meta, lines: parseLines(await readFile(store, manifest, "lesions.jsonl"), predictionLineSchema) };
}

/** @throws when the artifact holds no mask of this lesion. */
export async function readPredictedMask(store: Store, { manifest }: Predictions, id: string): Promise<Mask> {
  const path = `masks/${id}.nii.gz`;
  return readNiftiMask(await readFile(store, manifest, path), path);
}

/** Ŷ × 255 of every lesion of one shard by id. */
export async function readProbabilities(
  store: Store,
  { manifest }: Predictions,
  shard: number,
): Promise<Map<string, Uint8Array>> {
  const path = probabilityPath(shard);
  const { tensors } = decodeSafetensors(await readFile(store, manifest, path), path);
  return new Map(Object.entries(tensors).map(([name, { data }]) => [name.replace(/\/probability$/, ""), data as Uint8Array]));
}

const niftiType = "application/gzip";
const probabilityPath = (shard: number): string => `probabilities/${String(shard).padStart(5, "0")}.safetensors`;
