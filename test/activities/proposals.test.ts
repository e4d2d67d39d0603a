import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCases } from "../../activities/cases.ts";
import { openDataset, readLesions } from "../../activities/datasets.ts";
import { putModel } from "../../activities/models.ts";
import { niftiFiles, openPredictions, readPredictedMask } from "../../activities/predictions.ts";
import { putDecisions } from "../../activities/readingLog.ts";
import { putSource } from "../../activities/sources.ts";
import { parseInput } from "../../activities/steps/index.ts";
import { proposalLineSchema } from "../../activities/steps/lesionsPropose.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { writeNifti } from "../../methods/imaging/nifti.ts";
import { worldOf } from "../../methods/imaging/placedMask.ts";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import type { Model } from "../../methods/networks/model.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { decodeSafetensors } from "../../methods/networks/safetensors.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { brightBalls } from "../networks/brightBalls.ts";
import { brightness } from "../networks/brightness.ts";
import { stepOutputs } from "./stepOutputs.ts";

const balls = [
  { at: [40, 45, 9], radiusMm: 10 },
  { at: [76, 60, 14], radiusMm: 16 },
] as const;

let root: string;
let store: Store;
let model: Digest;
let proposed: Record<string, Digest>;
const params = { lengthsMm: [20, 32], window: { low: 0, high: 1000 }, origin: "synthetic" };

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-proposals-"));
  store = openFileStore(path.join(root, "store"));
  for (const folder of ["a", "b", "c"]) mkdirSync(path.join(root, "ct", folder), { recursive: true });
  const affine = [-1.5, 0, 0, 90, 0, -1.5, 0, 70, 0, 0, 4, -200, 0, 0, 0, 1];
  writeFileSync(path.join(root, "ct/a/image.nii.gz"), writeNifti({ ...brightBalls(balls), affine }));
  writeFileSync(path.join(root, "ct/a/mask.nii.gz"), "is not read");
  writeFileSync(path.join(root, "ct/b/image.nii.gz"), writeNifti(brightBalls([], [60, 60, 8])));
  writeFileSync(path.join(root, "ct/c/image.nii.gz"), writeNifti(brightBalls([{ at: [36, 30, 4], radiusMm: 9 }], [64, 60, 9])));
  model = await stored(brightness());
  proposed = await step("lesions.propose", { root: path.join(root, "ct"), ...params }, { model });
});
afterAll(() => rmSync(root, { recursive: true }));

function stored(one: Model): Promise<Digest> {
  return putModel(store, one, stepKinds["network.train"].params.parse({}));
}

async function step(kind: string, given: object, inputs: Record<string, Digest>, signal = new AbortController().signal) {
  const root = (given as { root?: string }).root;
  const source: Record<string, Digest> =
    root === undefined ? {} : { source: await putSource(store, kind, kindParams(kind, given)) };
  const backend = () => openBackend({ prefer: "node" });
  return stepOutputs(store, kind, given, { ...inputs, ...source }, { signal, backend });
}
const kindParams = (kind: string, given: object) =>
  parseInput({ kind, params: given as never, inputs: {} }).params as Record<string, unknown>;

const decided = (cases: Digest, answers: readonly (readonly [string, string, string | null])[]): Promise<Digest> =>
  putDecisions(
    store,
    answers.map(([id, answer, reader]) => ({ case: id, repeat: false, reader, answer, at: 0, tookMs: 1 })),
    { bytes: Buffer.alloc(0) },
    { title: "proposals", cases, decidedBy: "people", readers: [], closedBy: "readers" },
  );

