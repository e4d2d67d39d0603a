import type { Backend, Tensor, Tensor2D, Tensor4D } from "../backend.ts";
import type { DeviceParameters, LayerMomentsReceiver } from "../network.ts";
import { createGanOps, type Wanted } from "./ganOps.ts";
import {
  type DiscriminatorSpec,
  discriminatorLayers,
  type GanLayer,
  type GeneratorSpec,
  generatorLayers,
  LEAK,
} from "./layers.ts";

/** How a network's layers are applied. */
export interface ForwardOptions {
  /**
   * Receives the moments of the batch by which a layer normalises: that is training. For inference, fold the normalisation
   * into the weights first (`folded`) and give those layers.
   */
  readonly onMoments?: LayerMomentsReceiver;
  /** The network's own weights are held fixed: no gradients by them. */
  readonly frozen?: boolean;
}

/** An image `[batch, height, width, 1]` of any size → an image of the same size. */
export type Generate = (image: Tensor4D) => Tensor4D;

/** Patches `[batch, patch, patch, 1]` → logits `[batch, 1]` of being an original; D is their sigmoid. */
export type Discriminate = (image: Tensor4D) => Tensor2D;

/** SRGAN's generator: head, residual blocks, body and the long skip over both, tail; plus the image itself (`skip: image`). */
export function createGenerator(
  spec: GeneratorSpec,
  parameters: DeviceParameters,
  backend: Backend,
  options: ForwardOptions & { layers?: readonly GanLayer[] } = {},
): Generate {
  const apply = createLayers(options.layers ?? generatorLayers(spec), parameters, backend, options);
  return (image) => {
    const head = apply("head", image, false);
    let features = head;
    for (let block = 1; block <= spec.blocks; block++)
      features = features.add(apply(`block${block}_2`, apply(`block${block}_1`, features)));
    const made = apply("tail", head.add(apply("body", features)));
    return spec.skip === "image" ? image.add(made) : made;
  };
}

/** SRGAN's discriminator, without its sigmoid. `inputGradient`: patches come from a generator that wants to learn. */
export function createDiscriminator(
  spec: DiscriminatorSpec,
  parameters: DeviceParameters,
  backend: Backend,
  options: ForwardOptions & { inputGradient?: boolean } = {},
): Discriminate {
  const { tf } = backend;
  const layers = discriminatorLayers(spec);
  const apply = createLayers(layers, parameters, backend, options);
  const ops = createGanOps(backend);
  const convolutions = layers.filter(({ kind }) => kind === "conv");
  return (image) => {
    const features = convolutions.reduce((x, { name }, i) => apply(name, x, i > 0 || options.inputGradient === true), image);
    const flat = features.reshape<Tensor2D>([image.shape[0], -1]);
    const dense = (name: string, x: Tensor2D): Tensor2D =>
      tf.matMul(x, parameters.get(`${name}/kernel`) as Tensor2D).add(parameters.get(`${name}/bias`)!);
    return dense("dense2", ops.leakyRelu(dense("dense1", flat), LEAK));
  };
}

/** Applies a convolution by name: convolution, bias or normalisation, activation. */
function createLayers(
  layers: readonly GanLayer[],
  parameters: DeviceParameters,
  backend: Backend,
  { onMoments, frozen = false }: ForwardOptions,
): (name: string, x: Tensor4D, inputGradient?: boolean) => Tensor4D {
  const ops = createGanOps(backend);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const parameter = (name: string): Tensor => parameters.get(name)!;
  return (name, x, inputGradient = true) => {
    const { stride, norm, activation } = byName.get(name)!;
    const wanted: Wanted = { byInput: inputGradient, byWeights: !frozen };
    const convolved = ops.convolution(x, parameter(`${name}/kernel`) as Tensor4D, stride, wanted);
    let y: Tensor4D;
    if (norm) {
      if (onMoments === undefined) throw new Error("inference with batch normalisation needs folded weights");
      const moments = (mean: Tensor, variance: Tensor): void => onMoments(name, mean, variance);
      y = ops.normalisation(convolved, parameter(`${name}/scale`), parameter(`${name}/offset`), moments);
    } else y = ops.bias(convolved, parameter(`${name}/bias`));
    if (activation === "leaky") return ops.leakyRelu(y, LEAK);
    return activation === "prelu" ? ops.prelu(y, parameter(`${name}/slope`)) : y;
  };
}
