import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { decodeModel, encodeModel, type Model } from "../methods/networks/model.ts";
import { type StepParams, stepKinds } from "../schemas/stepKinds.ts";
import { safetensorsType } from "./datasets.ts";

type TrainParams = StepParams<"network.train">;
type TrainingOverrides = StepParams<"segmentation.self-paced">["training"];

/** Stores a model with the parameters it was trained with, so that later rounds can go on in the same way. */
export function putModel(store: Store, model: Model, { weights: _startedFrom, ...params }: TrainParams): Promise<Digest> {
  const files = encodeModel(model);
  return putArtifact(store, {
    type: "model",
    meta: { params: JSON.parse(JSON.stringify(params)) },
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
