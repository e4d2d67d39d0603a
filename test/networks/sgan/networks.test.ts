import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Backend, openBackend, type Tensor, type Tensor4D } from "../../../methods/networks/backend.ts";
import { applyGenerator } from "../../../methods/networks/sgan/enhance.ts";
import { createDiscriminator } from "../../../methods/networks/sgan/forward.ts";
import { createGan } from "../../../methods/networks/sgan/gan.ts";
import { createGanOps, type GanOps } from "../../../methods/networks/sgan/ganOps.ts";
import {
  discriminatorLayers,
  discriminatorSpecSchema,
  type GanLayer,
  generatorLayers,
  generatorSpecSchema,
  parametersOf,
} from "../../../methods/networks/sgan/layers.ts";
import { createPerceptual, randomFeatures } from "../../../methods/networks/sgan/perceptual.ts";
import type { Weights } from "../../../methods/networks/weights.ts";
import { randomStream } from "../../../methods/random.ts";

/** Made by test/oracles/sgan.py with PyTorch. */
const golden = JSON.parse(readFileSync(new URL("../../fixtures/sgan.json", import.meta.url), "utf8")) as {
  counts: { name: string; blocks?: number; patch?: number; parameters: number }[];
  generators: { norm: boolean; skip: boolean; height: number; width: number; output: number[] }[];
  discriminators: { patch: number; output: number[] }[];
  steps: Record<"pixel" | "discriminator" | "adversarial" | "total", number>[];
  after: number[];
};

/** The numbers of the oracle: sin(12.9898 i + 78.233 phase). */
const wave = (length: number, phase: number): number[] =>
  Array.from({ length }, (_, i) => Math.sin(12.9898 * i + 78.233 * phase));
const greys = (length: number, phase: number): Float32Array => Float32Array.from(wave(length, phase), (v) => 0.5 + 0.5 * v);

function waveWeights(layers: readonly GanLayer[]): Weights {
  return Object.fromEntries(
    parametersOf(layers).map(({ name, shape, role }, index) => {
      const values = wave(
        shape.reduce((a, b) => a * b, 1),
        index,
      );
      const fan = shape.slice(0, -1).reduce((a, b) => a * b, 1);
      const of: Partial<Record<typeof role, (v: number) => number>> = {
        kernel: (v) => v * Math.sqrt(2 / fan),
        scale: (v) => 1 + 0.3 * v,
        variance: (v) => 1 + 0.5 * v,
        slope: (v) => 0.25 + 0.1 * v,
      };
      return [name, Float32Array.from(values, of[role] ?? ((v) => 0.1 * v))];
    }),
  );
}

