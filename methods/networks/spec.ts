import { z } from "zod";

/** Odd, so that one plane lies in the middle. */
export const planesSchema = z
  .int()
  .min(3)
  .max(63)
  .refine((planes) => planes % 2 === 1, "is even: one plane has to be the middle");

/** What network is meant: enough to name and shape every parameter. */
export const networkSpecSchema = z.strictObject({
  /** HNN (holistically-nested network on VGG-16, the paper's) or UNet. */
  network: z.enum(["hnn", "unet"]),
  /** Factor on all channel counts: 1 = the published sizes (HNN 64 … 512, UNet 64 … 1024). */
  width: z.number().positive().max(4).default(1),
  /** Channels of the input image. */
  channels: z.int().positive().max(64).default(1),
  /** Batch normalisation after every 3 × 3 convolution. The paper's networks have none; training from random weights needs it. */
  norm: z.enum(["none", "batch"]).default("none"),
  /** Planes of a stack that is looked at as a whole (UNet only); if absent, every image is looked at by itself. */
  planes: planesSchema.optional(),
});
export type NetworkSpec = z.infer<typeof networkSpecSchema>;

/** A layer with weights. */
export interface Layer {
  readonly name: string;
  /** `conv` 3 × 3 and `across` 3 planes × 1 with ReLU, `side`, `fuse` and `out` 1 × 1 without, `up` 2 × 2 transposed. */
  readonly kind: "conv" | "across" | "side" | "fuse" | "out" | "up";
  readonly inputs: number;
  readonly outputs: number;
}

export type Shape = readonly number[];

/** A tensor of a network; `trainable` ones have a gradient, the others are running statistics. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  readonly trainable: boolean;
  readonly layer: Layer;
  readonly role: "kernel" | "bias" | "scale" | "offset" | "mean" | "variance";
}

/** [height, width] of a layer's kernel; of `across` [planes, 1]. */
const KERNEL = { conv: [3, 3], across: [3, 1], side: [1, 1], fuse: [1, 1], out: [1, 1], up: [2, 2] } as const;

/** Kernel positions that make up one output pixel; of a transposed convolution, whose stride is its size, there is one. */
export function kernelPositions({ kind }: Layer): number {
  return kind === "up" ? 1 : KERNEL[kind][0] * KERNEL[kind][1];
}

/** Layers that are followed by a ReLU, and normalised where the network is. */
export function isRectified({ kind }: Layer): boolean {
  return kind === "conv" || kind === "across";
}

/** Parameters of a layer, in order: `<layer>/kernel`, `<layer>/bias`, or with batch normalisation `scale`, `offset`, `mean`, `variance` in the bias's place. */
export function layerParameters(layer: Layer, norm: NetworkSpec["norm"]): Parameter[] {
  const channels = layer.kind === "up" ? [layer.outputs, layer.inputs] : [layer.inputs, layer.outputs];
  const vector = (role: Parameter["role"], trainable: boolean): Parameter => ({
    name: `${layer.name}/${role}`,
    shape: [layer.outputs],
    trainable,
    layer,
    role,
  });
  const kernel: Parameter = {
    name: `${layer.name}/kernel`,
    shape: [...KERNEL[layer.kind], ...channels],
    trainable: true,
    layer,
    role: "kernel",
  };
  if (isRectified(layer) && norm === "batch")
    return [kernel, vector("scale", true), vector("offset", true), vector("mean", false), vector("variance", false)];
  return [kernel, vector("bias", true)];
}

/** `channels` of the published network at this width, at least one. */
export function scaled(channels: number, width: number): number {
  return Math.max(1, Math.round(channels * width));
}
