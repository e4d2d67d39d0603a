import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkpointsOf } from "../../activities/checkpoints.ts";
import { putDataset, putShard } from "../../activities/datasets.ts";
import { openLabels } from "../../activities/labels.ts";
import { loadModel } from "../../activities/models.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext, StepResult } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { lesionSchema } from "../../schemas/dataset.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-stacks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const backend = await openBackend({ prefer: "node" });

let keys = 0;
const context = (): StepContext => ({
  store,
  signal: new AbortController().signal,
  progress: () => undefined,
  backend: async () => backend,
  checkpoints: checkpointsOf(store, `${++keys}`.padStart(64, "a") as Digest),
});

const lesions = [0, 1, 2, 3].map((index) => ({
  ...synthesizeLesion({ seed: 4, index, category: "abdomen", sliceMm: 5, longMm: [16, 24] }),
  split: "train" as const,
}));

/** Runs a step as a worker does, all its parts included. */
async function done(kind: string, params: object, wires: Record<string, Digest>): Promise<StepResult> {
  const inputs = Object.fromEntries(Object.entries(wires).map(([name, artifact]) => [name, { artifact }]));
  const body = bodyOf(kind);
  const input = parseInput({ kind, params: { ...params }, inputs });
  if (body.parts === undefined) return body.run(context(), input);
  const parts = [];
  const count = await body.parts(context(), input);
  for (let part = 0; part < count; part++) parts.push((await body.run(context(), { ...input, part })).outputs);
  return body.gather!(context(), input, parts);
}

let images: Digest;
beforeAll(async () => {
  const manifest = await getManifest(store, await putShard(store, 0, lesions));
  const lines = (await readFile(store, manifest, "lesions.jsonl")).toString("utf8").trimEnd().split("\n");
  const part = { manifest, lesions: lines.map((line) => lesionSchema.parse(JSON.parse(line))) };
  images = await putDataset(store, [part], { name: "phantoms", origin: "synthetic", skipped: {}, split: "train" }, () => true);
});

test("a network of stacks learns from the RECIST slices alone, labels the slices beside them, and goes on from those", async () => {
  const training = {
    network: "unet",
    width: 1 / 16,
    norm: "batch",
    channels: ["relative", "ellipsoid"],
    crop: { size: 16 },
    stack: { planes: 5 },
    ...{ epochs: 1, batch: 2, validation: 0, augment: { from: "image", flip: true } },
  };
  const key = await done("labels.initial", { method: "grabcut-r" }, { lesions: images });
  const first = await done("network.train", training, { images, labels: key.outputs.labels });
  const model = await loadModel(store, first.outputs.model);
  expect(model.spec).toMatchObject({ network: "unet", planes: 5, channels: 2 });
  expect(model.preprocessing.stack).toEqual({ planes: 5, reach: 0.9 });
  expect(model.training!.history[0].trainingLoss).toBeGreaterThan(0);

  const harvest = await done("labels.harvest", { k: 1 }, { lesions: images, model: first.outputs.model });
  const { lines } = await openLabels(store, harvest.outputs.labels);
  expect(new Set(lines.map(({ offset }) => offset))).toEqual(new Set([-1, 0, 1]));

  const wires = { images, labels: harvest.outputs.labels, init: first.outputs.model };
  const second = await done("network.train", { ...training, stack: undefined }, wires);
  expect((await loadModel(store, second.outputs.model)).spec).toEqual(model.spec);
  // What later rounds go on with is what the model is, whatever was declared.
  expect((await getManifest(store, second.outputs.model)).meta.params).toMatchObject({ stack: { planes: 5, reach: 0.9 } });

  const masks = await done("segmentation.predict", {}, { lesions: images, model: second.outputs.model });
  expect(Object.keys(masks.outputs)).toEqual(["predictions"]);
  const fromCrops = { ...training, stack: undefined, augment: { from: "crop" } };
  await expect(done("network.train", fromCrops, wires)).rejects.toThrow(InputError);
});
