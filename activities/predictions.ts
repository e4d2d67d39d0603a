import { z } from "zod";
import { inParallel } from "../artifacts/inParallel.ts";
import { type ArtifactFile, blobOf, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { readNiftiMask, writeNiftiMask } from "../methods/imaging/nifti.ts";
import type { Mask } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { linesType, parseLines, safetensorsType, toLines } from "./datasets.ts";
import { keepingLast } from "./keepingLast.ts";
import type { StepResult } from "./steps/step.ts";

/**
 * A line of `lesions.jsonl`. The mask lies in `masks/<shard, 5 digits>.safetensors`: tensor `<id>.nii.gz` (U8, [bytes])
 * is the compressed NIfTI file. One file for each mask would be most of the store's files and of a step's time on disk.
 */
const predictionLineSchema = z.strictObject({
  id: z.string(),
  shard: z.int().nonnegative(),
  /** What happened, by name; the report counts them, e.g. {"grabcut": 9, "no foreground samples": 2} slices. */
  outcomes: z.record(z.string(), z.int().nonnegative()),
});
export type PredictionLine = z.infer<typeof predictionLineSchema>;
const partLineSchema = predictionLineSchema.omit({ shard: true });

/** A predicted mask on its lesion's grid, with the network's output quantised to 8 bits where there is one. */
export interface Prediction extends z.infer<typeof partLineSchema> {
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
  const masks: Record<string, Tensor> = {};
  for (const { id, mask } of predictions) {
    const data = writeNiftiMask(mask);
    masks[`${id}.nii.gz`] = { dtype: "U8", shape: [data.length], data };
  }
  const files: ArtifactFile[] = [{ path: "masks.safetensors", bytes: encodeSafetensors(masks), mediaType: safetensorsType }];
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
  const manifests = await inParallel(parts, async ({ part }) => {
    const manifest = await getManifest(store, part);
    return { manifest, lines: parseLines(await readFile(store, manifest, "lesions.jsonl"), partLineSchema) };
  });
  for (const [shard, part] of manifests.entries()) {
    lines.push(...part.lines.map((line) => ({ ...line, shard })));
    for (const blob of part.manifest.blobs) {
      if (blob.path === "masks.safetensors") files.push({ ...blob, path: maskPath(shard) });
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
  /** By lesion. */
  readonly lines: ReadonlyMap<string, PredictionLine>;
}

/**
 * Predictions for different lesions as one artifact, e.g. those of a cross validation's folds. Masks are shared by their
 * digests; shards are numbered anew.
 *
 * @param sets by display name, in the order in which they are to stand.
 * @throws InputError where a lesion is in two of them, or they are not of one method and dimension.
 */
export async function joinPredictions(store: Store, sets: readonly (readonly [string, Predictions])[]): Promise<StepResult> {
  const [[firstName, first]] = sets;
  const lines = new Map<string, PredictionLine>();
  const nameOf = new Map<string, string>();
  const files: ArtifactFile[] = [];
  let shards = 0;
  for (const [name, { meta, manifest, lines: own }] of sets) {
    for (const property of ["dimension", "method", "probabilities"] as const) {
      if (meta[property] === first.meta[property]) continue;
      throw new InputError(
        `predictions of different ${property}: ${firstName} is ${first.meta[property]}, ${name} is ${meta[property]}`,
        undefined,
        "join predictions that one method made for different lesions",
      );
    }
    const numbers = [...new Set([...own.values()].map(({ shard }) => shard))].sort((a, b) => a - b);
    for (const [i, shard] of numbers.entries()) {
      files.push({ ...fileOf(manifest, maskPath(shard)), path: maskPath(shards + i) });
      if (meta.probabilities) files.push({ ...fileOf(manifest, probabilityPath(shard)), path: probabilityPath(shards + i) });
    }
    for (const line of own.values()) {
      const other = nameOf.get(line.id);
      if (other !== undefined)
        throw new InputError(
          `lesion ${line.id} is in ${other} and in ${name}`,
          undefined,
          "join predictions for different lesions, e.g. those of the test sets of one dataset.fold",
        );
      nameOf.set(line.id, name);
      lines.set(line.id, { ...line, shard: shards + numbers.indexOf(line.shard) });
    }
    shards += numbers.length;
  }
  files.push({ path: "lesions.jsonl", bytes: toLines([...lines.values()]), mediaType: linesType });
  const meta = predictionsMetaSchema.parse({ ...first.meta, lesions: lines.size });
  return {
    outputs: { predictions: await putArtifact(store, { type: "predictions", meta, files }) },
    summary: { lesions: lines.size },
  };
}

/** The masks of some lesions as predictions of their own; copied, so that no other mask is exported with them. */
export async function putPredictionSubset(store: Store, all: Predictions, ids: readonly string[]): Promise<Digest> {
  const kept: Prediction[] = [];
  for (const id of ids) {
    const { outcomes } = all.lines.get(id) ?? { outcomes: {} };
    kept.push({ id, outcomes, mask: await readPredictedMask(store, all, id) });
  }
  const part = await putPredictionPart(store, kept);
  return (await gatherPredictions(store, [{ part }], all.meta)).outputs.predictions;
}

function fileOf({ blobs }: Manifest, path: string): Manifest["blobs"][number] {
  return blobs.find((blob) => blob.path === path)!;
}

/** Every part of an evaluation asks for the same few artifacts, so the last ones are kept. */
export const openPredictions = keepingLast(16, async (store: Store, digest: Digest): Promise<Predictions> => {
  const manifest = await getManifest(store, digest);
  const meta = predictionsMetaSchema.parse(manifest.meta);
  const lines = parseLines(await readFile(store, manifest, "lesions.jsonl"), predictionLineSchema);
  return { digest, manifest, meta, lines: new Map(lines.map((line) => [line.id, line])) };
});

/** @throws RangeError when the artifact holds no mask of this lesion. */
export async function readPredictedMask(store: Store, { digest, manifest, lines }: Predictions, id: string): Promise<Mask> {
  const line = lines.get(id);
  if (line === undefined) throw new RangeError(`predictions ${digest} hold no mask of lesion ${id}`);
  const files = await unpackedMasks(store, blobOf(manifest, maskPath(line.shard)));
  const name = `${id}.nii.gz`;
  return readNiftiMask(files[name].data as Uint8Array, name);
}

/** Every mask of a predictions artifact as a NIfTI file, shard after shard; nothing for an artifact of another type. */
export async function* niftiFiles(store: Store, manifest: Manifest): AsyncGenerator<{ path: string; bytes: Uint8Array }> {
  if (manifest.type !== "predictions") return;
  for (const { path, digest } of manifest.blobs.filter((blob) => blob.path.startsWith("masks/"))) {
    const { tensors } = decodeSafetensors(await store.getBlob(digest as Digest), path);
    for (const [name, { data }] of Object.entries(tensors)) yield { path: `masks/${name}`, bytes: data as Uint8Array };
  }
}

/** NIfTI files of one shard by name. Masks are asked for one by one, so the last shards are kept, compressed as they are. */
const unpackedMasks = keepingLast(
  16,
  async (store: Store, blob: Digest) => decodeSafetensors(await store.getBlob(blob), `blob ${blob}`).tensors,
);

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

const maskPath = (shard: number): string => `masks/${String(shard).padStart(5, "0")}.safetensors`;
const probabilityPath = (shard: number): string => `probabilities/${String(shard).padStart(5, "0")}.safetensors`;
