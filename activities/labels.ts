import { z } from "zod";
import { inParallel } from "../artifacts/inParallel.ts";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { type Mask, type Slice, sliceOf } from "../methods/imaging/volume.ts";
import { lengthMm } from "../methods/labels/recist.ts";
import type { LabelMap } from "../methods/labels/trimap.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../methods/networks/safetensors.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import type { Lesion } from "../schemas/dataset.ts";
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

/** Of all slices, those up to this distance from the RECIST slice are labelled, in long diameters. */
const REACH = 0.9;

/** The slices of a lesion's mask that are to be labelled, ascending; of `all`, empty ones beyond its ends among them. */
export function labelledSlices(lesion: Lesion, mask: Mask, slices: "key" | "all" | number, outcome: string): LabelledSlice[] {
  const { dims, spacingMm } = mask;
  const within = Math.floor((REACH * lengthMm(lesion.long, spacingMm)) / spacingMm[2]);
  const count = slices === "key" ? 0 : slices === "all" ? within : slices;
  return Array.from({ length: 2 * count + 1 }, (_, i) => i - count)
    .filter((offset) => lesion.slice + offset >= 0 && lesion.slice + offset < dims[2])
    .map((offset) => ({
      id: lesion.id,
      z: lesion.slice + offset,
      offset,
      outcome,
      labels: sliceOf(mask, lesion.slice + offset),
    }));
}

/** Labels of one shard of lesions. `unlabelled` counts what was left out, by reason; `more` are further files. */
export function putLabelPart(
  store: Store,
  slices: readonly LabelledSlice[],
  unlabelled: Readonly<Record<string, number>>,
  more: readonly ArtifactFile[] = [],
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
      ...more,
    ],
  });
}

/** One labels artifact out of the parts of all shards; `more` are further files. */
export async function gatherLabels(
  store: Store,
  parts: readonly Record<string, Digest>[],
  { method, round }: { method: string; round: number },
  more: readonly ArtifactFile[] = [],
): Promise<StepResult> {
  const lines: LabelLine[] = [];
  const files: ArtifactFile[] = [];
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
  files.push({ path: "slices.jsonl", bytes: toLines(lines), mediaType: linesType }, ...more);
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
