import { z } from "zod";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { SourceEntry } from "../../methods/datasets/lesionCase.ts";
import { lesionRange, marksInRange } from "../../methods/datasets/lesionCrop.ts";
import { cropVolume } from "../../methods/imaging/crop.ts";
import { onRange, rangeOfPlaced, worldOf } from "../../methods/imaging/placedMask.ts";
import type { Mask, Volume } from "../../methods/imaging/volume.ts";
import { encodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import { type Proposal, requireCanSearch, slidingSearch } from "../../methods/networks/search/slidingSearch.ts";
import { type Case, caseSchema } from "../../schemas/cases.ts";
import { lesionSchema } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { markFacts, putCases } from "../cases.ts";
import { linesType, parseLines, putDataset, putShard, safetensorsType, shardPath, toLines } from "../datasets.ts";
import { loadModel } from "../models.ts";
import { gatherPredictions, putPredictionPart } from "../predictions.ts";
import { pinnedSource } from "../sources.ts";
import type { StepBody, StepInput } from "./step.ts";

type ProposeParams = StepParams<"lesions.propose">;

/** A line of `proposals.jsonl`. */
export const proposalLineSchema = z.strictObject({
  id: z.string(),
  volume: z.string(),
  score: z.number(),
  parts: z.strictObject({
    probability: z.number(),
    contrast: z.number(),
    agreement: z.number(),
    plausibility: z.number(),
  }),
  /** Centre of mass in the volume's own world. */
  centreMm: z.tuple([z.number(), z.number(), z.number()]),
});

const sourceOf = async (store: Store, { params, inputs }: StepInput<ProposeParams>) =>
  pinnedSource(store, "lesions.propose", params, inputs.source.artifact as Digest);

/** A part searches one volume. */
export const lesionsPropose: StepBody<ProposeParams> = {
  parts: async ({ store }, input) => (await sourceOf(store, input)).source.entries.length,

  async run({ store, signal, progress, backend }, input) {
    const { source, check } = await sourceOf(store, input);
    const part = input.part!;
    const { root: _root, title: _title, origin: _origin, ...search } = input.params;
    const model = await loadModel(store, input.inputs.model.artifact as Digest);
    requireCanSearch(model, "input model");
    await check(source.entries[part].files);
    const { volume, notes } = await source.load(part);
    const proposals = await slidingSearch(model, await backend(), volume, search, async ({ phase, done, total }) => {
      signal.throwIfAborted();
      progress({ unit: phase === "looking" ? "places" : "candidates", done, total });
      // Whoever wants to cancel must get a word in.
      await new Promise((resolve) => setImmediate(resolve));
    });
    return {
      outputs: await putProposals(store, part, source.entries[part], { volume, notes }, proposals),
      summary: { proposals: proposals.length },
    };
  },

  async gather({ store }, input, parts) {
    const shards = [];
    const proposals = [];
    const files: ArtifactFile[] = [];
    for (const [number, { lesions: own, shown: scores }] of parts.entries()) {
      const [manifest, shown] = await Promise.all([getManifest(store, own), getManifest(store, scores)]);
      const lesions = parseLines(await readFile(store, manifest, "lesions.jsonl"), lesionSchema);
      shards.push({ manifest, lesions });
      if (lesions.length === 0) continue;
      proposals.push(...parseLines(await readFile(store, shown, "proposals.jsonl"), proposalLineSchema));
      const blob = ({ blobs }: typeof manifest, path: string) => blobs.find((one) => one.path === path)!;
      files.push({ ...blob(manifest, "shard.safetensors"), path: shardPath(number) });
      files.push({ ...blob(shown, "masks.safetensors"), path: masksPath(number) });
    }
    files.push({ path: "proposals.jsonl", bytes: toLines(proposals), mediaType: linesType });
    const scoreOf = new Map(proposals.map(({ id, score }) => [id, score]));
    const cases = shards.flatMap(({ lesions }) =>
      lesions.map((lesion): Case => {
        const { id, shard, window, spacingMm, slice, long, short, source } = lesion;
        return caseSchema.parse({
          id,
          images: [{ name: "CT", file: shardPath(shard), tensor: `${id}/image`, levels: "HU", window, spacingMm }],
          masks: [{ name: "proposal", file: masksPath(shard), tensor: `${id}/mask` }],
          marks: { slice, long, short },
          facts: {
            volume: source.series,
            score: scoreOf.get(id)!.toFixed(2),
            ...markFacts(lesion),
          },
        });
      }),
    );
    const { source } = await sourceOf(store, input);
    const meta = { name: "proposals", split: "all", origin: input.params.origin, skipped: source.skipped } as const;
    const masks = await gatherPredictions(
      store,
      parts.map(({ masks: part }) => ({ part })),
      { method: "sliding-search", dimension: "3D" },
    );
    return {
      outputs: {
        cases: await putCases(
          store,
          { title: input.params.title, ...(cases.length === 0 && { mayBeEmpty: true }) },
          cases,
          files,
        ),
        lesions: await putDataset(store, shards, meta, () => true),
        predictions: masks.outputs.predictions,
      },
      summary: { volumes: parts.length, proposals: cases.length },
    };
  },
};

const masksPath = (shard: number): string => shardPath(shard).replace(/^shards/, "masks");

/** A lesion of each proposal with its mask, cut out as data sets are; three artifacts, of which each is gathered by its own rules. */
async function putProposals(
  store: Store,
  part: number,
  { id: volumeId, patient }: SourceEntry,
  { volume, notes }: { readonly volume: Volume; readonly notes: readonly string[] },
  proposals: readonly Proposal[],
): Promise<Record<string, Digest>> {
  const tensors: Record<string, Tensor> = {};
  const found = proposals.map(({ marks, mask, window, score, parts, centre }, i) => {
    const id = `${volumeId}-${String(i + 1).padStart(3, "0")}`;
    const range = lesionRange(marks, volume.spacingMm, volume.dims, rangeOfPlaced(mask));
    const cut: Mask = onRange(mask, range);
    const [nx, ny, nz] = cut.dims;
    tensors[`${id}/mask`] = { dtype: "U8", shape: [nz, ny, nx], data: cut.data };
    const lesion = {
      id,
      patient,
      category: "unknown",
      split: "test",
      marks: marksInRange(marks, range),
      window,
      image: cropVolume(volume, range.start, range.end),
      source: { series: volumeId, origin: range.start },
      notes: [...notes.map((note) => `CT: ${note}`), "was proposed by a search, with marks measured in its mask"],
    } as const;
    const mm = worldOf(centre, volume);
    const line = { id, volume: volumeId, score, parts, centreMm: mm };
    // Every slice was made by the network alone.
    const outcomes = { network: mask.mask.dims[2] };
    return { id, mask: { ...cut, affine: lesion.image.affine }, outcomes, lesion, line };
  });
  return {
    lesions: await putShard(
      store,
      part,
      found.map(({ lesion }) => lesion),
    ),
    masks: await putPredictionPart(
      store,
      found.map(({ id, mask, outcomes }) => ({ id, mask, outcomes })),
    ),
    shown: await putArtifact(store, {
      type: "part",
      meta: { proposals: found.length },
      files: [
        { path: "proposals.jsonl", bytes: toLines(found.map(({ line }) => line)), mediaType: linesType },
        { path: "masks.safetensors", bytes: encodeSafetensors(tensors), mediaType: safetensorsType },
      ],
    }),
  };
}
