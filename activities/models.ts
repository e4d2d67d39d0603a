import { z } from "zod";
import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Backend } from "../methods/networks/backend.ts";
import { decodeModel, encodeModel, type Model } from "../methods/networks/model.ts";
import type { SliceEnhancer } from "../methods/networks/sgan/enhance.ts";
import { digestSchema } from "../schemas/digest.ts";
import { type StepParams, stepKinds } from "../schemas/stepKinds.ts";
import { safetensorsType } from "./datasets.ts";
import { loadSliceEnhancer } from "./enhancers.ts";

type TrainParams = StepParams<"network.train">;
type TrainingOverrides = StepParams<"segmentation.self-paced">["training"];

/** The two stages whose slices a model looks at, by digest. */
const stackedGanSchema = z.strictObject({ denoiser: digestSchema, enhancer: digestSchema });
export type StackedGan = Readonly<Record<"denoiser" | "enhancer", Digest>>;

/**
 * Stores a model with the parameters it was trained with, so that later rounds can go on in the same way, and with the
 * stacked GAN that its input needs, without which it cannot be applied.
 */
export function putModel(
  store: Store,
  model: Model,
  { weights: _startedFrom, ...params }: TrainParams,
  stackedGan?: StackedGan,
): Promise<Digest> {
  const files = encodeModel(model);
  return putArtifact(store, {
    type: "model",
    meta: { params: JSON.parse(JSON.stringify(params)), ...(stackedGan === undefined ? {} : { stackedGan }) },
    files: [
      { path: "model.json", bytes: files["model.json"], mediaType: "application/json" },
      { path: "weights.safetensors", bytes: files["weights.safetensors"], mediaType: safetensorsType },
    ],
  });
}

export async function loadModel(store: Store, digest: Digest): Promise<Model> {
  const manifest = await getManifest(store, digest);
  const [card, weights] = await Promise.all([
    readFile(store, manifest, "model.json"),
    readFile(store, manifest, "weights.safetensors"),
  ]);
  return decodeModel({ "model.json": card, "weights.safetensors": weights }, `model ${digest.slice(0, 12)}`);
}

/** The stacked GAN that the input of the model at `digest` needs; undefined where it needs none. */
export async function stackedGanOf(store: Store, digest: Digest): Promise<StackedGan | undefined> {
  const { meta } = await getManifest(store, digest);
  return meta.stackedGan === undefined ? undefined : (stackedGanSchema.parse(meta.stackedGan) as StackedGan);
}

/** A model with what its input needs besides the image; to be disposed of after use. */
export interface Segmenter {
  readonly model: Model;
  readonly enhancer: SliceEnhancer | undefined;
  dispose(): void;
}

export async function loadSegmenter(store: Store, digest: Digest, backend: Backend): Promise<Segmenter> {
  const model = await loadModel(store, digest);
  const stages = await stackedGanOf(store, digest);
  const enhancer = stages && (await loadSliceEnhancer(store, stages, backend));
  return { model, enhancer, dispose: () => enhancer?.dispose() };
}

/** Parameters of a training that goes on from the model at `digest`: its own, but for the overrides. */
export async function trainingParams(
  store: Store,
  digest: Digest,
  overrides: TrainingOverrides,
): Promise<Omit<TrainParams, "weights">> {
  const { meta } = await getManifest(store, digest);
  const { weights: _startedFrom, ...own } = stepKinds["network.train"].params.parse(meta.params);
  const { rate, lowRate, ...rest } = overrides;
  const adam = { ...own.optimizer.adam, ...(rate === undefined ? {} : { rate }), ...(lowRate === undefined ? {} : { lowRate }) };
  return { ...own, ...rest, optimizer: { adam } };
}
