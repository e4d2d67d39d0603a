import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../../../methods/inputError.ts";
import { openBackend } from "../../../methods/networks/backend.ts";
import { decodeEnhancer, type Enhancer, encodeEnhancer } from "../../../methods/networks/sgan/enhancer.ts";
import { discriminatorSpecSchema, generatorSpecSchema } from "../../../methods/networks/sgan/layers.ts";
import { randomFeatures } from "../../../methods/networks/sgan/perceptual.ts";
import { type EnhancerTask, trainEnhancer } from "../../../methods/networks/sgan/trainEnhancer.ts";
import { enhancerOptionsSchema } from "../../../methods/networks/sgan/trainingOptions.ts";
import { NonFiniteLossError } from "../../../methods/networks/train.ts";
import { weightsDigest } from "../../../methods/networks/weights.ts";
import { pictures } from "./pictures.ts";

const backend = await openBackend({ prefer: "node" });
const spec = {
  generator: generatorSpecSchema.parse({ blocks: 2, width: 1 / 8 }),
  discriminator: discriminatorSpecSchema.parse({ patch: 16, width: 1 / 16 }),
};
const phase = (steps: number, rate = 1e-3) => ({ steps, rate, lowRate: rate / 10 });
const options = (given: object = {}) =>
  enhancerOptionsSchema.parse({
    ...{ seed: 1, degradation: { stage: "denoise" }, batch: 2, pretraining: phase(3), adversarial: phase(3) },
    ...{ validationPairs: 2, reportEverySteps: 2, ...given },
  });
const task = (given: Partial<EnhancerTask> = {}): EnhancerTask => ({
  ...{ spec, options: options(), photographs: pictures(4, 64), init: null, features: randomFeatures(1 / 16, 1), backend },
  ...given,
});
const digestOf = ({ weights }: Awaited<ReturnType<typeof trainEnhancer>>): string[] => [
  weightsDigest(weights.generator),
  weightsDigest(weights.discriminator),
];

