import { describe, expect, it } from "vitest";
import { resizeAntialiased } from "../../../methods/imaging/resample.ts";
import { InputError } from "../../../methods/inputError.ts";
import { openBackend } from "../../../methods/networks/backend.ts";
import { applyGenerator, createSliceEnhancer } from "../../../methods/networks/sgan/enhance.ts";
import type { Enhancer } from "../../../methods/networks/sgan/enhancer.ts";
import {
  discriminatorLayers,
  discriminatorSpecSchema,
  generatorLayers,
  generatorSpecSchema,
  initialWeights,
} from "../../../methods/networks/sgan/layers.ts";
import { enhancerOptionsSchema } from "../../../methods/networks/sgan/trainingOptions.ts";
import { randomStream } from "../../../methods/random.ts";

const backend = await openBackend({ prefer: "node" });
const generator = generatorSpecSchema.parse({ blocks: 2, width: 1 / 8 });
const discriminator = discriminatorSpecSchema.parse({ patch: 16, width: 1 / 16 });
/** Untrained, but far from doing nothing. */
const weights = (() => {
  const random = initialWeights(generatorLayers(generator), 1, "g");
  return { ...random, "tail/kernel": random["tail/kernel"].map((value) => 50 * value) };
})();
const enhancer = (stage: "denoise" | "enhance"): Enhancer => ({
  ...{ stage, generator, discriminator, features: null },
  training: {
    options: enhancerOptionsSchema.parse({ seed: 1, degradation: { stage } }),
    pictures: { origin: "drawn", count: 0 },
    slices: 0,
    history: [],
  },
  weights: { generator: weights, discriminator: initialWeights(discriminatorLayers(discriminator), 1, "d") },
});
const slice = (width: number, height: number) => {
  const random = randomStream(1, "slice", width, height);
  return { data: Float32Array.from({ length: width * height }, () => random.uniform()), width, height };
};

describe("a generator on slices of any size", () => {
  it.each([
    [70, 61, 16],
    [90, 33, 25],
    [40, 80, 7],
  ])("gives %i × %i the same values whole and in tiles of %i", (width, height, tile) => {
    const applied = applyGenerator(generator, weights, backend);
    const whole = applied.apply(slice(width, height), 1000);
    const tiled = applied.apply(slice(width, height), tile);
    applied.dispose();
    expect(Math.max(...whole.data.map((value, i) => Math.abs(value - tiled.data[i])))).toBeLessThan(1e-5);
    expect(Math.max(...whole.data.map((value, i) => Math.abs(value - slice(width, height).data[i])))).toBeGreaterThan(0.05);
  });
});

describe("createSliceEnhancer", () => {
  it("keeps the size when it denoises, enlarges by the zoom when it enhances, stays within 0 … 1, and frees its memory", async () => {
    const before = backend.tf.memory().numTensors;
    const stacked = createSliceEnhancer(enhancer("denoise"), enhancer("enhance"), backend);
    const x1 = await stacked.denoise(slice(21, 13));
    expect([x1.width, x1.height, x1.data.length]).toEqual([21, 13, 273]);
    for (const zoom of [2, 2.5, 5]) {
      const x2 = await stacked.enhance(x1, zoom);
      expect([x2.width, x2.height]).toEqual([Math.round(21 * zoom), Math.round(13 * zoom)]);
      expect(x2.data.every((grey) => grey >= 0 && grey <= 1)).toBe(true);
    }
    const g2 = applyGenerator(generator, weights, backend);
    expect((await stacked.enhance(x1, 3)).data).toEqual(g2.apply(resizeAntialiased(x1, 63, 39)).data);
    g2.dispose();
    stacked.dispose();
    expect(backend.tf.memory().numTensors).toBe(before);
  });

  it("refuses stages in the wrong places, and a zoom that makes smaller", async () => {
    expect(() => createSliceEnhancer(enhancer("enhance"), enhancer("denoise"), backend)).toThrow(
      /stage enhance stands where denoise belongs/,
    );
    const stacked = createSliceEnhancer(enhancer("denoise"), enhancer("enhance"), backend);
    await expect(stacked.enhance(slice(8, 8), 0.5)).rejects.toThrow(InputError);
    stacked.dispose();
  });
});
