import { InputError } from "../inputError.ts";
import { floatTensor, type SafetensorsFile, type Tensor } from "./safetensors.ts";

/** Modules of torchvision's `vgg16` that are convolutions, in order, and what they are called here. */
const CONVOLUTIONS = {
  0: "conv1_1",
  2: "conv1_2",
  5: "conv2_1",
  7: "conv2_2",
  10: "conv3_1",
  12: "conv3_2",
  14: "conv3_3",
  17: "conv4_1",
  19: "conv4_2",
  21: "conv4_3",
  24: "conv5_1",
  26: "conv5_2",
  28: "conv5_3",
} as const;

/** Whether a file holds VGG-16 under torchvision's names, as `features.0.weight`. */
export function isTorchVgg({ tensors }: SafetensorsFile): boolean {
  return Object.hasOwn(tensors, "features.0.weight");
}

/**
 * The convolutions of torchvision's VGG-16 under our names: `features.0.weight` `[out, in, height, width]` becomes
 * `conv1_1/kernel` `[height, width, in, out]`. Its dense layers are left out. Both correlate, so that no kernel is turned.
 *
 * @throws InputError for VGG-16 with batch normalisation, and for a tensor that is missing or no kernel of 3 × 3.
 */
export function fromTorchVgg(file: SafetensorsFile, where: string): SafetensorsFile {
  if (Object.hasOwn(file.tensors, "features.1.weight"))
    throw new InputError("is VGG-16 with batch normalisation", where, "give the plain VGG-16 (vgg16, not vgg16_bn)");
  const tensors: Record<string, Tensor> = {};
  for (const [module, name] of Object.entries(CONVOLUTIONS)) {
    const source = `features.${module}.weight`;
    const kernel = floatTensor(file, source, where);
    const { shape } = file.tensors[source];
    if (shape.length !== 4 || shape[2] !== 3 || shape[3] !== 3)
      throw new InputError(`tensor ${source} has shape [${shape.join(", ")}], expected [out, in, 3, 3]`, where);
    const bias = floatTensor(file, `features.${module}.bias`, where, [shape[0]]);
    tensors[`${name}/kernel`] = { dtype: "F32", shape: [3, 3, shape[1], shape[0]], data: channelsLast(kernel, shape) };
    tensors[`${name}/bias`] = { dtype: "F32", shape: [shape[0]], data: bias };
  }
  return { tensors, metadata: file.metadata };
}

function channelsLast(kernel: Float32Array, [outputs, inputs, height, width]: readonly number[]): Float32Array {
  const taps = height * width;
  const last = new Float32Array(kernel.length);
  for (let o = 0, from = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) for (let t = 0; t < taps; t++) last[(t * inputs + i) * outputs + o] = kernel[from++];
  return last;
}
