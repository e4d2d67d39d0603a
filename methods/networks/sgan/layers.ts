import { z } from "zod";
import { randomStream } from "../../random.ts";
import { NORM_EPSILON } from "../rawTensorFlow.ts";
import { floatTensor, type SafetensorsFile, type Tensor } from "../safetensors.ts";
import { type Shape, scaled } from "../spec.ts";
import type { Weights } from "../weights.ts";

/** A generator: SRGAN's (Ledig et al. 2017) without sub-pixel layers, so that the output is as large as the input. */
export const generatorSpecSchema = z.strictObject({
  /** Residual blocks: the paper has 9 for denoising (G1) and 16 for enhancement (G2). */
  blocks: z.int().positive().max(64),
  /** Factor on the 64 feature maps. */
  width: z.number().positive().max(2).default(1),
  /** Batch normalisation in the residual blocks (SRGAN), or none (as later super-resolution networks). */
  norm: z.enum(["batch", "none"]).default("batch"),
  /** `image`: the network gives a correction that is added to its input; `features`: it gives the image itself, as SRGAN. */
  skip: z.enum(["image", "features"]).default("image"),
});
export type GeneratorSpec = z.output<typeof generatorSpecSchema>;

/** A discriminator as SRGAN's, for square patches of a fixed size. */
export const discriminatorSpecSchema = z.strictObject({
  width: z.number().positive().max(2).default(1),
  /** Side of the patches in pixels. */
  patch: z.int().min(16).max(512),
});
export type DiscriminatorSpec = z.output<typeof discriminatorSpecSchema>;

/** A layer with weights: convolution (zero padding to the same size) or dense, normalisation or bias, activation. */
export interface GanLayer {
  readonly name: string;
  readonly kind: "conv" | "dense";
  /** Side of the kernel; 1 for dense layers. */
  readonly side: number;
  readonly stride: 1 | 2;
  readonly inputs: number;
  readonly outputs: number;
  readonly norm: boolean;
  readonly activation: "none" | "prelu" | "leaky";
  /** Factor on He's standard deviation of the initial kernel. */
  readonly start: number;
}

/** A tensor of a layer; the ones without gradient are running statistics. */
export interface GanParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly trainable: boolean;
  readonly role: "kernel" | "bias" | "scale" | "offset" | "mean" | "variance" | "slope";
  readonly layer: GanLayer;
}

/** SRGAN: 64 feature maps, 9 × 9 kernels at both ends. */
const GENERATOR_CHANNELS = 64;
const END_SIDE = 9;
/** Supplement: kernels and strides of the eight convolutions; SRGAN: units of the first dense layer. */
const DISCRIMINATOR_CHANNELS = [64, 64, 128, 128, 256, 256, 512, 512] as const;
const DISCRIMINATOR_STRIDES = [1, 2, 1, 2, 1, 2, 1, 2] as const;
const DENSE_UNITS = 1024;
/** Slope of the discriminator's LeakyReLU (supplement), and of PReLU at the start (He et al. 2015). */
export const LEAK = 0.2;
const FIRST_SLOPE = 0.25;

/** Layers of a generator in the order of the forward pass: `head`, `block1_1`, `block1_2` …, `body`, `tail`. */
export function generatorLayers({ blocks, width, norm, skip }: GeneratorSpec): GanLayer[] {
  const channels = scaled(GENERATOR_CHANNELS, width);
  const conv = (name: string, given: Partial<GanLayer> = {}): GanLayer => ({
    ...{ name, kind: "conv", side: 3, stride: 1, inputs: channels, outputs: channels },
    ...{ norm: norm === "batch", activation: "none", start: 1, ...given },
  });
  // Without normalisation the sum over blocks would grow from block to block.
  const ofSum = norm === "none" ? 0.1 : 1;
  return [
    conv("head", { side: END_SIDE, inputs: 1, norm: false, activation: "prelu" }),
    ...Array.from({ length: blocks }, (_, i) => [
      conv(`block${i + 1}_1`, { activation: "prelu" }),
      conv(`block${i + 1}_2`, { start: ofSum }),
    ]).flat(),
    conv("body", { start: ofSum }),
    // A correction starts near zero.
    conv("tail", { side: END_SIDE, outputs: 1, norm: false, start: skip === "image" ? 0.01 : 0.5 }),
  ];
}

