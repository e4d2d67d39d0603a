import { z } from "zod";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { LesionCase } from "../methods/datasets/lesionCase.ts";
import type { Mask, Volume } from "../methods/imaging/volume.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { type DatasetMeta, datasetMetaSchema, type Lesion, lesionSchema } from "../schemas/dataset.ts";
import { keepingLast } from "./keepingLast.ts";

/** A dataset artifact, opened: all its lesions; images are read shard by shard. */
export interface Dataset {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly meta: DatasetMeta;
  readonly lesions: readonly Lesion[];
}

/** A lesion with its CT crop. */
export interface LesionImage {
  readonly lesion: Lesion;
  readonly image: Volume;
  readonly reference?: Mask;
}

export async function openDataset(store: Store, digest: Digest): Promise<Dataset> {
  const manifest = await getManifest(store, digest);
  const meta = datasetMetaSchema.parse(manifest.meta);
  const lesions = parseLines(await readFile(store, manifest, "lesions.jsonl"), lesionSchema);
  return { digest, manifest, meta, lesions };
}

/** The numbers of the shards that hold this dataset's lesions, ascending. */
export function shardsOf({ lesions }: Pick<Dataset, "lesions">): number[] {
  return [...new Set(lesions.map((lesion) => lesion.shard))].sort((a, b) => a - b);
}

export const shardPath = (shard: number): string => `shards/${String(shard).padStart(5, "0")}.safetensors`;
const shardLinesPath = (shard: number): string => shardPath(shard).replace(/safetensors$/, "jsonl");

/** Lesions of one shard with their CT crops, in the dataset's order. */
export async function readShard(store: Store, { manifest }: Pick<Dataset, "manifest">, shard: number): Promise<LesionImage[]> {
  const path = shardPath(shard);
  const [tensorBytes, lines] = await Promise.all([
    readFile(store, manifest, path),
    readFile(store, manifest, shardLinesPath(shard)),
  ]);
  const { tensors } = decodeSafetensors(tensorBytes, path);
  return parseLines(lines, lesionSchema).map((lesion) => {
    const { dims, spacingMm, affine } = lesion;
    const grid = { dims, spacingMm, affine };
    const image: Volume = { ...grid, data: tensors[`${lesion.id}/image`].data as Int16Array };
    if (!lesion.hasReference) return { lesion, image };
    return { lesion, image, reference: { ...grid, data: tensors[`${lesion.id}/reference`].data as Uint8Array } };
  });
}

/** Sharded steps over a dataset have one part for each of its shards. */
export async function countShards(store: Store, dataset: Digest): Promise<number> {
  return (await shardIndex(store, dataset)).shards.length;
}

/** What part `part` of a sharded step works on: the lesions of one shard. Reads nothing of the other shards. */
export async function readPart(store: Store, dataset: Digest, part: number): Promise<LesionImage[]> {
  const { manifest, shards } = await shardIndex(store, dataset);
  return readShard(store, { manifest }, shards[part]);
}

/** A dataset's manifest and the numbers of its shards; a step asks for it once per part, so the last few are kept. */
const shardIndex = keepingLast(8, async (store: Store, dataset: Digest) => {
  const manifest = await getManifest(store, dataset);
  const shards = manifest.blobs.flatMap(({ path }) => {
    const digits = /^shards\/(\d+)\.safetensors$/.exec(path);
    return digits === null ? [] : [Number(digits[1])];
  });
  return { manifest, shards: shards.sort((a, b) => a - b) };
});

/** Every lesion with its CT crop, shard after shard, so that only one shard is in memory. */
export async function* readLesions(store: Store, dataset: Dataset): AsyncGenerator<LesionImage> {
  for (const shard of shardsOf(dataset)) yield* await readShard(store, dataset, shard);
}

/**
 * One shard of a dataset as a part artifact: `shard.safetensors` and its `lesions.jsonl`, and how much was left out when
 * its volumes were read, by reason.
 */
