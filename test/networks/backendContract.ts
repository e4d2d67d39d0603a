import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Backend, Tensor, Tensor4D } from "../../methods/networks/backend.ts";
import { parametersOf } from "../../methods/networks/network.ts";
import { createOps } from "../../methods/networks/ops.ts";
import { predict } from "../../methods/networks/predict.ts";
import { NORM_EPSILON } from "../../methods/networks/rawTensorFlow.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import { createTrainable } from "../../methods/networks/trainable.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import type { TrainingSample } from "../../methods/networks/trainingSet.ts";
import type { Weights } from "../../methods/networks/weights.ts";
import { randomStream } from "../../methods/random.ts";

/** What every backend has to fulfil, whatever it computes with. */
export function describeBackend(name: string, backend: Backend): void {
  const { tf } = backend;
  const ops = createOps(backend);

  function random(shape: readonly number[], index: number): Tensor4D {
    const stream = randomStream(1, "ops test", index);
    return tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.between(-1, 1)),
      [...shape] as Tensor4D["shape"],
    );
  }

  /** Compares the gradient of Σ f · (fixed numbers) with central differences, at about 12 elements of each input. */
  function checkGradient(f: (...inputs: Tensor4D[]) => Tensor, inputs: Tensor4D[]): void {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const readout = random(f(...inputs).shape, 99);
      const value = (...given: Tensor4D[]): Tensor =>
        f(...given)
          .mul(readout)
          .sum();
      const gradients = tf.grads(value as (...x: Tensor[]) => Tensor)(inputs);
      inputs.forEach((input, which) => {
        const numbers = input.dataSync().slice();
        const step = Math.max(1, Math.floor(numbers.length / 12));
        for (let i = 0; i < numbers.length; i += step) {
          const at = (delta: number): number => {
            const moved = numbers.slice();
            moved[i] += delta;
            return value(
              ...inputs.map((other, k) => (k === which ? (tf.tensor(moved, input.shape) as Tensor4D) : other)),
            ).dataSync()[0];
          };
          const numeric = (at(4e-3) - at(-4e-3)) / 8e-3;
          expect(
            Math.abs(gradients[which].dataSync()[i] - numeric),
            `input ${which}, element ${i}: ${gradients[which].dataSync()[i]} against ${numeric}`,
          ).toBeLessThan(0.01 * Math.max(1, Math.abs(numeric)));
        }
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  }

  describe(`${name}: gradients equal central differences, and nothing leaks`, () => {
    // ReLU and pooling have kinks; inputs this far apart do not cross one within the difference.
    it("convolution", () =>
      checkGradient(
        (x, k, b) => ops.conv(x, k, b.reshape([3]), { relu: false }),
        [random([2, 5, 6, 2], 1), random([3, 3, 2, 3], 2), random([3], 3)],
      ));
    it("convolution with ReLU", () =>
      checkGradient(
        (x, k, b) => ops.conv(x, k, b.reshape([3])),
        [random([1, 4, 4, 2], 4), random([3, 3, 2, 3], 5), random([3], 6).add<Tensor4D>(4)],
      ));
    it("convolution without gradient of its input", () => {
      const image = random([1, 4, 4, 2], 7);
      checkGradient(
        (k, b) => ops.conv(image, k, b.reshape([3]), { relu: false, inputGradient: false }),
        [random([3, 3, 2, 3], 8), random([3], 9)],
      );
    });
    it("1 × 1 convolution", () =>
      checkGradient(
        (x, k, b) => ops.conv(x, k, b.reshape([1]), { relu: false }),
        [random([2, 3, 3, 4], 10), random([1, 1, 4, 1], 11), random([1], 12)],
      ));
    it("convolution, batch normalisation, ReLU", () => {
      const drop = (mean: Tensor, variance: Tensor): void => void [mean.dispose(), variance.dispose()];
      checkGradient(
        (x, k, s, o) => ops.convNormRelu(x, k, s.reshape([2]), o.reshape([2]), drop),
        [random([2, 4, 4, 2], 13), random([3, 3, 2, 2], 14), random([2], 15), random([2], 16).add<Tensor4D>(5)],
      );
    });
    it("pooling, even and odd sizes", () => {
      checkGradient((x) => ops.maxPool(x), [random([2, 4, 6, 2], 17)]);
      checkGradient((x) => ops.maxPool(x), [random([1, 5, 3, 2], 18)]);
    });
    it("transposed convolution, to 2n and 2n − 1", () => {
      checkGradient(
        (x, k, b) => ops.upConv(x, k, b.reshape([3]), [6, 8]),
        [random([2, 3, 4, 2], 19), random([2, 2, 3, 2], 20), random([3], 21)],
      );
      checkGradient(
        (x, k, b) => ops.upConv(x, k, b.reshape([3]), [5, 7]),
        [random([2, 3, 4, 2], 22), random([2, 2, 3, 2], 23), random([3], 24)],
      );
    });
    it("bilinear enlargement", () => checkGradient((x) => ops.upsample(x, 4), [random([2, 3, 2, 2], 25)]));
    it("cross entropy", () => {
      const [targets, weights] = [
        random([2, 3, 3, 1], 26).greater(0).cast<Tensor4D>("float32"),
        random([2, 3, 3, 1], 27).abs<Tensor4D>(),
      ];
      checkGradient((x) => ops.crossEntropy(x, targets, weights), [random([2, 3, 3, 4], 28)]);
    });
  });

  describe(`${name}: values`, () => {
    it("batch normalisation gives mean 0, variance 1, and reports the moments (variance unbiased)", () => {
      const x = random([2, 3, 4, 1], 30);
      const identity = tf.tensor4d([0, 0, 0, 0, 1, 0, 0, 0, 0], [3, 3, 1, 1]);
      let moments: number[] = [];
      const y = ops.convNormRelu(x, identity, tf.tensor1d([1]), tf.tensor1d([10]), (mean, variance) => {
        moments = [mean.dataSync()[0], variance.dataSync()[0]];
      });
      const values = [...x.dataSync()];
      const mean = values.reduce((a, b) => a + b) / 24;
      const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
      expect(moments[0]).toBeCloseTo(mean, 5);
      expect(moments[1]).toBeCloseTo(squares / 23, 5);
      y.dataSync().forEach((v, i) => expect(v).toBeCloseTo(10 + (values[i] - mean) / Math.sqrt(squares / 24 + NORM_EPSILON), 4));
    });

    it("bilinear enlargement has half-pixel centres: [0, 1] × 2 → [0, ¼, ¾, 1]", () => {
      expect([...ops.upsample(tf.tensor4d([0, 1], [1, 1, 2, 1]), 2).dataSync()]).toEqual([0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1]);
    });

    it("odd edges are pools of their own", () => {
      expect([...ops.maxPool(tf.tensor4d([1, 2, -5, 3, 4, -6, -9, -8, -7], [1, 3, 3, 1])).dataSync()]).toEqual([4, -5, -8, -7]);
    });

    it("cross entropy does not overflow", () => {
      const one = tf.tensor4d([1], [1, 1, 1, 1]);
      const at = (logit: number): number => ops.crossEntropy(tf.tensor4d([logit], [1, 1, 1, 1]), one, one).dataSync()[0];
      expect(at(-1000)).toBe(1000);
      expect(at(1000)).toBe(0);
      expect(at(0)).toBeCloseTo(Math.LN2, 6);
      expect(at(-20)).toBeCloseTo(20, 5);
    });
  });

  describe(`${name}: steps of Adam equal PyTorch's (test/oracles/training_step.py)`, () => {
    const cases = JSON.parse(readFileSync(new URL("../fixtures/trainingStep.json", import.meta.url), "utf8")) as {
      spec: NetworkSpec;
      rate: number;
      losses: number[];
      prediction: number[];
    }[];
    it.each(cases.map((c) => [`${c.spec.network}, norm ${c.spec.norm}`, c] as const))(
      "%s",
      async (_, { spec, rate, losses, prediction }) => {
        const images = waveImages(spec.channels);
        const options = trainingOptionsSchema.parse({ seed: 0, adam: { epsilon: 1e-2 } });
        const before = tf.memory().numTensors;
        const network = createTrainable(spec, waveWeights(spec), options, backend);
        const seen = losses.map(() => network.step(images, rate));
        const [predicted] = await predict({ spec, weights: network.weights() }, backend, images.slice(0, 1));
        network.dispose();
        expect(tf.memory().numTensors).toBe(before);
        seen.forEach((loss, i) => expect(loss).toBeCloseTo(losses[i], 3));
        expect(Math.max(...predicted.map((p, i) => Math.abs(p - prediction[i])))).toBeLessThan(2e-3);
      },
    );
  });
}

const SIZE = 22;

/** The numbers of the oracle: sin(12.9898 i + 78.233 phase). */
function wave(length: number, phase: number): number[] {
  return Array.from({ length }, (_, i) => Math.sin(12.9898 * i + 78.233 * phase));
}

function waveImages(channels: number): TrainingSample[] {
  const pixels = Float32Array.from(wave(3 * SIZE * SIZE * channels, 0.25));
  return [0, 1, 2].map((image) => ({
    id: String(image),
    size: SIZE,
    pixels: pixels.slice(image * SIZE * SIZE * channels, (image + 1) * SIZE * SIZE * channels),
    labels: Uint8Array.from({ length: SIZE * SIZE }, (_, k) => {
      const i = image * SIZE * SIZE + k;
      return (i * 104729) % 17 < 3 + image ? 255 : (i * 7919) % 13 < 5 ? 1 : 0;
    }),
  }));
}

function waveWeights(spec: NetworkSpec): Weights {
  const layers: string[] = [];
  return Object.fromEntries(
    parametersOf(spec).map(({ name, shape, role, layer }) => {
      if (!layers.includes(layer.name)) layers.push(layer.name);
      const index = layers.indexOf(layer.name);
      const length = shape.reduce((a, b) => a * b, 1);
      const fan = layer.kind === "conv" ? 9 * layer.inputs : layer.inputs;
      if (role === "kernel") return [name, Float32Array.from(wave(length, index + 1), (v) => v * Math.sqrt(4 / fan))];
      if (role === "mean") return [name, new Float32Array(length)];
      if (role === "variance") return [name, new Float32Array(length).fill(1)];
      return [name, Float32Array.from(wave(length, index + 0.5), (v) => 0.1 * v + (role === "scale" ? 1 : 0))];
    }),
  );
}
