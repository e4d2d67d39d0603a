import { parseLines, putDataset, putShard } from "../../activities/datasets.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { lesionSchema } from "../../schemas/dataset.ts";

type ShardLesions = Parameters<typeof putShard>[2];

/** Synthetic lesions as a data set to train on, in the given shards. */
export async function phantomDataset(store: Store, ...shards: readonly ShardLesions[]): Promise<Digest> {
  const parts = [];
  for (const [shard, lesions] of shards.entries()) {
    const manifest = await getManifest(store, await putShard(store, shard, lesions));
    parts.push({ manifest, lesions: parseLines(await readFile(store, manifest, "lesions.jsonl"), lesionSchema) });
  }
  return putDataset(store, parts, { name: "phantoms", origin: "synthetic", skipped: {}, split: "train" }, () => true);
}