describe("the published sizes", () => {
  it.each(golden.counts)("$name has as many parameters as PyTorch counts in SRGAN's", ({ name, blocks, patch, parameters }) => {
    const layers = name.startsWith("G")
      ? generatorLayers(generatorSpecSchema.parse({ blocks }))
      : discriminatorLayers(discriminatorSpecSchema.parse({ patch }));
    const trainable = parametersOf(layers).filter((parameter) => parameter.trainable);
    expect(trainable.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(parameters);
  });
});

const node = await openBackend({ prefer: "node" });

describe.each([
  ["fused", node],
  ["plain", { ...node, raw: false }],
] as const)("%s operations", (_, backend: Backend) => {
  const { tf } = backend;
  const ops = createGanOps(backend);
  const random = (shape: readonly number[], index: number): Tensor4D => {
    const stream = randomStream(1, "gan ops test", index);
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.between(-1, 1));
    return tf.tensor(values, [...shape] as Tensor4D["shape"]);
  };

  /** Gradients of Σ f · (fixed numbers) against central differences, at about 12 elements of each input. */
  function checkGradient(f: (...inputs: Tensor4D[]) => Tensor, inputs: () => Tensor4D[]): void {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const given = inputs();
      const readout = random(f(...given).shape, 99);
      const value = (...at: Tensor4D[]): Tensor =>
        f(...at)
          .mul(readout)
          .sum();
      const gradients = tf.grads(value as (...x: Tensor[]) => Tensor)(given);
      given.forEach((input, which) => {
        const numbers = input.dataSync().slice();
        for (let i = 0; i < numbers.length; i += Math.max(1, Math.floor(numbers.length / 12))) {
          const at = (delta: number): number => {
            const moved = numbers.slice();
            moved[i] += delta;
            return value(
              ...given.map((other, k) => (k === which ? (tf.tensor(moved, input.shape) as Tensor4D) : other)),
            ).dataSync()[0];
          };
          const numeric = (at(4e-3) - at(-4e-3)) / 8e-3;
          const analytic = gradients[which].dataSync()[i];
          expect(Math.abs(analytic - numeric), `input ${which}, element ${i}`).toBeLessThan(
            0.01 * Math.max(1, Math.abs(numeric)),
          );
        }
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  }

  /** Away from zero, where PReLU has its kink. */
  const kinkless = (shape: readonly number[], index: number): Tensor4D => {
    const x = random(shape, index);
    return x.add(x.sign().mul(0.1));
  };
  const both = { byInput: true, byWeights: true };
  const cases: Record<string, [(ops: GanOps, ...inputs: Tensor4D[]) => Tensor, () => Tensor4D[]]> = {
    "convolution of stride 1": [
      (o, x, k) => o.convolution(x, k, 1, both),
      () => [random([2, 5, 6, 2], 1), random([3, 3, 2, 3], 2)],
    ],
    "convolution of stride 2, even": [
      (o, x, k) => o.convolution(x, k, 2, both),
      () => [random([2, 6, 4, 2], 3), random([3, 3, 2, 3], 4)],
    ],
    "convolution of stride 2, odd": [
      (o, x, k) => o.convolution(x, k, 2, both),
      () => [random([1, 5, 7, 2], 5), random([3, 3, 2, 3], 6)],
    ],
    "9 × 9 convolution": [(o, x, k) => o.convolution(x, k, 1, both), () => [random([1, 6, 5, 1], 7), random([9, 9, 1, 2], 8)]],
    bias: [(o, x, b) => o.bias(x, b.reshape([3])), () => [random([2, 3, 3, 3], 9), random([3], 10)]],
    "batch normalisation": [
      (o, x, s, b) => o.normalisation(x, s.reshape([2]), b.reshape([2]), (m, v) => void [m.dispose(), v.dispose()]),
      () => [random([2, 4, 4, 2], 11), random([2], 12), random([2], 13)],
    ],
    PReLU: [(o, x, s) => o.prelu(x, s.reshape([3])), () => [kinkless([2, 4, 4, 3], 14), random([3], 15)]],
    LeakyReLU: [(o, x) => o.leakyRelu(x, 0.2), () => [kinkless([2, 4, 4, 3], 16)]],
    "mean square": [(o, x) => o.meanSquare(x, tf.ones([2, 3, 3, 1])), () => [random([2, 3, 3, 1], 17)]],
  };
  it.each(Object.entries(cases))("%s: gradients equal central differences, and nothing leaks", (_, [f, inputs]) =>
    checkGradient((...given) => f(ops, ...given), inputs),
  );

  it("the perceptual distance has the gradient of its formula and is 0 for equal images", () => {
    const perceptual = createPerceptual(randomFeatures(1 / 16, 3), backend);
    const original = random([1, 12, 12, 1], 20);
    checkGradient(
      (x) => perceptual.distance(x, original),
      () => [random([1, 12, 12, 1], 21)],
    );
    expect(tf.tidy(() => perceptual.distance(original, original).dataSync()[0])).toBe(0);
    perceptual.dispose();
    original.dispose();
  });

  it.each(golden.generators)(
    "a generator's output is PyTorch's: norm $norm, skip $skip, $width × $height",
    ({ norm, skip, width, height, output }) => {
      const before = tf.memory().numTensors;
      const spec = generatorSpecSchema.parse({
        blocks: 2,
        width: 1 / 16,
        norm: norm ? "batch" : "none",
        skip: skip ? "image" : "features",
      });
      const generator = applyGenerator(spec, waveWeights(generatorLayers(spec)), backend);
      const { data } = generator.apply({ data: greys(width * height, 99), width, height });
      generator.dispose();
      expect(tf.memory().numTensors).toBe(before);
      output.forEach((value, i) => expect(data[i]).toBeCloseTo(Math.min(Math.max(value, 0), 1), 4));
    },
  );

  it.each(golden.discriminators)("a discriminator's logits are PyTorch's, patch $patch", ({ patch, output }) => {
    const spec = discriminatorSpecSchema.parse({ patch, width: 1 / 16 });
    const logits = tf.tidy(() => {
      const weights = waveWeights(discriminatorLayers(spec));
      const parameters = new Map(
        parametersOf(discriminatorLayers(spec)).map(({ name, shape }) => [name, tf.tensor(weights[name], [...shape])]),
      );
      const onMoments = (_layer: string, mean: Tensor, variance: Tensor): void => void [mean.dispose(), variance.dispose()];
      return createDiscriminator(spec, parameters, backend, { onMoments })(
        tf.tensor4d(greys(3 * patch * patch, 98), [3, patch, patch, 1]),
      ).dataSync();
    });
    output.forEach((value, i) => expect(logits[i]).toBeCloseTo(value, 4));
  });

  it("a step of pre-training, then one of each network, equal PyTorch's", () => {
    const before = tf.memory().numTensors;
    const spec = {
      generator: generatorSpecSchema.parse({ blocks: 2, width: 1 / 16 }),
      discriminator: discriminatorSpecSchema.parse({ patch: 16, width: 1 / 16 }),
    };
    const start = {
      generator: waveWeights(generatorLayers(spec.generator)),
      discriminator: waveWeights(discriminatorLayers(spec.discriminator)),
    };
    const options = {
      losses: { pixel: 1, perceptual: 0, adversarial: 0.05 },
      adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-2, weightDecay: 0 },
    };
    const gan = createGan(spec, start, options, null, backend);
    const [x, y] = [greys(512, 97), greys(512, 96)];
    const pairs = [0, 1].map((i) => ({ input: x.slice(256 * i, 256 * (i + 1)), target: y.slice(256 * i, 256 * (i + 1)) }));
    const [first, second] = golden.steps;
    expect(gan.pretrain(pairs, 1e-2).pixel).toBeCloseTo(first.pixel, 4);
    const losses = gan.compete(pairs, 1e-2);
    for (const loss of ["discriminator", "pixel", "adversarial", "total"] as const)
      expect(losses[loss]).toBeCloseTo(second[loss], 3);
    const after = applyGenerator(spec.generator, gan.state().generator, backend);
    const { data } = after.apply({ data: x.slice(0, 256), width: 16, height: 16 });
    golden.after.forEach((value, i) => expect(Math.abs(data[i] - Math.min(Math.max(value, 0), 1))).toBeLessThan(5e-3));
    after.dispose();
    gan.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
