import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { openLabels } from "../../activities/labels.ts";
import { loadModel } from "../../activities/models.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { phantomDataset } from "./phantomDataset.ts";
import { stepOutputs } from "./stepOutputs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-stacks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const backend = await openBackend({ prefer: "node" });

const lesions = [0, 1, 2, 3].map((index) => ({
  ...synthesizeLesion({ seed: 4, index, category: "abdomen", sliceMm: 5, longMm: [16, 24] }),
  split: "train" as const,
}));

const done = (kind: string, params: object, inputs: Readonly<Record<string, Digest>>) =>
  stepOutputs(store, kind, params, inputs, { backend: async () => backend });

test("a network of stacks learns from the RECIST slices alone, labels the slices beside them, and goes on from those", async () => {
  const images = await phantomDataset(store, lesions);
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
  const first = await done("network.train", training, { images, labels: key.labels });
  const model = await loadModel(store, first.model);
  expect(model.spec).toMatchObject({ network: "unet", planes: 5, channels: 2 });
  expect(model.preprocessing.stack).toEqual({ planes: 5, reach: 0.9 });
  expect(model.training!.history[0].trainingLoss).toBeGreaterThan(0);

  const harvest = await done("labels.harvest", { k: 1 }, { lesions: images, model: first.model });
  const { lines } = await openLabels(store, harvest.labels);
  expect(new Set(lines.map(({ offset }) => offset))).toEqual(new Set([-1, 0, 1]));

  const wires = { images, labels: harvest.labels, init: first.model };
  const second = await done("network.train", { ...training, stack: undefined }, wires);
  expect((await loadModel(store, second.model)).spec).toEqual(model.spec);
  // What later rounds go on with is what the model is, whatever was declared.
  expect((await getManifest(store, second.model)).meta.params).toMatchObject({ stack: { planes: 5, reach: 0.9 } });

  const masks = await done("segmentation.predict", {}, { lesions: images, model: second.model });
  expect(Object.keys(masks)).toEqual(["predictions"]);
  const fromCrops = { ...training, stack: undefined, augment: { from: "crop" } };
  await expect(done("network.train", fromCrops, wires)).rejects.toThrow(InputError);
});
