import { inParallel } from "../artifacts/inParallel.ts";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Slice } from "../methods/imaging/volume.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Picture } from "../methods/networks/sgan/pairs.ts";
import { type ImageLine, type ImagesMeta, imageLineSchema, imagesMetaSchema } from "../schemas/images.ts";
import { linesType, parseLines, safetensorsType, shardPath, skippedOf, toLines } from "./datasets.ts";

const partLineSchema = imageLineSchema.omit({ shard: true });

/** Some pictures as a part artifact, and what was left out, by reason. */
export function putImagesPart(
  store: Store,
  pictures: readonly { readonly id: string; readonly pixels: Slice<Uint8Array> }[],
  skipped: Readonly<Record<string, number>>,
): Promise<Digest> {
  const tensors = Object.fromEntries(
    pictures.map(({ id, pixels: { data, width, height } }): [string, Tensor] => [
      id,
      { dtype: "U8", shape: [height, width], data },
    ]),
  );
  const lines = pictures.map(({ id, pixels: { width, height } }) => partLineSchema.parse({ id, width, height }));
  return putArtifact(store, {
    type: "part",
    meta: { images: lines.length, skipped: { ...skipped } },
    files: [
      { path: "shard.safetensors", bytes: encodeSafetensors(tensors), mediaType: safetensorsType },
      { path: "images.jsonl", bytes: toLines(lines), mediaType: linesType },
    ],
  });
}

/** The parts as one artifact; a part without a picture has no shard. */
export async function gatherImages(
  store: Store,
  parts: readonly Record<string, Digest>[],
  origin: ImagesMeta["origin"],
): Promise<{ digest: Digest; meta: ImagesMeta }> {
  const read = await inParallel(parts, async ({ part }) => {
    const manifest = await getManifest(store, part);
    return { manifest, lines: parseLines(await readFile(store, manifest, "images.jsonl"), partLineSchema) };
  });
  const files: ArtifactFile[] = [];
  const lines: ImageLine[] = [];
  const skipped: Record<string, number> = {};
  for (const { manifest, lines: own } of read) {
    for (const [reason, count] of Object.entries(skippedOf(manifest))) skipped[reason] = (skipped[reason] ?? 0) + count;
    if (own.length === 0) continue;
    const shard = files.length;
    files.push({ ...manifest.blobs.find(({ path }) => path === "shard.safetensors")!, path: shardPath(shard) });
    lines.push(...own.map((line) => ({ ...line, shard })));
  }
  const meta = imagesMetaSchema.parse({ origin, images: lines.length, shards: files.length, skipped });
  files.push({ path: "images.jsonl", bytes: toLines(lines), mediaType: linesType });
  return { digest: await putArtifact(store, { type: "images", meta, files }), meta };
}

/** All pictures of an artifact, in memory (one byte a pixel: DIV2K's training set takes 2 GB), in its order. */
export async function readImages(store: Store, digest: Digest): Promise<{ meta: ImagesMeta; pictures: Picture[] }> {
  const manifest = await getManifest(store, digest);
  const meta = imagesMetaSchema.parse(manifest.meta);
  const lines = parseLines(await readFile(store, manifest, "images.jsonl"), imageLineSchema);
  const pictures: Picture[] = [];
  for (let shard = 0; shard < meta.shards; shard++) {
    const { tensors } = decodeSafetensors(await readFile(store, manifest, shardPath(shard)), shardPath(shard));
    for (const { id, width, height, shard: own } of lines)
      if (own === shard) pictures.push({ id, pixels: { data: tensors[id].data as Uint8Array, width, height } });
  }
  return { meta, pictures };
}
