import { parseLines } from "../../activities/datasets.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import {
  type Decision,
  type DecisionsMeta,
  decisionSchema,
  decisionsMetaSchema,
  type LogLine,
  logLineSchema,
} from "../../schemas/reading.ts";

/** What a `decisions` artifact holds. */
export async function decisionsOf(store: Store, artifact: string): Promise<Decision[]> {
  const manifest = await getManifest(store, artifact as Digest);
  return parseLines(await readFile(store, manifest, "answers.jsonl"), decisionSchema);
}

export async function logOf(store: Store, artifact: string): Promise<LogLine[]> {
  const manifest = await getManifest(store, artifact as Digest);
  return parseLines(await readFile(store, manifest, "log.jsonl"), logLineSchema);
}

export async function metaOf(store: Store, artifact: string): Promise<DecisionsMeta> {
  return decisionsMetaSchema.parse((await getManifest(store, artifact as Digest)).meta);
}
