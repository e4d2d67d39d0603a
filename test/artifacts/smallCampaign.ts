import { actionKeyOf } from "../../artifacts/actionKey.ts";
import { canonicalJson } from "../../artifacts/canonicalJson.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { getManifest, putArtifact } from "../../artifacts/manifest.ts";
import { commitAction, commitCampaign, type FoundAction } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { CompiledPipeline, CompiledStep } from "../../schemas/pipeline.ts";
import type { ActionRecord, CampaignRecord } from "../../schemas/records.ts";

/** A record with its right key; the times and the machine are made up. */
export function recordOf(fields: Pick<ActionRecord, "kind" | "inputs" | "outputs"> & Partial<ActionRecord>): ActionRecord {
  const record: ActionRecord = {
    type: "action-record",
    schemaVersion: 1,
    actionKey: "0".repeat(64),
    kindVersion: 1,
    params: {},
    parts: [],
    fingerprint: "plain",
    code: { version: "0.1.0", commit: null, modified: null },
    machine: { platform: "linux-x64", node: "v20.20.2", cpu: "some", cores: 2 },
    started: "2026-01-02T03:04:05.000Z",
    finished: "2026-01-02T03:04:06.000Z",
    attempt: 1,
    ...fields,
  };
  return { ...record, actionKey: actionKeyOf(record) };
}

export const commit = (store: Store, record: ActionRecord): Promise<FoundAction> =>
  commitAction(store, record.actionKey as Digest, record);

export interface SmallCampaign {
  readonly source: Digest;
  readonly dataset: Digest;
  readonly labels: Digest;
  readonly model: Digest;
  readonly records: {
    readonly parts: readonly FoundAction[];
    readonly lesions: FoundAction;
    readonly masks: FoundAction;
    readonly theta: FoundAction;
  };
  readonly record: CampaignRecord;
}

/** A finished campaign: a scanned source, imported in two parts that are gathered, then labelled, then trained on. */
export async function smallCampaign(store: Store, id: string): Promise<SmallCampaign> {
  const bytes = (text: string) => Buffer.from(`${text} of ${id}`);
  const mediaType = "application/octet-stream";
  const source = await putArtifact(store, {
    type: "source",
    meta: {},
    files: [{ path: "files.jsonl", bytes: bytes("listing"), mediaType }],
  });
  const inputs = { source: { artifact: source } };
  const parts: FoundAction[] = [];
  for (const part of [0, 1]) {
    const files = [{ path: `shards/0000${part}.safetensors`, bytes: bytes(`shard ${part}`), mediaType }];
    const output = await putArtifact(store, { type: "part", meta: { part }, files });
    parts.push(await commit(store, recordOf({ kind: "dataset.import", part, inputs, outputs: { part: output } })));
  }
  const manifests = await Promise.all(parts.map(({ record }) => getManifest(store, record.outputs.part as Digest)));
  const files = manifests.flatMap(({ blobs }) => blobs);
  const dataset = await putArtifact(store, { type: "dataset", meta: { lesions: 2 }, files });
  const lesions = await commit(
    store,
    recordOf({ kind: "dataset.import", inputs, outputs: { lesions: dataset }, parts: parts.map(({ digest }) => digest) }),
  );

  const labels = await putArtifact(store, {
    type: "labels",
    meta: {},
    files: [{ path: "slices.jsonl", bytes: bytes("slices"), mediaType }],
  });
  const images = { artifact: dataset, record: lesions.digest };
  const masks = await commit(
    store,
    recordOf({ kind: "labels.initial", params: { method: "grabcut-r" }, inputs: { lesions: images }, outputs: { labels } }),
  );
  const model = await putArtifact(store, {
    type: "model",
    meta: {},
    files: [
      { path: "weights.safetensors", bytes: bytes("weights"), mediaType },
      { path: "network.json", bytes: bytes("network"), mediaType },
    ],
  });
  const theta = await commit(
    store,
    recordOf({
      kind: "network.train",
      inputs: { images, labels: { artifact: labels, record: masks.digest } },
      outputs: { model },
    }),
  );

  const sourceText = `name: ${id}\n`;
  const step = (name: string, kind: string, wires: CompiledStep["inputs"]): CompiledStep => ({
    ...{ name, kind, version: 1, queue: "cpu", shape: "single", numerics: "plain", external: [], params: {}, inputs: wires },
  });
  const fromLesions = { step: "lesions", output: "lesions" };
  const pipeline: CompiledPipeline = {
    name: id,
    source: sha256(sourceText),
    params: { seed: 7, share: 0.5, method: "grabcut-r", fast: true, sizes: [1, 2] },
    steps: [
      step("lesions", "dataset.import", {}),
      step("masks", "labels.initial", { lesions: [fromLesions] }),
      step("theta", "network.train", { images: [fromLesions], labels: [{ step: "masks", output: "labels" }] }),
    ],
    wanted: ["theta"],
  };
  const record: CampaignRecord = {
    type: "campaign-record",
    schemaVersion: 1,
    campaign: id,
    pipeline: await store.putBlob(Buffer.from(canonicalJson(pipeline))),
    source: await store.putBlob(Buffer.from(sourceText)),
    steps: { lesions: lesions.digest, masks: masks.digest, theta: theta.digest },
    started: "2026-01-02T03:04:05.000Z",
    finished: "2026-01-02T03:05:05.000Z",
  };
  await commitCampaign(store, id, record);
  return { source, dataset, labels, model, records: { parts, lesions, masks, theta }, record };
}