/** Layers of a discriminator in order: `conv1` … `conv8`, `dense1`, `dense2`. */
export function discriminatorLayers({ width, patch }: DiscriminatorSpec): GanLayer[] {
  let inputs = 1;
  let size = patch;
  const layers = DISCRIMINATOR_CHANNELS.map((published, i): GanLayer => {
    const outputs = scaled(published, width);
    const stride = DISCRIMINATOR_STRIDES[i];
    const layer = { name: `conv${i + 1}`, side: 3, stride, inputs, outputs, norm: i > 0 };
    inputs = outputs;
    size = Math.ceil(size / stride);
    return { ...layer, kind: "conv", activation: "leaky", start: 1 };
  });
  const units = scaled(DENSE_UNITS, width);
  const dense = { kind: "dense", side: 1, stride: 1, norm: false, start: 1 } as const;
  return [
    ...layers,
    { ...dense, name: "dense1", inputs: size * size * inputs, outputs: units, activation: "leaky" },
    { ...dense, name: "dense2", inputs: units, outputs: 1, activation: "none" },
  ];
}

/** Every tensor of some layers, in a fixed order: kernel; bias, or scale, offset, mean, variance; slope of a PReLU. */
export function parametersOf(layers: readonly GanLayer[]): GanParameter[] {
  return layers.flatMap((layer): GanParameter[] => {
    const { name, kind, side, inputs, outputs, norm, activation } = layer;
    const vector = (role: GanParameter["role"], trainable = true): GanParameter => ({
      name: `${name}/${role}`,
      shape: [outputs],
      trainable,
      role,
      layer,
    });
    const shape = kind === "dense" ? [inputs, outputs] : [side, side, inputs, outputs];
    return [
      { name: `${name}/kernel`, shape, trainable: true, role: "kernel", layer },
      ...(norm ? [vector("scale"), vector("offset"), vector("mean", false), vector("variance", false)] : [vector("bias")]),
      ...(activation === "prelu" ? [vector("slope")] : []),
    ];
  });
}

/** Random weights (He et al. 2015), a pure function of layers, seed and purpose; each tensor has a stream of its own. */
export function initialWeights(layers: readonly GanLayer[], seed: number, purpose: string): Weights {
  return Object.fromEntries(
    parametersOf(layers).map(({ name, shape, role, layer }, index) => {
      const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
      if (role === "scale" || role === "variance") return [name, values.fill(1)];
      if (role === "slope") return [name, values.fill(FIRST_SLOPE)];
      if (role !== "kernel") return [name, values];
      const sd = layer.start * Math.sqrt(2 / (layer.side * layer.side * layer.inputs));
      const random = randomStream(seed, purpose, index);
      return [name, values.map(() => sd * random.normal())];
    }),
  );
}

/** The weights as safetensors entries, under `prefix`. */
export function weightTensors(layers: readonly GanLayer[], weights: Weights, prefix: string): Record<string, Tensor> {
  return Object.fromEntries(
    parametersOf(layers).map(({ name, shape }) => [prefix + name, { dtype: "F32", shape, data: weights[name] }]),
  );
}

/** The weights of some layers from safetensors. @throws InputError when a tensor is missing or does not fit. */
export function readWeights(layers: readonly GanLayer[], file: SafetensorsFile, where: string, prefix: string): Weights {
  return Object.fromEntries(
    parametersOf(layers).map(({ name, shape }) => [name, floatTensor(file, prefix + name, where, shape)]),
  );
}

/** The same convolutions without normalisation: running statistics, scale and offset are folded into kernel and bias. */
export function folded(layers: readonly GanLayer[], weights: Weights): { layers: GanLayer[]; weights: Weights } {
  const result: Record<string, Float32Array> = { ...weights };
  for (const { name, norm, outputs } of layers) {
    if (!norm) continue;
    const [scale, offset, mean, variance] = ["scale", "offset", "mean", "variance"].map((role) => weights[`${name}/${role}`]);
    const gain = scale.map((s, c) => s / Math.sqrt(variance[c] + NORM_EPSILON));
    result[`${name}/kernel`] = weights[`${name}/kernel`].map((value, i) => value * gain[i % outputs]);
    result[`${name}/bias`] = offset.map((value, c) => value - mean[c] * gain[c]);
  }
  return { layers: layers.map((layer) => ({ ...layer, norm: false })), weights: result };
}
