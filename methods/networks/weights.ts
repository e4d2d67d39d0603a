import { createHash } from "node:crypto";
import { InputError } from "../inputError.ts";
import { randomStream } from "../random.ts";
import { layersOf, parametersOf } from "./network.ts";
import { NORM_EPSILON } from "./rawTensorFlow.ts";
import { decodeSafetensors, floatTensor, type SafetensorsFile, type Tensor } from "./safetensors.ts";
import { isRectified, kernelPositions, type NetworkSpec, type Parameter } from "./spec.ts";
import { fromTorchVgg, isTorchVgg } from "./torchVgg.ts";

/** The numbers of a network, by parameter name (`conv1_1/kernel` …). Never changed in place. */
export type Weights = Readonly<Record<string, Float32Array>>;

/** How output layers start: `small`, so that the first predictions are near ½, or as all other layers. */
export type OutputStart = "small" | "he";

/** Standard deviation of small output kernels. */
const SMALL_SD = 0.01;

/**
 * Random weights: He et al. (2015) for convolutions, 0.2 (one fifth) for the sum of HNN's five side outputs, biases 0. A
 * pure function of its arguments; each tensor has a stream of its own.
 *
 * @param outputs of side outputs and of UNet's last layer. Small ones suit HNN; in a UNet every feature would first be
 *   drawn to the background by the same gradient, and rectified features that are all against the lesion leave it at ½.
 */
export function initialWeights(spec: NetworkSpec, seed: number, outputs: OutputStart = "small"): Weights {
  return Object.fromEntries(
    parametersOf(spec).map((parameter, index) => [parameter.name, initialValues(parameter, seed, index, outputs)]),
  );
}

function initialValues({ shape, role, layer }: Parameter, seed: number, index: number, outputs: OutputStart): Float32Array {
  const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
  if (role === "scale" || role === "variance") return values.fill(1);
  if (role !== "kernel") return values;
  if (layer.kind === "fuse") return values.fill(1 / layer.inputs);
  const fanIn = kernelPositions(layer) * layer.inputs;
  const isOutput = layer.kind === "side" || layer.kind === "out";
  const sd = isOutput && outputs === "small" ? SMALL_SD : Math.sqrt(2 / fanIn);
  const random = randomStream(seed, "weights", index);
  return values.map(() => sd * random.normal());
}

/** The weights as safetensors entries, under `prefix`. */
export function weightTensors(spec: NetworkSpec, weights: Weights, prefix = ""): Record<string, Tensor> {
  return Object.fromEntries(
    parametersOf(spec).map(({ name, shape }) => [prefix + name, { dtype: "F32", shape, data: weights[name] }]),
  );
}

/** The weights of a network from safetensors. @throws InputError when a tensor is missing or does not fit. */
export function readWeights(spec: NetworkSpec, file: SafetensorsFile, where: string, prefix = ""): Weights {
  return Object.fromEntries(parametersOf(spec).map(({ name, shape }) => [name, floatTensor(file, prefix + name, where, shape)]));
}

/** SHA-256 over names and numbers. */
export function weightsDigest(weights: Weights): string {
  const hash = createHash("sha256");
  for (const [name, values] of Object.entries(weights))
    hash.update(`${name}\0`).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest("hex");
}

export interface LoadedWeights {
  readonly weights: Weights;
  /** Parameters that came from the file. */
  readonly loaded: readonly string[];
  /** Parameters that kept their random start. */
  readonly random: readonly string[];
}

/**
 * Starts a network from weights trained elsewhere, e.g. VGG-16 on ImageNet for an HNN of width 1.
 *
 * @param bytes safetensors. A parameter is taken from the tensor of its own name (`conv1_1/kernel` as
 *   `[height, width, in, out]`, `conv1_1/bias` …), or VGG-16 as torchvision calls it (`features.0.weight` …); whatever the
 *   file does not have starts as in `initialWeights`. Where the network does not have three channels, a first kernel for
 *   RGB is summed over its inputs and shared out, which equals feeding the grey image three times if all channels show it.
 * @throws InputError when nothing matches, or a shape differs (naming the tensor).
 */
export function loadInitialWeights(
  bytes: Uint8Array,
  where: string,
  spec: NetworkSpec,
  seed: number,
  outputs: OutputStart = "small",
): LoadedWeights {
  const read = decodeSafetensors(bytes, where);
  const file = isTorchVgg(read) ? fromTorchVgg(read, where) : read;
  const weights: Record<string, Float32Array> = { ...initialWeights(spec, seed, outputs) };
  const first = `${layersOf(spec)[0].name}/kernel`;
  const loaded: string[] = [];
  for (const { name, shape } of parametersOf(spec)) {
    if (!Object.hasOwn(file.tensors, name)) continue;
    const isRgb = name === first && spec.channels !== 3 && file.tensors[name].shape[2] === 3;
    weights[name] = isRgb
      ? sharedOut(floatTensor(file, name, where, [shape[0], shape[1], 3, shape[3]]), spec.channels, shape[3])
      : floatTensor(file, name, where, shape).slice();
    loaded.push(name);
  }
  if (loaded.length === 0)
    throw new InputError(
      `none of the ${Object.keys(file.tensors).length} tensors fits ${spec.network}`,
      where,
      "name them like the network's parameters (conv1_1/kernel …) or like torchvision's VGG-16 (features.0.weight …)",
    );
  return { weights, loaded, random: Object.keys(weights).filter((name) => !loaded.includes(name)) };
}

/** [3, 3, 3, outputs] → [3, 3, channels, outputs]. */
function sharedOut(kernel: Float32Array, channels: number, outputs: number): Float32Array {
  return Float32Array.from({ length: (kernel.length / 3) * channels }, (_, i) => {
    const at = Math.floor(i / outputs / channels) * 3 * outputs + (i % outputs);
    return (kernel[at] + kernel[at + outputs] + kernel[at + 2 * outputs]) / channels;
  });
}

/** A model predicts lesion after lesion with the same weights; weights are never changed in place. */
const foldedBefore = new WeakMap<Weights, Weights>();

/**
 * The same function without normalisation layers: running mean and variance, scale and offset are folded into kernel
 * and bias. Inference always runs on folded weights, so that it does not depend on what else is in the batch.
 */
export function folded(spec: NetworkSpec, weights: Weights): { spec: NetworkSpec; weights: Weights } {
  if (spec.norm === "none") return { spec, weights };
  const before = foldedBefore.get(weights);
  if (before !== undefined) return { spec: { ...spec, norm: "none" }, weights: before };
  const result: Record<string, Float32Array> = {};
  for (const layer of layersOf(spec)) {
    const { name, outputs } = layer;
    const kernel = weights[`${name}/kernel`];
    if (!isRectified(layer)) {
      result[`${name}/kernel`] = kernel;
      result[`${name}/bias`] = weights[`${name}/bias`];
      continue;
    }
    const [scale, offset, mean, variance] = ["scale", "offset", "mean", "variance"].map((role) => weights[`${name}/${role}`]);
    const gain = scale.map((s, c) => s / Math.sqrt(variance[c] + NORM_EPSILON));
    result[`${name}/kernel`] = kernel.map((value, i) => value * gain[i % outputs]);
    result[`${name}/bias`] = offset.map((value, c) => value - mean[c] * gain[c]);
  }
  foldedBefore.set(weights, result);
  return { spec: { ...spec, norm: "none" }, weights: result };
}
