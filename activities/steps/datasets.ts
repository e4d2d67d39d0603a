import { inParallel } from "../../artifacts/inParallel.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { LesionSource, SourceEntry, VolumeSource } from "../../methods/datasets/lesionCase.ts";
import { phantomSource, synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { splitByPatient } from "../../methods/datasets/split.ts";
import { InputError } from "../../methods/inputError.ts";
import { type DatasetMeta, type Lesion, lesionSchema } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { parseLines, putDataset, putShard, skippedOf } from "../datasets.ts";
import { type PinnedSource, pinnedSource } from "../sources.ts";
import type { StepBody, StepInput } from "./step.ts";

interface PlannedSource {
  readonly source: LesionSource | VolumeSource;
  /** Makes sure that files are still what was scanned. */
  readonly check?: PinnedSource["check"];
  /** Entry numbers, training side first, so that a shard rarely holds both sides. */
  readonly order: readonly number[];
  readonly sides: ReadonlyMap<string, Lesion["split"]>;
  readonly name: string;
  readonly origin: DatasetMeta["origin"];
}

/** Imports or draws a dataset shard by shard; the two kinds differ only in where lesions come from. */
function datasetBody<P extends { shardSize: number }>(
  planSource: (store: Store, input: StepInput<P>) => Promise<PlannedSource>,
): StepBody<P> {
  const plan = planOnce(planSource);
  return {
    async parts({ store }, input) {
      const { order } = await plan(store, input);
      return Math.ceil(order.length / input.params.shardSize);
    },

    async run({ store, progress }, input) {
      const { source, order, sides, check } = await plan(store, input);
      const { params, part } = input;
      const mine = order.slice(part! * params.shardSize, (part! + 1) * params.shardSize);
      const cases = [];
      const skipped: Record<string, number> = {};
      for (const [done, entry] of mine.entries()) {
        progress({ unit: "entries", done, total: mine.length });
        await check?.(source.entries[entry].files);
        const loaded = await source.load(entry);
        const lesions = "cases" in loaded ? loaded.cases : [loaded];
        cases.push(...lesions.map((lesion) => ({ ...lesion, split: sides.get(lesion.patient)! })));
        if ("cases" in loaded) addCounts(skipped, loaded.skipped);
      }
      return { outputs: { part: await putShard(store, part!, cases, skipped) }, summary: { lesions: cases.length } };
    },

    async gather({ store }, input, parts) {
      const { source, name, origin } = await plan(store, input);
      const shards = await inParallel(parts, async ({ part }) => {
        const manifest = await getManifest(store, part);
        return { manifest, lesions: parseLines(await readFile(store, manifest, "lesions.jsonl"), lesionSchema) };
      });
      const skipped = { ...source.skipped };
      for (const { manifest } of shards) addCounts(skipped, skippedOf(manifest));
      if (shards.every(({ lesions }) => lesions.length === 0)) throw nothingToImport(name, skipped);
      const outputs: Record<string, Digest> = {};
      for (const split of ["all", "train", "test"] as const) {
        const meta = { name, split, origin, skipped };
        outputs[split] = await putDataset(store, shards, meta, (lesion) => split === "all" || lesion.split === split);
      }
      const all = shards.flatMap(({ lesions }) => lesions);
      const train = all.filter((lesion) => lesion.split === "train").length;
      return { outputs, summary: { lesions: all.length, train, test: all.length - train } };
    },
  };
}

/** The plan that was made last is kept: every part of a step asks for the same one, and it lists every lesion. */
function planOnce<P>(
  plan: (store: Store, input: StepInput<P>) => Promise<PlannedSource>,
): (store: Store, input: StepInput<P>) => Promise<PlannedSource> {
  let last: { readonly key: string; readonly planned: Promise<PlannedSource> } | undefined;
  return (store, input) => {
    const { params, inputs } = input;
    const key = JSON.stringify({ store: store.url, params, inputs });
    if (last?.key !== key) {
      const made = { key, planned: plan(store, input) };
      last = made;
      made.planned.catch(() => {
        if (last === made) last = undefined;
      });
    }
    return last!.planned;
  };
}

function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [reason, count] of Object.entries(more)) counts[reason] = (counts[reason] ?? 0) + count;
}

function nothingToImport(where: string, skipped: Readonly<Record<string, number>>): InputError {
  const reasons = Object.entries(skipped).map(([reason, count]) => `${count} × ${reason}`);
  return new InputError(
    "no lesion can be imported",
    where,
    reasons.length > 0 ? `left out: ${reasons.join(", ")}` : "the folder holds none",
  );
}

const trainingFirst = (entries: readonly SourceEntry[], sides: ReadonlyMap<string, Lesion["split"]>): number[] => {
  const numbers = entries.map((_, index) => index);
  const on = (side: Lesion["split"]) => numbers.filter((index) => sides.get(entries[index].patient) === side);
  return [...on("train"), ...on("test")];
};

/** Imports the lesions of a source in the file system; a lesion that cannot be read is an error, never a gap. */
export const datasetImport = datasetBody<StepParams<"dataset.import">>(async (store, { params, inputs }) => {
  const { source, check } = await pinnedSource(store, "dataset.import", params, inputs.source.artifact as Digest);
  if (source.entries.length === 0) throw nothingToImport(params.root, source.skipped);
  const { split } = params;
  const sides = splitByPatient(
    source.entries,
    split.by === "official" ? { official: true } : { testFraction: split.test, seed: split.seed ?? params.seed },
  );
  return { source, check, sides, order: trainingFirst(source.entries, sides), name: params.format, origin: "real" };
});

/** Puts shapes into CT. Both sides of the split share the backgrounds; no patient's shape is on both. */
function implantBody<K extends "dataset.implant" | "timepoints.construct">(
  kind: K,
  name: string,
): StepBody<StepParams<K> & { shardSize: number }> {
  return datasetBody(async (store, { params, inputs }) => {
    const { source, check } = await pinnedSource(store, kind, params, inputs.source.artifact as Digest);
    const sides = splitByPatient(source.entries, { official: true });
    return { source, check, sides, order: trainingFirst(source.entries, sides), name, origin: "semi-synthetic" };
  });
}

export const datasetImplant = implantBody("dataset.implant", "implanted shapes");
export const timepointsConstruct = implantBody("timepoints.construct", "constructed time points");

/** Draws phantom lesions. */
export const datasetSynthesize = datasetBody<StepParams<"dataset.synthesize">>(async (_store, { params }) => {
  const { lesions, categories, thickSlices, testFraction, markNoise, seed } = params;
  const options = { seed, thickFraction: thickSlices, markNoise };
  const all = phantomSource({ lesions, ...options });
  const source: LesionSource =
    categories === undefined
      ? all
      : {
          ...all,
          load: async (index) => synthesizeLesion({ ...options, index, category: categories[index % categories.length] }),
        };
  const sides = splitByPatient(source.entries, { testFraction, seed });
  return { source, sides, order: trainingFirst(source.entries, sides), name: "phantom", origin: "synthetic" };
});
