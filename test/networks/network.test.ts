import { describe, expect, it } from "vitest";
import { openBackend, type Tensor4D } from "../../methods/networks/backend.ts";
import { createForward, parametersOf } from "../../methods/networks/network.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import { initialWeights } from "../../methods/networks/weights.ts";
import { randomStream } from "../../methods/random.ts";

const backend = await openBackend({ prefer: "node" });
const { tf } = backend;

const spec = (network: NetworkSpec["network"], width: number, channels = 1): NetworkSpec => ({
  network,
  width,
  channels,
  norm: "none",
});

function count(s: NetworkSpec): number {
  return parametersOf(s).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

function outputs(s: NetworkSpec, x: Tensor4D): Tensor4D[] {
  const weights = initialWeights(s, 1);
  const parameters = new Map(parametersOf(s).map(({ name, shape }) => [name, tf.tensor(weights[name], [...shape])]));
  return createForward(s, parameters, backend)(x);
}

function image(shape: [number, number, number, number]): Tensor4D {
  const random = randomStream(5, "image");
  return tf.tensor4d(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );
}

describe("HNN", () => {
  it("of width 1 on RGB has VGG-16's 14,714,688 convolution parameters, and 1,472 + 5 + 6 of the side outputs", () => {
    expect(count(spec("hnn", 1, 3))).toBe(14_714_688 + 1472 + 5 + 6);
  });

  it("names its layers like VGG-16", () => {
    const { shape } = parametersOf(spec("hnn", 1, 3)).find(({ name }) => name === "conv3_1/kernel")!;
    expect(shape).toEqual([3, 3, 128, 256]);
    expect(parametersOf(spec("hnn", 1, 3)).filter(({ name }) => /^conv\d_\d\/kernel$/.test(name))).toHaveLength(13);
  });

  it("gives five side outputs and the fused one at the input's size, whatever that is", () => {
    for (const [height, width] of [
      [50, 37],
      [16, 16],
      [1, 3],
    ]) {
      expect(outputs(spec("hnn", 1 / 32), image([2, height, width, 1])).map(({ shape }) => shape)).toEqual(
        Array(6).fill([2, height, width, 1]),
      );
    }
  });

  it("starts with the fused output equal to the mean of the side outputs", () => {
    const logits = outputs(spec("hnn", 1 / 16), image([1, 20, 20, 1])).map((t) => [...t.dataSync()]);
    const mean = logits[0].map((_, i) => (logits[0][i] + logits[1][i] + logits[2][i] + logits[3][i] + logits[4][i]) / 5);
    logits[5].forEach((value, i) => expect(value).toBeCloseTo(mean[i], 5));
  });

  it("keeps a stage's pixels over the pixels they came from when the size is odd", () => {
    // Side output 2 reaches a few pixels far, so the first 8 columns of 33 and of 48 must be the same. Resizing it
    // straight to 33 columns would shift them.
    const wide = image([1, 16, 48, 1]);
    const narrow = tf.slice(wide, [0, 0, 0, 0], [1, 16, 33, 1]);
    const [a, b] = [outputs(spec("hnn", 1 / 16), wide)[1], outputs(spec("hnn", 1 / 16), narrow)[1]].map((t) => [
      ...tf.slice(t, [0, 0, 0, 0], [1, 16, 8, 1]).dataSync(),
    ]);
    a.forEach((value, i) => expect(value).toBeCloseTo(b[i], 5));
  });
});

describe("UNet", () => {
  it("of width 1 on grey images has 31,030,593 parameters, the padded UNet's number", () => {
    expect(count(spec("unet", 1))).toBe(31_030_593);
  });

  it("gives one output at the input's size, whatever that is", () => {
    for (const [height, width] of [
      [50, 37],
      [16, 16],
      [1, 3],
    ]) {
      expect(outputs(spec("unet", 1 / 32, 3), image([2, height, width, 3])).map(({ shape }) => shape)).toEqual([
        [2, height, width, 1],
      ]);
    }
  });
});
