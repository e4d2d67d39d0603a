import type { Model } from "../../methods/networks/model.ts";
import { type Preprocessing, preprocessingSchema } from "../../methods/networks/preprocess.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import { initialWeights, type Weights } from "../../methods/networks/weights.ts";

/**
 * As `brightness`, and shown the marks (channels window, ellipse): Ŷ = σ(20 · (value + (1 − r) / 2) − 10) with r the radius in
 * their ellipse; without marks as `brightness`.
 */
export function brightnessNearMarks(size: Preprocessing["crop"]["size"] = 64): Model {
  const { weights, preprocessing } = brightness(size, ["window", "ellipse"]);
  const kernel = new Float32Array(3 * 3 * 2);
  kernel.set([1, 0.5], 2 * 4);
  return { spec: { ...spec, channels: 2 }, preprocessing, training: null, weights: { ...weights, "conv1_1/kernel": kernel } };
}

const spec: NetworkSpec = { network: "hnn", width: 1 / 64, channels: 1, norm: "none" };

/** An HNN that hands its only channel through to its first side output: Ŷ = σ(20 · value − 10), ½ at the window's middle. */
export function brightness(size: Preprocessing["crop"]["size"] = 64, channels?: Preprocessing["channels"]): Model {
  const weights: Record<string, Float32Array> = Object.fromEntries(
    Object.entries(initialWeights(spec, 1)).map(([name, values]) => [name, values.map(() => 0)]),
  );
  weights["conv1_1/kernel"][4] = 1;
  weights["conv1_2/kernel"][4] = 1;
  weights["side1/kernel"][0] = 20;
  weights["side1/bias"][0] = -10;
  weights["fuse/kernel"][0] = 1;
  const preprocessing = preprocessingSchema.parse({ crop: { size }, channels, normalisation: { mean: 0, sd: 1 } });
  return { spec, preprocessing, training: null, weights: weights as Weights };
}
