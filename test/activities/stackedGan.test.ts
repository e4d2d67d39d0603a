import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEnhanced, readEnhancedSlice } from "../../activities/enhanced.ts";
import { loadSliceEnhancer, putEnhancer } from "../../activities/enhancers.ts";
import { gatherImages, putImagesPart } from "../../activities/images.ts";
import { openLabels } from "../../activities/labels.ts";
import { loadModel, stackedGanOf } from "../../activities/models.ts";
import { openPredictions, readPredictedMask } from "../../activities/predictions.ts";
import { openQuality, qualityOf } from "../../activities/quality.ts";
import { enhancementApply } from "../../activities/steps/enhancementApply.ts";
import { enhancementMeasure } from "../../activities/steps/enhancementMeasure.ts";
import { labelsHarvest } from "../../activities/steps/labelsHarvest.ts";
import { labelsInitial } from "../../activities/steps/labelsInitial.ts";
import { networkTrain } from "../../activities/steps/networkTrain.ts";
import { segmentationPredict } from "../../activities/steps/segmentationPredict.ts";
import type { StepBody, StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { bicubicallyEnhanced } from "../../methods/labels/enhancedSlice.ts";
import { pictureOfRoi } from "../../methods/labels/initial.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { discriminatorLayers, generatorLayers, initialWeights } from "../../methods/networks/sgan/layers.ts";
import { enhancerOptionsSchema } from "../../methods/networks/sgan/trainingOptions.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { phantomDataset } from "./phantomDataset.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-stacked-gan-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const context = {
  store,
  progress: () => undefined,
  backend: () => openBackend({ prefer: "node" }),
  checkpoints: { latest: async () => null, save: async () => "0".repeat(64) },
  signal: new AbortController().signal,
} as unknown as StepContext;

const lesions = [0, 1].map((index) => ({
  ...synthesizeLesion({ seed: 4, index, category: "abdomen", sliceMm: 5, longMm: [12, 18] }),
  split: "train" as const,
}));

/** A stage with random weights whose correction is far from zero. */
function stage(name: "denoise" | "enhance", seed: number): Promise<Digest> {
  const generator = { blocks: 1, width: 1 / 16, norm: "none", skip: "image" } as const;
  const discriminator = { patch: 16, width: 1 / 32 };
  const weights = initialWeights(generatorLayers(generator), seed, "G");
  weights["tail/kernel"].forEach((value, i, all) => {
    all[i] = 30 * value;
  });
  return putEnhancer(store, {
    stage: name,
    generator,
    discriminator,
    features: null,
    training: {
      options: enhancerOptionsSchema.parse({ seed, degradation: { stage: name } }),
      pictures: { origin: "photographs", count: 0 },
      slices: 0,
      history: [],
    },
    weights: { generator: weights, discriminator: initialWeights(discriminatorLayers(discriminator), seed, "D") },
  });
}

let [dataset, denoiser, enhancer, other]: Digest[] = [];
beforeAll(async () => {
  dataset = await phantomDataset(store, lesions);
  [denoiser, enhancer, other] = await Promise.all([stage("denoise", 1), stage("enhance", 2), stage("enhance", 3)]);
});

type Kind = keyof typeof stepKinds;

async function single<P>(kind: Kind, body: StepBody<P>, params: object, inputs: Record<string, Digest>) {
  const refs = Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }]));
  const input = { params: stepKinds[kind].params.parse(params) as P, inputs: refs };
  if (body.gather === undefined) return (await body.run(context, input)).outputs;
  const part = await body.run(context, { ...input, part: 0 });
  return (await body.gather(context, input, [part.outputs])).outputs;
}

const training = {
  width: 1 / 32,
  norm: "batch",
  channels: ["window", "denoised", "enhanced"],
  crop: { size: 32 },
  epochs: 2,
  batch: 2,
  validation: 0,
};
const labels = async (): Promise<Digest> =>
  (await single("labels.initial", labelsInitial, { method: "ellipse" }, { lesions: dataset })).labels;
