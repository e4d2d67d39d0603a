import type { Backend, Scalar, Tensor, Tensor4D } from "../backend.ts";
import { type MomentsReceiver, node } from "../ops.ts";
import { layerAttributes, NORM_EPSILON, rawTensorFlow } from "../rawTensorFlow.ts";

/** Which of a layer's gradients are wanted; the others are not computed. */
export interface Wanted {
  /** By the layer's input; false for the first layer, over the image. */
  readonly byInput: boolean;
  /** By the layer's weights; false in a network that is held fixed. */
  readonly byWeights: boolean;
}

/** What generators and discriminators are made of, each with its gradient. Tensors are `[batch, height, width, channels]`. */
export interface GanOps {
  /** Convolution with zero padding to ⌈size / stride⌉; the kernel is `[height, width, in, out]`. */
  convolution(x: Tensor4D, kernel: Tensor4D, stride: 1 | 2, wanted: Wanted): Tensor4D;
  /** Adds `[channels]`. */
  bias(x: Tensor4D, bias: Tensor): Tensor4D;
  /** Batch normalisation by the batch's own moments, which go to `onMoments`. */
  normalisation(x: Tensor4D, scale: Tensor, offset: Tensor, onMoments: MomentsReceiver): Tensor4D;
  /** max(x, 0) + slope · min(x, 0) with a slope per channel (He et al. 2015). */
  prelu(x: Tensor4D, slope: Tensor): Tensor4D;
  /** max(x, 0) + slope · min(x, 0). */
  leakyRelu<T extends Tensor>(x: T, slope: number): T;
  /** Mean of (a − b)²; only `a` has a gradient. */
  meanSquare(a: Tensor4D, b: Tensor4D): Scalar;
}

/** The ops on a backend: TensorFlow's own operations where `backend.raw`, else compositions with the same results. */
export function createGanOps(backend: Backend): GanOps {
  const { tf } = backend;
  const shared = {
    meanSquare: (a: Tensor4D, b: Tensor4D): Scalar =>
      node(backend, [a], (save) => {
        const difference = a.sub<Tensor4D>(b);
        save([difference]);
        return {
          value: difference.square().mean<Scalar>(),
          gradFunc: (dy, [difference]) => [difference.mul(dy.mul(2 / difference.size))],
        };
      }),
  };
  if (backend.raw) return { ...fusedOps(backend), ...shared };
  return {
    ...shared,
    convolution: (x, kernel, stride) => tf.conv2d(x, kernel, stride, "same"),
    bias: (x, bias) => x.add(bias),
    normalisation(x, scale, offset, onMoments) {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      const count = x.size / x.shape[3];
      onMoments(tf.keep(mean.clone()), tf.keep(tf.mul(variance, count / Math.max(1, count - 1))));
      return x.sub(mean).mul<Tensor4D>(variance.add(NORM_EPSILON).rsqrt().mul(scale)).add(offset);
    },
    prelu: (x, slope) => tf.relu(x).sub(tf.relu(x.neg<Tensor4D>()).mul(slope)),
    leakyRelu: (x, slope) => tf.leakyRelu(x, slope),
  };
}

function fusedOps(backend: Backend): Omit<GanOps, "meanSquare"> {
  const { tf } = backend;
  const raw = rawTensorFlow(backend);
  const { T, format, norm, convolution } = layerAttributes(raw);
  const strides = { 1: convolution(1), 2: convolution(2) };
  const sizes = (shape: readonly number[]): Tensor => tf.tensor1d([...shape], "int32");

  return {
    convolution(x, kernel, stride, { byInput, byWeights }) {
      const inputs = [...(byInput ? [x] : []), ...(byWeights ? [kernel] : [])];
      const forward = (): Tensor4D => raw.execute("Conv2D", strides[stride], [x, kernel]);
      if (inputs.length === 0) return forward();
      return node(backend, inputs, (save) => {
        save([x, kernel]);
        return {
          value: forward(),
          gradFunc: (dy, [x, kernel]) => [
            ...(byInput ? [raw.execute("Conv2DBackpropInput", strides[stride], [sizes(x.shape), kernel, dy])] : []),
            ...(byWeights ? [raw.execute("Conv2DBackpropFilter", strides[stride], [x, sizes(kernel.shape), dy])] : []),
          ],
        };
      });
    },

    bias: (x, bias) =>
      node(backend, [x, bias], () => ({
        value: raw.execute("BiasAdd", [T, format], [x, bias]),
        gradFunc: (dy) => [dy, raw.execute("BiasAddGrad", [T, format], [dy])],
      })),

    normalisation: (x, scale, offset, onMoments) =>
      node(backend, [x, scale, offset], (save) => {
        const none = tf.tensor1d([]);
        const [value, mean, variance, ...reserved] = raw.executeAll(
          "FusedBatchNormV3",
          [...norm, raw.real("exponential_avg_factor", 1)],
          [x, scale, offset, none, none],
          6,
        );
        onMoments(tf.keep(mean), tf.keep(variance));
        save([x, scale, ...reserved]);
        return {
          value: value as Tensor4D,
          gradFunc: (dy, [x, scale, ...reserved]) =>
            raw.executeAll("FusedBatchNormGradV3", norm, [dy, x, scale, ...reserved], 5).slice(0, 3),
        };
      }),

    prelu: (x, slope) =>
      node(backend, [x, slope], (save) => {
        save([x, slope]);
        const above = raw.execute("Relu", [T], [x]);
        return {
          value: above.add(x.sub(above).mul(slope)),
          gradFunc: (dy, [x, slope]) => {
            const above = raw.execute("ReluGrad", [T], [dy, x]);
            const below = dy.sub<Tensor4D>(above);
            return [above.add(below.mul(slope)), below.mul(x).sum([0, 1, 2])];
          },
        };
      }),

    leakyRelu: <X extends Tensor>(x: X, slope: number) =>
      node(backend, [x], (save) => {
        const alpha = raw.real("alpha", slope);
        save([x]);
        return {
          value: raw.execute("LeakyRelu", [T, alpha], [x]) as Tensor as X,
          gradFunc: (dy, [x]) => [raw.execute("LeakyReluGrad", [T, alpha], [dy, x])],
        };
      }),
  };
}