describe("trainEnhancer", () => {
  let undisturbed: Awaited<ReturnType<typeof trainEnhancer>>;
  const checkpoints: Buffer[] = [];
  beforeAll(async () => {
    undisturbed = await trainEnhancer(task());
    const keep = (bytes: Buffer): void => void checkpoints.push(bytes);
    const watched = await trainEnhancer(task({ checkpointEverySteps: 1, onCheckpoint: keep }));
    expect(digestOf(watched)).toEqual(digestOf(undisturbed));
  });

  it("learns to remove noise, and frees its memory", { timeout: 60_000 }, async () => {
    const before = backend.tf.memory().numTensors;
    const { history } = await trainEnhancer(
      task({
        spec: { ...spec, generator: { ...spec.generator, norm: "none" } },
        options: options({
          degradation: { stage: "denoise", noise: [30, 50] },
          batch: 8,
          pretraining: { ...phase(200, 3e-3), warmupSteps: 20 },
          adversarial: phase(0),
          validationPairs: 16,
          reportEverySteps: 200,
        }),
      }),
    );
    expect(backend.tf.memory().numTensors).toBe(before);
    const { psnr, inputPsnr } = history.at(-1)!.validation!;
    expect(psnr).toBeGreaterThan(inputPsnr + 1.5);
  });

  it("records both phases, with the losses that each has", () => {
    expect(undisturbed.history.map(({ phase, step }) => [phase, step])).toEqual([
      ["pretraining", 2],
      ["pretraining", 3],
      ["adversarial", 4],
      ["adversarial", 6],
    ]);
    const [first, , , last] = undisturbed.history;
    expect(first).toMatchObject({ perceptual: null, adversarial: null, discriminator: null, total: first.pixel });
    const { pixel, perceptual, adversarial, total } = last;
    expect(total).toBeCloseTo(pixel + 0.1 * perceptual! + 1e-3 * adversarial!, 6);
    expect(last.discriminator).toBeGreaterThan(0);
  });

  it("goes on from any checkpoint, of either phase, to the same bytes", async () => {
    expect(checkpoints).toHaveLength(6);
    for (const resume of [checkpoints[0], checkpoints[2], checkpoints[4], checkpoints[5]]) {
      const resumed = await trainEnhancer(task({ resume }));
      expect(digestOf(resumed)).toEqual(digestOf(undisturbed));
      expect(resumed.history).toEqual(undisturbed.history);
    }
  });

  it("refuses a checkpoint of another task, and a damaged one", async () => {
    const resume = checkpoints[1];
    await expect(trainEnhancer(task({ resume, options: options({ seed: 2 }) }))).rejects.toThrow(
      /other options, pictures or backend/,
    );
    await expect(trainEnhancer(task({ resume, features: randomFeatures(1 / 16, 2) }))).rejects.toThrow(InputError);
    await expect(trainEnhancer(task({ resume: resume.subarray(0, -1) }))).rejects.toThrow(InputError);
  });

  it("stops when a loss is not finite, and says where", async () => {
    const [picture] = pictures(1, 64);
    const broken = { id: "broken", pixels: { ...picture.pixels, data: new Float32Array(64 * 64).fill(NaN) } };
    for (const [pretraining, adversarial, where] of [
      [1, 0, "pretraining"],
      [0, 1, "adversarial"],
    ] as const) {
      const failure = await trainEnhancer(
        task({ photographs: [broken], options: options({ pretraining: phase(pretraining), adversarial: phase(adversarial) }) }),
      ).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(NonFiniteLossError);
      expect((failure as Error).message).toContain(where);
    }
  });

  it("stops within a step when it is cancelled, and frees its memory", async () => {
    const before = backend.tf.memory().numTensors;
    const cancel = new AbortController();
    const onStep = ({ step }: { step: number }): void => void (step === 4 && cancel.abort(new Error("cancelled")));
    await expect(trainEnhancer(task({ signal: cancel.signal, onStep }))).rejects.toThrow("cancelled");
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it("goes on from an enhancer's weights, and learns from curated slices too", async () => {
    const slices = pictures(1, 32, 9).map(({ id, pixels }) => ({
      id,
      pixels: { ...pixels, data: Float32Array.from(pixels.data, (grey) => grey / 255) },
    }));
    const plain = await trainEnhancer(task({ init: undisturbed.weights }));
    const tuned = await trainEnhancer(task({ init: undisturbed.weights, slices }));
    expect(digestOf(plain)).not.toEqual(digestOf(undisturbed));
    expect(digestOf(tuned)).not.toEqual(digestOf(plain));
  });

  it("refuses pictures that no patch can be cut from, and none at all", async () => {
    await expect(
      trainEnhancer(
        task({ photographs: [{ ...pictures(1, 64)[0], pixels: { data: new Uint8Array(150), width: 10, height: 15 } }] }),
      ),
    ).rejects.toThrow(/leaves-1-0: has 10 × 15 pixels, too few for a patch of 16 × 16/);
    await expect(trainEnhancer(task({ photographs: [] }))).rejects.toThrow(/nothing to train on/);
  });
});

describe("an enhancer in files", () => {
  it("comes back as it was", async () => {
    const { weights, history } = await trainEnhancer(
      task({ options: options({ adversarial: phase(0), pretraining: phase(1) }) }),
    );
    const enhancer: Enhancer = {
      ...{ stage: "denoise", ...spec, features: { origin: "random", width: 1 / 16, layer: "conv3_3" }, weights },
      training: { options: options(), photographs: 4, slices: 0, history: [...history] },
    };
    const files = encodeEnhancer(enhancer);
    expect(decodeEnhancer(files, "e")).toEqual(enhancer);
    const narrower = Buffer.from(String(files["enhancer.json"]).replace('"blocks": 2', '"blocks": 3'));
    expect(() => decodeEnhancer({ ...files, "enhancer.json": narrower }, "e")).toThrow(
      /tensor generator\/block3_1\/kernel is missing/,
    );
    expect(() => decodeEnhancer({ ...files, "enhancer.json": Buffer.from("{") }, "e")).toThrow(InputError);
  });
});