async function trained(params: object = training, inputs: Record<string, Digest> = { denoiser, enhancer }): Promise<Digest> {
  return (await single("network.train", networkTrain, params, { images: dataset, labels: await labels(), ...inputs })).model;
}

describe("enhancement.apply by the stacked GAN", () => {
  test("keeps what both stages make of the ROI, on the enlarged grid, with their digests", async () => {
    const { enhanced } = await single(
      "enhancement.apply",
      enhancementApply,
      { zoom: 2.5 },
      { lesions: dataset, denoiser, enhancer },
    );
    const opened = await openEnhanced(store, enhanced);
    expect(opened.meta).toEqual({ method: "sgan", lesions: 2, denoiser, enhancer });
    const gan = await loadSliceEnhancer(store, { denoiser, enhancer }, await context.backend());
    for (const { id, image, marks, window } of lesions) {
      const picture = pictureOfRoi(sliceOf(image, marks.slice), marks, window);
      const denoised = await gan.denoise(picture);
      const expected = {
        original: bicubicallyEnhanced(picture, 2.5),
        denoised: bicubicallyEnhanced(denoised, 2.5),
        enhanced: await gan.enhance(denoised, 2.5),
      };
      const { pictures } = await readEnhancedSlice(store, opened, { id, window }, marks.slice);
      for (const name of ["original", "denoised", "enhanced"] as const) {
        expect([pictures[name]!.width, pictures[name]!.height]).toEqual([expected[name].width, expected[name].height]);
        const furthest = pictures[name]!.data.reduce((most, v, p) => Math.max(most, Math.abs(v - expected[name].data[p])), 0);
        expect(furthest).toBeLessThan(1e-5);
      }
    }
    gan.dispose();
  });

  test("frees the device's memory", async () => {
    const { tf } = await context.backend();
    const apply = () => single("enhancement.apply", enhancementApply, { zoom: 2 }, { lesions: dataset, denoiser, enhancer });
    await apply();
    const before = tf.memory().numTensors;
    await apply();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("enhancement.measure", () => {
  /** Pictures of some size: grey waves. */
  const wave = (id: string, width: number, height: number) => ({
    id,
    pixels: {
      width,
      height,
      data: Uint8Array.from(
        { length: width * height },
        (_, p) => 128 + 60 * Math.sin((12 * (p % width)) / width) + 40 * Math.cos((9 * Math.floor(p / width)) / height),
      ),
    },
  });
  const images = async (...pictures: ReturnType<typeof wave>[]): Promise<Digest> =>
    (await gatherImages(store, [{ part: await putImagesPart(store, pictures, {}) }], "photographs")).digest;

  test("has a row for every picture, task and method, and of the filters the best alone", async () => {
    const set = await images(wave("a_HR.png", 48, 40), wave("a_LR.png", 24, 20), wave("b.jpg", 32, 32));
    const input = { images: set, denoiser, enhancer };
    const { quality } = await single("enhancement.measure", enhancementMeasure, { noise: [25, 50] }, input);
    expect((await single("enhancement.measure", enhancementMeasure, { noise: [25, 50] }, input)).quality).toBe(quality);
    const { meta, lines } = await openQuality(store, quality);
    expect(meta).toEqual({ images: 2, origin: "photographs" });
    const rowsOf = (image: string, task: string) => lines.filter((line) => line.image === image && line.task === task);
    for (const image of ["a_HR.png", "b.jpg"])
      for (const task of ["denoise σ 25", "denoise σ 50"])
        expect(rowsOf(image, task).map(({ method }) => method.replace(/[\d.]+ px/, "x px"))).toEqual([
          "noisy picture",
          "Gaussian filter, σ x px (the best of 8)",
          "G1",
        ]);
    expect(rowsOf("a_HR.png", "enlarge × 2").map(({ method }) => method)).toEqual(["bicubic interpolation", "G2", "G1 and G2"]);
    expect(lines).toHaveLength(2 * 2 * 3 + 3);
    const [{ rows }] = [qualityOf({ name: "waves", value: { meta, lines } })];
    expect(rows.map(({ task, ssim }) => [task, ssim.n]).filter(([task]) => task === "denoise σ 25")).toEqual(
      Array(3).fill(["denoise σ 25", 2]),
    );
  });

  test("refuses stages that were exchanged, and pictures without one to measure on", async () => {
    const measured = (set: Digest, stages: Record<string, Digest>) =>
      single("enhancement.measure", enhancementMeasure, {}, { images: set, ...stages });
    const set = await images(wave("b.jpg", 32, 32));
    await expect(measured(set, { denoiser: enhancer })).rejects.toThrow("stage enhance stands where denoise belongs");
    await expect(measured(await images(wave("a_LR.png", 24, 20)), {})).rejects.toThrow("hold nothing to measure on");
  });
});

describe("a network on denoised and enhanced slices", () => {
  test("is trained to the same bytes from the same stages, to others from others, and names its stages", async () => {
    const model = await trained();
    expect(await trained()).toBe(model);
    expect(await stackedGanOf(store, model)).toEqual({ denoiser, enhancer });
    const elsewise = await loadModel(store, await trained(training, { denoiser, enhancer: other }));
    const own = await loadModel(store, model);
    expect(elsewise.weights["conv1_1/kernel"]).not.toEqual(own.weights["conv1_1/kernel"]);
    expect(await stackedGanOf(store, await trained({ ...training, channels: ["window"] }, {}))).toBeUndefined();
  });

  test("brings its stages to the harvest, to the next round and to predictions on the native grid", async () => {
    const theta = await trained();
    const harvest = await single("labels.harvest", labelsHarvest, { k: 1 }, { lesions: dataset, model: theta });
    const { meta } = await openLabels(store, harvest.labels);
    const unlabelled = Object.values(meta.unlabelled).reduce((sum, n) => sum + n, 0);
    expect(meta.slices + unlabelled).toBe(3 * lesions.length);

    const next = await trained(training, { init: theta });
    expect(await stackedGanOf(store, next)).toEqual({ denoiser, enhancer });

    for (const [params, dimension] of [
      [{}, "3D"],
      [{ slices: "key" }, "2D"],
    ] as const) {
      const { predictions } = await single("segmentation.predict", segmentationPredict, params, {
        lesions: dataset,
        model: next,
      });
      const opened = await openPredictions(store, predictions);
      expect(opened.meta).toMatchObject({ dimension, lesions: 2 });
      for (const { id, image } of lesions) {
        const mask = await readPredictedMask(store, opened, id);
        expect(mask.dims).toEqual(image.dims);
      }
    }
  });

  test("takes its inputs at the lesion's zoom", async () => {
    const model = await trained({ ...training, crop: { size: { longAxisPx: 40 } } });
    expect((await loadModel(store, model)).preprocessing.crop).toEqual({ factor: 2, size: { longAxisPx: 40 } });
  });

  test("is refused where inputs are drawn anew in every epoch, and without the stages", () => {
    const { params, checkInputs } = stepKinds["network.train"];
    const drawn = params.safeParse({ ...training, augment: { from: "image" } });
    expect(drawn.error?.issues[0].message).toContain("must be `crop` for channels denoised and enhanced");
    const given = (...names: string[]) => new Set(["images", "labels", ...names]);
    expect(checkInputs(training, given("denoiser"))).toBe("channel denoised needs inputs `denoiser` and `enhancer`");
    expect(checkInputs(training, given("denoiser", "enhancer"))).toBeNull();
    expect(checkInputs(training, given("init"))).toBeNull();
    expect(checkInputs(training, given("init", "denoiser", "enhancer"))).toContain("brings its own stacked GAN");
    expect(checkInputs({ channels: ["window"] }, given("enhancer"))).toContain("is for channels denoised and enhanced");
  });
});