export async function putShard(
  store: Store,
  shard: number,
  cases: readonly (LesionCase & { split: Lesion["split"] })[],
  skipped: Readonly<Record<string, number>> = {},
): Promise<Digest> {
  const tensors: Record<string, Tensor> = {};
  const lesions = cases.map((lesionCase): Lesion => {
    const { id, patient, category, split, marks, window, image, reference, source, notes, followUp } = lesionCase;
    const [nx, ny, nz] = image.dims;
    tensors[`${id}/image`] = { dtype: "I16", shape: [nz, ny, nx], data: asInt16(image.data) };
    if (reference !== undefined) tensors[`${id}/reference`] = { dtype: "U8", shape: [nz, ny, nx], data: reference.data };
    return lesionSchema.parse({
      ...marks,
      id,
      patient,
      split,
      category,
      shard,
      dims: image.dims,
      spacingMm: image.spacingMm,
      affine: image.affine,
      window,
      hasReference: reference !== undefined,
      source,
      notes,
      ...(followUp === undefined ? {} : { followUp }),
    });
  });
  return putArtifact(store, {
    type: "part",
    meta: { lesions: lesions.length, ...(Object.keys(skipped).length > 0 ? { skipped: { ...skipped } } : {}) },
    files: [
      { path: "shard.safetensors", bytes: encodeSafetensors(tensors), mediaType: safetensorsType },
      { path: "lesions.jsonl", bytes: toLines(lesions), mediaType: linesType },
    ],
  });
}

/** Puts shards together to one dataset of the lesions that `keep` takes. `lesions.jsonl` has all, in the shards' order. */
export async function putDataset(
  store: Store,
  parts: readonly { manifest: Manifest; lesions: readonly Lesion[] }[],
  meta: Omit<DatasetMeta, "lesions" | "shards">,
  keep: (lesion: Lesion) => boolean,
): Promise<Digest> {
  const files: ArtifactFile[] = [];
  const lesions: Lesion[] = [];
  parts.forEach((part, shard) => {
    const kept = part.lesions.filter(keep);
    if (kept.length === 0) return;
    lesions.push(...kept);
    const blob = (name: string) => part.manifest.blobs.find(({ path }) => path === name)!;
    files.push({ ...blob("shard.safetensors"), path: shardPath(shard) });
    const path = shardLinesPath(shard);
    if (kept.length === part.lesions.length) files.push({ ...blob("lesions.jsonl"), path });
    else files.push({ path, bytes: toLines(kept), mediaType: linesType });
  });
  const complete = datasetMetaSchema.parse({ ...meta, lesions: lesions.length, shards: files.length / 2 });
  files.push({ path: "lesions.jsonl", bytes: toLines(lesions), mediaType: linesType });
  return putArtifact(store, { type: "dataset", meta: complete, files });
}

/**
 * Some lesions of a dataset as a dataset of its own. It shares the shards' images by their digests: nothing is copied, and
 * a lesion that is not taken is still in its shard's tensors but in no list.
 *
 * @param take what becomes of a lesion: undefined leaves it out.
 */
export async function putSubset(
  store: Store,
  { manifest, lesions }: Pick<Dataset, "manifest" | "lesions">,
  meta: Omit<DatasetMeta, "lesions" | "shards">,
  take: (lesion: Lesion) => Lesion | undefined,
): Promise<Digest> {
  const taken = lesions.flatMap((lesion) => take(lesion) ?? []);
  const files: ArtifactFile[] = shardsOf({ lesions: taken }).flatMap((shard) => {
    const path = shardPath(shard);
    const images = manifest.blobs.find((blob) => blob.path === path)!;
    const lines = toLines(taken.filter((lesion) => lesion.shard === shard));
    return [images, { path: shardLinesPath(shard), bytes: lines, mediaType: linesType }];
  });
  const complete = datasetMetaSchema.parse({ ...meta, lesions: taken.length, shards: files.length / 2 });
  files.push({ path: "lesions.jsonl", bytes: toLines(taken), mediaType: linesType });
  return putArtifact(store, { type: "dataset", meta: complete, files });
}

/** What a part artifact says was left out, by reason. */
export function skippedOf({ meta }: Pick<Manifest, "meta">): DatasetMeta["skipped"] {
  return datasetMetaSchema.shape.skipped.parse(meta.skipped ?? {});
}

export const safetensorsType = "application/x-safetensors";
export const linesType = "application/jsonl";

/** JSON Lines. */
export function toLines(rows: readonly unknown[]): Buffer {
  return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

export function parseLines<T>(bytes: Buffer, schema: z.ZodType<T>): T[] {
  const text = bytes.toString("utf8");
  return text === ""
    ? []
    : z.array(schema).parse(
        text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as unknown),
      );
}

/** HU as 16-bit integers; DeepLesion and DICOM hold integers, resampled volumes are rounded. */
function asInt16(data: Int16Array | Float32Array): Int16Array {
  if (data instanceof Int16Array) return data;
  return Int16Array.from(data, (hu) => Math.max(-32768, Math.min(32767, Math.round(hu))));
}