describe("proposals of a search over volumes", () => {
  it("are lesions with marks, masks and cases, volume by volume", async () => {
    const dataset = await openDataset(store, proposed.lesions);
    expect(dataset.meta).toMatchObject({ lesions: 3, origin: "synthetic", split: "all" });
    expect(dataset.lesions.map(({ id, patient, source }) => [id, patient, source.series])).toEqual([
      ["a_image-001", "a", "a_image"],
      ["a_image-002", "a", "a_image"],
      ["c_image-001", "c", "c_image"],
    ]);
    const { cases, manifest } = await openCases(store, proposed.cases);
    expect(cases.map(({ id }) => id)).toEqual(dataset.lesions.map(({ id }) => id));
    const predictions = await openPredictions(store, proposed.predictions);
    const lines = (await readFile(store, manifest, "proposals.jsonl")).toString("utf8").trim().split("\n");
    const scores = lines.map((line) => proposalLineSchema.parse(JSON.parse(line)));
    for await (const { lesion, image } of readLesions(store, dataset)) {
      const shown = cases.find(({ id }) => id === lesion.id)!;
      const mask = await readPredictedMask(store, predictions, lesion.id);
      expect(mask.dims).toEqual(image.dims);
      expect(mask.affine).toEqual(image.affine);
      const pixels = async ({ file, tensor }: { file: string; tensor: string }) =>
        decodeSafetensors(await readFile(store, manifest, file), file).tensors[tensor].data;
      expect(await pixels(shown.masks[0])).toEqual(mask.data);
      expect(await pixels(shown.images[0])).toEqual(image.data);
      // the mask is the bright ball, where the score's line says that it lies
      const bright = [...image.data].filter((hu) => hu > 500).length;
      const both = mask.data.reduce((sum, value, i) => sum + (value === 1 && image.data[i] > 500 ? 1 : 0), 0);
      expect((2 * both) / (bright + mask.data.reduce((sum, value) => sum + value, 0))).toBeGreaterThan(0.9);
      const at = scores.find(({ id }) => id === lesion.id)!.centreMm;
      const [x, y] = [0, 1].map((axis) => (lesion.long[0][axis] + lesion.long[1][axis]) / 2);
      expect(Math.hypot(...worldOf([x, y, lesion.slice], image).map((mm, axis) => mm - at[axis]))).toBeLessThan(6);
    }
  });

  it("are kept where people confirm them, with their masks alone; the others are counted", async () => {
    const decisions = await decided(proposed.cases, [
      ["a_image-001", "dismiss", "Ada"],
      ["a_image-001", "dismiss", "Bo"],
      ["a_image-002", "confirm", "Ada"],
      ["a_image-002", "confirm", "Bo"],
      ["c_image-001", "confirm", "Ada"],
      ["c_image-001", "dismiss", "Bo"],
    ]);
    const kept = await step("lesions.confirm", {}, { ...proposed, decisions });
    const dataset = await openDataset(store, kept.lesions);
    expect(dataset.lesions.map(({ id }) => id)).toEqual(["a_image-002"]);
    expect(dataset.meta.skipped).toEqual({ "proposal was dismissed": 1, "proposal was not answered": 1 });
    const predictions = await openPredictions(store, kept.predictions);
    expect([...predictions.lines.keys()]).toEqual(["a_image-002"]);
    const files: string[] = [];
    for await (const { path: file } of niftiFiles(store, predictions.manifest)) files.push(file);
    expect(files).toEqual(["masks/a_image-002.nii.gz"]);
    const before = await openPredictions(store, proposed.predictions);
    expect(await readPredictedMask(store, predictions, "a_image-002")).toEqual(
      await readPredictedMask(store, before, "a_image-002"),
    );
  });

  it("may all be dismissed", async () => {
    const all = (await openDataset(store, proposed.lesions)).lesions.map(({ id }) => [id, "dismiss", null] as const);
    const kept = await step("lesions.confirm", {}, { ...proposed, decisions: await decided(proposed.cases, all) });
    expect((await openDataset(store, kept.lesions)).lesions).toEqual([]);
  });

  it("end when the step is cancelled", async () => {
    const cancelled = AbortSignal.abort(new Error("cancelled"));
    await expect(step("lesions.propose", { root: path.join(root, "ct"), ...params }, { model }, cancelled)).rejects.toThrow(
      "cancelled",
    );
  });

  it("need volumes, and a network that works without marks, as predictions without marks do", async () => {
    const marked = await stored({
      ...brightness(),
      preprocessing: preprocessingSchema.parse({ crop: { size: 64 }, channels: ["ellipse"] }),
    });
    await expect(step("lesions.propose", { root: path.join(root, "ct"), ...params }, { model: marked })).rejects.toThrow(
      /shown the marks/,
    );
    await expect(step("lesions.propose", { root: path.join(root, "store"), ...params }, { model })).rejects.toThrow(
      /holds no CT volume/,
    );
    const { lesions } = proposed;
    const predicting = (which: Digest) => step("segmentation.predict", { marks: "absent" }, { lesions, model: which });
    await expect(predicting(marked)).rejects.toThrow(InputError);
    await expect(predicting(model)).resolves.toHaveProperty("predictions");
  });
});
