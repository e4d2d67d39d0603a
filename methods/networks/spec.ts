import { z } from "zod";

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
});
export type NetworkSpec = z.infer<typeof networkSpecSchema>;

/** A layer with weights. */
export interface Layer {
  readonly name: string;
  /** `conv` 3 × 3 with ReLU, `side`, `fuse` and `out` 1 × 1 without, `up` 2 × 2 transposed. */
  readonly kind: "conv" | "side" | "fuse" | "out" | "up";
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

/** Parameters of a layer, in order: `<layer>/kernel`, `<layer>/bias`, or with batch normalisation `scale`, `offset`, `mean`, `variance` in the bias's place. */
export function layerParameters(layer: Layer, norm: NetworkSpec["norm"]): Parameter[] {
  const side = layer.kind === "conv" ? 3 : layer.kind === "up" ? 2 : 1;
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
    shape: [side, side, ...channels],
    trainable: true,
    layer,
    role: "kernel",
  };
  if (layer.kind === "conv" && norm === "batch")
    return [kernel, vector("scale", true), vector("offset", true), vector("mean", false), vector("variance", false)];
  return [kernel, vector("bias", true)];
}

/** `channels` of the published network at this width, at least one. */
export function scaled(channels: number, width: number): number {
  return Math.max(1, Math.round(channels * width));
}
