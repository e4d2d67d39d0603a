import type { Backend, Tensor, Tensor4D } from "./backend.ts";

/** Added to variances before the square root. */
export const NORM_EPSILON = 1e-3;

/** Attribute of a TensorFlow operation, as the native binding takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** Calls TensorFlow operations by name; what tfjs-node offers beneath its public API. */
export interface RawTensorFlow {
  execute(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[]): Tensor4D;
  executeAll(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[], outputs: number): Tensor[];
  float(name: string): OpAttribute;
  int(name: string, value: number | readonly number[]): OpAttribute;
  real(name: string, value: number): OpAttribute;
  text(name: string, value: string): OpAttribute;
  bool(name: string, value: boolean): OpAttribute;
  shape(name: string, value: readonly number[]): OpAttribute;
}

/** @throws Error on a backend without TensorFlow's own operations. */
export function rawTensorFlow({ tf, raw, name }: Backend): RawTensorFlow {
  if (!raw) throw new Error(`backend ${name} has no raw TensorFlow operations`);
  const native = tf.backend() as unknown as {
    readonly binding: Record<
      "TF_FLOAT" | "TF_ATTR_TYPE" | "TF_ATTR_INT" | "TF_ATTR_FLOAT" | "TF_ATTR_STRING" | "TF_ATTR_BOOL" | "TF_ATTR_SHAPE",
      number
    >;
    executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[]): Tensor4D;
    executeMultipleOutputs(
      name: string,
      attributes: readonly OpAttribute[],
      inputs: readonly Tensor[],
      outputs: number,
    ): Tensor[];
  };
  const { binding } = native;
  return {
    execute: (op, attributes, inputs) => native.executeSingleOutput(op, attributes, inputs),
    executeAll: (op, attributes, inputs, outputs) => native.executeMultipleOutputs(op, attributes, inputs, outputs),
    float: (attribute) => ({ name: attribute, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }),
    int: (attribute, value) => ({ name: attribute, type: binding.TF_ATTR_INT, value }),
    real: (attribute, value) => ({ name: attribute, type: binding.TF_ATTR_FLOAT, value }),
    text: (attribute, value) => ({ name: attribute, type: binding.TF_ATTR_STRING, value }),
    bool: (attribute, value) => ({ name: attribute, type: binding.TF_ATTR_BOOL, value }),
    shape: (attribute, value) => ({ name: attribute, type: binding.TF_ATTR_SHAPE, value }),
  };
}

/** Attributes of the operations that layers are made of; tensors are `[batch, height, width, channels]`. */
export function layerAttributes(raw: RawTensorFlow) {
  const T = raw.float("T");
  const format = raw.text("data_format", "NHWC");
  return {
    T,
    format,
    /** Batch normalisation by the batch's own moments. */
    norm: [T, raw.float("U"), raw.real("epsilon", NORM_EPSILON), format, raw.bool("is_training", true)],
    /** Convolution with zero padding to ⌈size / stride⌉, and its gradients. */
    convolution: (stride: number): OpAttribute[] => [
      T,
      raw.int("strides", [1, stride, stride, 1]),
      raw.text("padding", "SAME"),
      format,
      raw.bool("use_cudnn_on_gpu", true),
      raw.int("dilations", [1, 1, 1, 1]),
    ],
  };
}
