import { describe, expect, it } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { decodeModel, encodeModel, type Model } from "../../methods/networks/model.ts";
import { predict } from "../../methods/networks/predict.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import { NonFiniteLossError, type TrainingTask, train } from "../../methods/networks/train.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import { initialWeights, weightsDigest } from "../../methods/networks/weights.ts";
import { blob, blobs } from "./blobs.ts";

const backend = await openBackend({ prefer: "node" });
const spec: NetworkSpec = { network: "hnn", width: 1 / 8, channels: 1, norm: "batch" };
const preprocessing = preprocessingSchema.parse({ crop: { size: 32 } });
const options = (given: object = {}) => trainingOptionsSchema.parse({ seed: 1, batch: 4, maxEpochs: 2, rate: 3e-3, ...given });
const task = (given: Partial<TrainingTask> = {}): TrainingTask => ({
  spec,
  preprocessing,
  init: null,
  samples: blobs(10, 32, 1),
  options: options(),
  backend,
  ...given,
});

describe("train", () => {
  it("learns to find ellipses from noisy labels, and frees its memory", { timeout: 60_000 }, async () => {
    const before = backend.tf.memory().numTensors;
    const spec: NetworkSpec = { network: "hnn", width: 1 / 4, channels: 1, norm: "batch" };
    const { weights, history } = await train(
      task({
        spec,
        samples: blobs(48, 32, 1),
        options: options({
          maxEpochs: 10,
          rate: 1e-2,
          lowRate: 1e-4,
          warmupSteps: 10,
          schedule: "cosine",
          loss: { dice: 0.5 },
          augmentation: { flip: true, rotation: "quarter" },
        }),
      }),
    );
    const tests = Array.from({ length: 20 }, (_, i) => blob(32, 2, i));
    const predictions = await predict(
      { spec, weights },
      backend,
      tests.map(({ sample }) => sample),
    );
    expect(backend.tf.memory().numTensors).toBe(before);
    const dice = tests.map(({ truth }, t) => {
      const found = Array.from(predictions[t], (p) => (p > 0.5 ? 1 : 0));
      const both = found.reduce((sum: number, f, i) => sum + f * truth[i], 0);
      return (2 * both) / (found.reduce((a: number, b) => a + b, 0) + truth.reduce((a, b) => a + b, 0));
    });
    expect(dice.reduce((a, b) => a + b) / dice.length).toBeGreaterThan(0.75);
    expect(history.at(-1)!.validationLoss).toBeLessThan(history[0].validationLoss!);
  });

  it("reports every step and epoch", async () => {
    const steps: string[] = [];
    const { history } = await train(
      task({
        onStep: ({ epoch, step, steps: of, images }) => steps.push(`${epoch}:${step}/${of} ${images}`),
        onEpoch: ({ epoch }) => steps.push(`epoch ${epoch}`),
      }),
    );
    expect(steps).toEqual(["0:1/3 4", "0:2/3 4", "0:3/3 1", "epoch 0", "1:1/3 4", "1:2/3 4", "1:3/3 1", "epoch 1"]);
    expect(history.map(({ epoch, rate }) => [epoch, rate])).toEqual([
      [0, 3e-3],
      [1, 3e-3],
    ]);
  });

  it("gives the same bytes again, and whatever checkpoints are taken", async () => {
    const one = await train(task());
    const checkpoints: Buffer[] = [];
    const other = await train(task({ wantsCheckpoint: () => true, onCheckpoint: (bytes) => void checkpoints.push(bytes) }));
    expect(weightsDigest(other.weights)).toBe(weightsDigest(one.weights));
    expect(checkpoints).toHaveLength(6);
    const resumed = await train(task({ resume: checkpoints[3] }));
    expect(weightsDigest(resumed.weights)).toBe(weightsDigest(one.weights));
    expect(resumed.history).toEqual(one.history);
    // The last checkpoint is that of a finished training.
    expect(weightsDigest((await train(task({ resume: checkpoints[5] }))).weights)).toBe(weightsDigest(one.weights));
  });

  it("refuses a checkpoint of another task, and a damaged one", async () => {
    let checkpoint: Buffer = Buffer.alloc(0);
    const keep = (bytes: Buffer): void => {
      checkpoint = bytes;
    };
    await train(task({ options: options({ maxEpochs: 1 }), onCheckpoint: keep }));
    await expect(train(task({ resume: checkpoint }))).rejects.toThrow(/other options, samples or backend/);
    await expect(train(task({ resume: checkpoint.subarray(0, -1) }))).rejects.toThrow(InputError);
    await expect(
      train(
        task({
          resume: encodeModel({ spec, preprocessing, training: null, weights: initialWeights(spec, 1) })["weights.safetensors"],
        }),
      ),
    ).rejects.toThrow(/not a checkpoint/);
  });

  it("stops when the loss is not finite, and says where", async () => {
    const { sample } = blob(32, 1, 0);
    const samples = { entries: [sample], sample: () => ({ ...sample, pixels: sample.pixels.map(() => NaN) }) };
    const failure = await train(task({ samples })).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NonFiniteLossError);
    expect(failure).toMatchObject({
      epoch: 0,
      step: 0,
      message: expect.stringMatching(/NaN in epoch 0, step 0 \(lesions blob-1-0\)/),
    });
  });

  it("stops within a step when it is cancelled, and frees its memory", async () => {
    const before = backend.tf.memory().numTensors;
    const cancel = new AbortController();
    let steps = 0;
    await expect(
      train(task({ signal: cancel.signal, onStep: () => void (++steps === 2 && cancel.abort(new Error("cancelled"))) })),
    ).rejects.toThrow("cancelled");
    expect(steps).toBe(2);
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it("keeps the weights of the epoch with the lowest validation loss where asked to", async () => {
    // A rate so high that later epochs are worse.
    const run = (given: object) =>
      train(
        task({ samples: blobs(24, 32, 1), options: options({ rate: 0.3, validationFraction: 0.25, patience: 9, ...given }) }),
      );
    const best = await run({ maxEpochs: 4, keep: "best" });
    const losses = best.history.map(({ validationLoss }) => validationLoss!);
    const bestEpoch = losses.indexOf(Math.min(...losses));
    expect(weightsDigest(best.weights)).toBe(weightsDigest((await run({ maxEpochs: bestEpoch + 1 })).weights));
  });

  it("refuses samples of another number of channels", async () => {
    await expect(train(task({ spec: { ...spec, channels: 2 } }))).rejects.toThrow(/2 input channels, preprocessing makes 1/);
  });
});

describe("predict", () => {
  const weights = initialWeights(spec, 4);
  const input = (size: number, index: number) => blob(size, 9, index).sample;

  it("keeps the order of inputs of mixed sizes", async () => {
    const inputs = [input(32, 0), input(16, 1), input(32, 2), input(37, 3)];
    const together = await predict({ spec, weights }, backend, inputs, { batch: 2 });
    expect(together.map(({ length }) => length)).toEqual([1024, 256, 1024, 1369]);
    for (const [i, one] of inputs.entries()) {
      const [alone] = await predict({ spec, weights }, backend, [one]);
      expect(Math.max(...alone.map((p, k) => Math.abs(p - together[i][k])))).toBeLessThan(1e-5);
    }
  });

  it("with flips treats an image and its mirror image alike", async () => {
    const image = input(16, 0);
    const mirror = { size: 16, pixels: image.pixels.map((_, i) => image.pixels[(i & ~15) + 15 - (i & 15)]) };
    const [a, b] = await predict({ spec, weights }, backend, [image, mirror], { flips: true });
    a.forEach((p, i) => expect(p).toBeCloseTo(b[(i & ~15) + 15 - (i & 15)], 5));
  });

  it("of nothing is nothing", async () => {
    expect(await predict({ spec, weights }, backend, [])).toEqual([]);
  });
});

describe("a model in files", () => {
  const model: Model = {
    spec,
    preprocessing,
    training: { options: options(), history: [{ epoch: 0, trainingLoss: 1.5, validationLoss: null, rate: 1e-3 }] },
    weights: initialWeights(spec, 1),
  };
  const files = encodeModel(model);

  it("comes back as it was, and has the same bytes whatever the order of keys", () => {
    const back = decodeModel({ ...files }, "model");
    expect(back).toEqual(model);
    const reversed = Object.fromEntries(Object.entries(model.spec).reverse()) as NetworkSpec;
    expect(encodeModel({ ...back, spec: reversed })["model.json"].equals(files["model.json"])).toBe(true);
    expect(encodeModel(back)["weights.safetensors"].equals(files["weights.safetensors"])).toBe(true);
  });

  it.each([
    ["without weights", { "model.json": files["model.json"] }, /weights\.safetensors is missing/],
    ["with a broken card", { ...files, "model.json": Buffer.from("{") }, /m\/model\.json: is not valid JSON/],
    [
      "with an unknown network",
      { ...files, "model.json": Buffer.from(String(files["model.json"]).replace('"hnn"', '"vgg"')) },
      /spec\.network/,
    ],
    [
      "of another width",
      { ...files, "model.json": Buffer.from(String(files["model.json"]).replace("0.125", "0.25")) },
      /tensor conv1_1\/kernel has shape \[3, 3, 1, 8\], expected \[3, 3, 1, 16\]/,
    ],
  ])("%s is refused", (_, damaged, message) => {
    expect(() => decodeModel(damaged, "m")).toThrow(message);
    expect(() => decodeModel(damaged, "m")).toThrow(InputError);
  });
});
