import { z } from "zod";
import { inParallel } from "../artifacts/inParallel.ts";
import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Slice } from "../methods/imaging/volume.ts";
import type { LabelMap } from "../methods/labels/trimap.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { linesType, parseLines, safetensorsType, shardPath, toLines } from "./datasets.ts";
import type { StepResult } from "./steps/step.ts";

/** One labelled slice: a line of `slices.jsonl`; its label map is tensor `<id>/<z>` (U8, [y, x]) of its shard. */
const labelLineSchema = z.strictObject({
  id: z.string(),
  z: z.int().nonnegative(),
  /** τ: slices from the RECIST slice. */
  offset: z.int(),
  /** How the label came about, e.g. "grabcut", "ignored-fallback". */
  outcome: z.string(),
  shard: z.int().nonnegative(),
});
export type LabelLine = z.infer<typeof labelLineSchema>;
const partLineSchema = labelLineSchema.omit({ shard: true });

export interface LabelledSlice extends Omit<LabelLine, "shard"> {
  readonly labels: LabelMap;
}

/** Counts of outcomes by τ: `{"grabcut": {"-1": 96, "0": 96, "1": 95}, …}`. */
const outcomesSchema = z.record(z.string(), z.record(z.string(), z.int().nonnegative()));

export const labelsMetaSchema = z.strictObject({
  method: z.string(),
  round: z.int().nonnegative(),
  slices: z.int().nonnegative(),
  outcomes: outcomesSchema,
  /** What could not be labelled, by reason. */
  unlabelled: z.record(z.string(), z.int().nonnegative()),
});
export type LabelsMeta = z.infer<typeof labelsMetaSchema>;

/** Labels of one shard of lesions. `unlabelled` counts what was left out, by reason. */
export function putLabelPart(
  store: Store,
  slices: readonly LabelledSlice[],
  unlabelled: Readonly<Record<string, number>>,
): Promise<Digest> {
  const tensors: Record<string, Tensor> = {};
  for (const { id, z: slice, labels } of slices) {
    tensors[`${id}/${slice}`] = { dtype: "U8", shape: [labels.height, labels.width], data: labels.data };
  }
  const lines = slices.map(({ id, z: slice, offset, outcome }) => ({ id, z: slice, offset, outcome }));
  return putArtifact(store, {
    type: "part",
    meta: { unlabelled: { ...unlabelled } },
    files: [
      { path: "shard.safetensors", bytes: encodeSafetensors(tensors), mediaType: safetensorsType },
      { path: "slices.jsonl", bytes: toLines(lines), mediaType: linesType },
    ],
  });
}

/** One labels artifact out of the parts of all shards. */
export async function gatherLabels(
  store: Store,
  parts: readonly Record<string, Digest>[],
  { method, round }: { method: string; round: number },
): Promise<StepResult> {
  const lines: LabelLine[] = [];
  const files = [];
  const unlabelled: Record<string, number> = {};
  const read = await inParallel(parts, async ({ labels }) => {
    const manifest = await getManifest(store, labels);
    return { manifest, part: parseLines(await readFile(store, manifest, "slices.jsonl"), partLineSchema) };
  });
  for (const [shard, { manifest, part }] of read.entries()) {
    lines.push(...part.map((line) => ({ ...line, shard })));
    files.push({ ...manifest.blobs.find(({ path }) => path === "shard.safetensors")!, path: shardPath(shard) });
    for (const [reason, count] of Object.entries(z.record(z.string(), z.int()).parse(manifest.meta.unlabelled))) {
      unlabelled[reason] = (unlabelled[reason] ?? 0) + count;
    }
  }
  const outcomes: z.infer<typeof outcomesSchema> = {};
  for (const { outcome, offset } of lines) {
    outcomes[outcome] ??= {};
    outcomes[outcome][offset] = (outcomes[outcome][offset] ?? 0) + 1;
  }
  const meta = labelsMetaSchema.parse({ method, round, slices: lines.length, outcomes, unlabelled });
  files.push({ path: "slices.jsonl", bytes: toLines(lines), mediaType: linesType });
  return { outputs: { labels: await putArtifact(store, { type: "labels", meta, files }) }, summary: { slices: lines.length } };
}

export interface Labels {
  readonly manifest: Manifest;
  readonly meta: LabelsMeta;
  readonly lines: readonly LabelLine[];
}

export async function openLabels(store: Store, digest: Digest): Promise<Labels> {
  const manifest = await getManifest(store, digest);
  const meta = labelsMetaSchema.parse(manifest.meta);
  return { manifest, meta, lines: parseLines(await readFile(store, manifest, "slices.jsonl"), labelLineSchema) };
}

/** Label maps of one shard by `<id>/<z>`. */
export async function readLabelShard(store: Store, labels: Labels, shard: number): Promise<Map<string, Slice<Uint8Array>>> {
  const path = shardPath(shard);
  const { tensors } = decodeSafetensors(await readFile(store, labels.manifest, path), path);
  return new Map(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { data: data as Uint8Array, height: shape[0], width: shape[1] },
    ]),
  );
}
