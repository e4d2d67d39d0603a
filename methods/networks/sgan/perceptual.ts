import { InputError } from "../../inputError.ts";
import type { Backend, Scalar, Tensor, Tensor4D } from "../backend.ts";
import { layersOf } from "../network.ts";
import { createOps } from "../ops.ts";
import type { NetworkSpec } from "../spec.ts";
import { folded, initialWeights, type Weights } from "../weights.ts";
import { createGanOps } from "./ganOps.ts";

/** The network whose features are compared: the convolutions of an HNN, which are VGG-16's. */
export interface FeatureNetwork {
  readonly spec: NetworkSpec;
  readonly weights: Weights;
  /** Where the weights come from, for the report. */
  readonly origin: "random" | "model" | "file";
}

/** A fixed, randomly initialised VGG-16 of some width. */
export function randomFeatures(width: number, seed: number): FeatureNetwork {
  const spec: NetworkSpec = { network: "hnn", width, channels: 1, norm: "none" };
  return { spec, weights: initialWeights(spec, seed), origin: "random" };
}

/** Compares images by features. */
export interface Perceptual {
  /** Squared distance of the features of two batches, relative to the second's own mean square; only `made` has a gradient. */
  distance(made: Tensor4D, original: Tensor4D): Scalar;
  dispose(): void;
}

/**
 * The layer after whose activation features are compared: the last one before the third pooling, which random and
 * self-trained networks serve as well as VGG's later ones do (SRGAN's φ₂,₂ and φ₅,₄ need ImageNet's weights).
 */
export const FEATURE_LAYER = "conv3_3";

/**
 * The perceptual loss. SRGAN scales features by a constant of its VGG weights; a relative distance needs none, whatever
 * network the features come from.
 *
 * @throws InputError when the network takes anything but one grey channel, or has no layer of that name.
 */
export function createPerceptual({ spec, weights }: FeatureNetwork, backend: Backend): Perceptual {
  if (spec.network !== "hnn" || spec.channels !== 1)
    throw new InputError(
      `the feature network is a ${spec.network} with ${spec.channels} input channel(s)`,
      undefined,
      "name an HNN that sees the slice alone (`channels: [window]`)",
    );
  const { tf } = backend;
  const { maxPool } = createOps(backend);
  const { convolution, bias, leakyRelu, meanSquare } = createGanOps(backend);
  const wanted = { byInput: true, byWeights: false };
  const plain = folded(spec, weights).weights;
  const convolutions = layersOf(spec).filter(({ kind }) => kind === "conv");
  const used = convolutions.slice(0, convolutions.findIndex(({ name }) => name === FEATURE_LAYER) + 1);
  const parameters = new Map<string, Tensor>();
  for (const { name, inputs, outputs } of used) {
    parameters.set(`${name}/kernel`, tf.tensor(plain[`${name}/kernel`], [3, 3, inputs, outputs]));
    parameters.set(`${name}/bias`, tf.tensor(plain[`${name}/bias`], [outputs]));
  }
  const features = (image: Tensor4D): Tensor4D =>
    used.reduce((x, { name }) => {
      const pooled = name.endsWith("_1") && name !== "conv1_1" ? maxPool(x) : x;
      const convolved = convolution(pooled, parameters.get(`${name}/kernel`) as Tensor4D, 1, wanted);
      return leakyRelu(bias(convolved, parameters.get(`${name}/bias`)!), 0);
    }, image);
  return {
    distance(made, original) {
      const sought = features(original);
      const scale = sought.square().mean().dataSync()[0];
      return meanSquare(features(made), sought).div(Math.max(scale, 1e-12));
    },
    dispose: () => parameters.forEach((tensor) => tensor.dispose()),
  };
}
