import type { Backend, Tensor, Tensor4D } from "./backend.ts";
import { hnnForward, hnnLayers } from "./hnn.ts";
import { createOps, type Ops } from "./ops.ts";
import { isRectified, type Layer, layerParameters, type NetworkSpec, type Parameter } from "./spec.ts";
import { unetForward, unetLayers } from "./unet.ts";

/** The network's layers by name, applied to their own parameters. */
export interface Blocks {
  readonly tf: Backend["tf"];
  readonly ops: Ops;
  conv(layer: string, x: Tensor4D): Tensor4D;
  /** Along the planes of each stack, every pixel by itself; nothing where the network has no such layer. */
  across(layer: string, x: Tensor4D): Tensor4D;
  upConv(layer: string, x: Tensor4D, size: readonly [number, number]): Tensor4D;
}

/** The tensors of a network on the device, by parameter name. */
export type DeviceParameters = ReadonlyMap<string, Tensor>;

/** Receives the moments of each batch-normalised layer during a training step; the receiver disposes the tensors. */
export type LayerMomentsReceiver = (layer: string, mean: Tensor, variance: Tensor) => void;

/** Layers in the order of the forward pass. */
export function layersOf(spec: NetworkSpec): Layer[] {
  return spec.network === "hnn" ? hnnLayers(spec) : unetLayers(spec);
}

/** Every tensor of the network, in a fixed order. */
export function parametersOf(spec: NetworkSpec): Parameter[] {
  return layersOf(spec).flatMap((layer) => layerParameters(layer, spec.norm));
}

/**
 * The logits for images `[batch, height, width, channels]` of any size: a list of `[batch, height, width, 1]`, the
 * prediction last (after the side outputs, for an HNN). A network of stacks takes the planes of one after those of the
 * other: `[batch · planes, height, width, channels]`.
 */
export type Forward = (x: Tensor4D) => Tensor4D[];

/**
 * The forward pass on some device parameters. A batch-normalised network normalises by the moments of the batch, and
 * hands them to `onMoments`: that is training. For inference, fold the normalisation into the weights first (`folded`).
 */
export function createForward(
  spec: NetworkSpec,
  parameters: DeviceParameters,
  backend: Backend,
  onMoments?: LayerMomentsReceiver,
): Forward {
  const ops = createOps(backend);
  const layers = new Map(layersOf(spec).map((layer) => [layer.name, layer]));
  const parameter = (name: string): Tensor => parameters.get(name)!;
  const kernel = (layer: string): Tensor4D => parameter(`${layer}/kernel`) as Tensor4D;
  const run = spec.network === "hnn" ? hnnForward : unetForward;
  const convolved = (layer: string, x: Tensor4D, inputGradient: boolean): Tensor4D => {
    const relu = isRectified(layers.get(layer)!);
    if (!relu || spec.norm === "none") return ops.conv(x, kernel(layer), parameter(`${layer}/bias`), { relu, inputGradient });
    if (onMoments === undefined) throw new Error("inference with batch normalisation needs folded weights");
    return ops.convNormRelu(
      x,
      kernel(layer),
      parameter(`${layer}/scale`),
      parameter(`${layer}/offset`),
      (mean, variance) => onMoments(layer, mean, variance),
      { inputGradient },
    );
  };
  return (image) =>
    run(
      {
        tf: backend.tf,
        ops,
        conv: (layer, x) => convolved(layer, x, x !== image),
        across(layer, x) {
          if (!layers.has(layer)) return x;
          const [images, height, width, channels] = x.shape;
          const { planes = 1 } = spec;
          const stacks = x.reshape<Tensor4D>([images / planes, planes, height * width, channels]);
          return convolved(layer, stacks, true).reshape([images, height, width, channels]);
        },
        upConv: (layer, x, size) => ops.upConv(x, kernel(layer), parameter(`${layer}/bias`), size),
      },
      image,
    );
}
