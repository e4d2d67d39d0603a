import type { Backend, Scalar, Tensor, Tensor4D } from "./backend.ts";
import { layerAttributes, NORM_EPSILON, rawTensorFlow } from "./rawTensorFlow.ts";

/** Receives the per-channel mean and (unbiased) variance of a training batch; the receiver disposes both. */
export type MomentsReceiver = (mean: Tensor, variance: Tensor) => void;

/**
 * The blocks that the networks are made of, each with its gradient. Tensors are `[batch, height, width, channels]`;
 * kernels `[height, width, in, out]`, of transposed convolutions `[height, width, out, in]`.
 */
export interface Ops {
  /**
   * Convolution with stride 1 and zero padding to the same size, bias, and (unless `relu` is false) ReLU.
   * `inputGradient: false` for the first layer saves the gradient by the image, which nobody asks for.
   */
  conv(x: Tensor4D, kernel: Tensor4D, bias: Tensor, options?: { relu?: boolean; inputGradient?: boolean }): Tensor4D;
  /** Convolution as above without bias, batch normalisation by the batch's own moments, ReLU. */
  convNormRelu(
    x: Tensor4D,
    kernel: Tensor4D,
    scale: Tensor,
    offset: Tensor,
    onMoments: MomentsReceiver,
    options?: { inputGradient?: boolean },
  ): Tensor4D;
  /** Maximum over 2 × 2; an odd last row or column makes a pool of its own, so that the size is halved and rounded up. */
  maxPool(x: Tensor4D): Tensor4D;
  /** Transposed 2 × 2 convolution with stride 2, and bias; `size` = [height, width] is 2n or 2n − 1 of the input's n. */
  upConv(x: Tensor4D, kernel: Tensor4D, bias: Tensor, size: readonly [number, number]): Tensor4D;
  /** Bilinear enlargement by a whole factor with half-pixel centres (PyTorch's `align_corners=False`). */
  upsample(x: Tensor4D, factor: number): Tensor4D;
  /** Σ weights · H(logits, targets), H = binary cross entropy; targets and weights are broadcast over the logits' channels. */
  crossEntropy(logits: Tensor4D, targets: Tensor4D, weights: Tensor4D): Scalar;
}

/** The ops on a backend: fused TensorFlow operations where `backend.raw`, else compositions with the same results. */
export function createOps(backend: Backend): Ops {
  const shared = { crossEntropy: crossEntropyOn(backend) };
  return backend.raw ? { ...fusedOps(backend), ...shared } : { ...plainOps(backend), ...shared };
}

type Save = (tensors: Tensor[]) => void;

/** A value and its gradients by the inputs, given the gradient by the value and what was saved. */
interface Differentiable<V extends Tensor> {
  value: V;
  gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[];
}

/**
 * One node of the gradient tape. Whatever the gradient needs goes through `save`: other tensors are gone by the time
 * the backward pass runs.
 */
export function node<V extends Tensor>(
  { tf }: Backend,
  inputs: readonly Tensor[],
  forward: (save: Save) => Differentiable<V>,
): V {
  return tf.customGrad<V>((...inputsAndSave) => forward(inputsAndSave.at(-1) as unknown as Save))(...inputs);
}

function fusedOps(backend: Backend): Omit<Ops, "crossEntropy"> {
  const { tf } = backend;
  const raw = rawTensorFlow(backend);
  const { T, format, norm, convolution } = layerAttributes(raw);
  const unit = convolution(1);
  const strided = convolution(2);
  const pooling = [T, raw.int("ksize", [1, 2, 2, 1]), raw.int("strides", [1, 2, 2, 1]), raw.text("padding", "SAME"), format];
  const bilinear = [T, raw.bool("align_corners", false), raw.bool("half_pixel_centers", true)];
  const sizes = (shape: readonly number[]): Tensor => tf.tensor1d([...shape], "int32");

  /** Gradients of a unit convolution by its input (where wanted) and its kernel. */
  const convGradients = (x: Tensor, kernel: Tensor, dy: Tensor, inputGradient: boolean): Tensor[] => {
    const byKernel = raw.execute("Conv2DBackpropFilter", unit, [x, sizes(kernel.shape), dy]);
    return inputGradient ? [raw.execute("Conv2DBackpropInput", unit, [sizes(x.shape), kernel, dy]), byKernel] : [byKernel];
  };

  return {
    conv: (x, kernel, bias, { relu = true, inputGradient = true } = {}) =>
      node(backend, inputGradient ? [x, kernel, bias] : [kernel, bias], (save) => {
        const sum = raw.execute("BiasAdd", [T, format], [raw.execute("Conv2D", unit, [x, kernel]), bias]);
        const value = relu ? raw.execute("Relu", [T], [sum]) : sum;
        save([x, kernel, value]);
        return {
          value,
          gradFunc: (dy, [x, kernel, y]) => {
            const bySum = relu ? raw.execute("ReluGrad", [T], [dy, y]) : dy;
            return [...convGradients(x, kernel, bySum, inputGradient), raw.execute("BiasAddGrad", [T, format], [bySum])];
          },
        };
      }),

    convNormRelu: (x, kernel, scale, offset, onMoments, { inputGradient = true } = {}) =>
      node(backend, inputGradient ? [x, kernel, scale, offset] : [kernel, scale, offset], (save) => {
        const convolved = raw.execute("Conv2D", unit, [x, kernel]);
        const none = tf.tensor1d([]);
        const [normed, mean, variance, ...reserved] = raw.executeAll(
          "FusedBatchNormV3",
          [...norm, raw.real("exponential_avg_factor", 1)],
          [convolved, scale, offset, none, none],
          6,
        );
        onMoments(tf.keep(mean), tf.keep(variance));
        const value = raw.execute("Relu", [T], [normed]);
        save([x, kernel, convolved, scale, value, ...reserved]);
        return {
          value,
          gradFunc: (dy, [x, kernel, convolved, scale, y, ...reserved]) => {
            const byNormed = raw.execute("ReluGrad", [T], [dy, y]);
            const [byConvolved, byScale, byOffset] = raw.executeAll(
              "FusedBatchNormGradV3",
              norm,
              [byNormed, convolved, scale, ...reserved],
              5,
            );
            return [...convGradients(x, kernel, byConvolved, inputGradient), byScale, byOffset];
          },
        };
      }),

    maxPool: (x) =>
      node(backend, [x], (save) => {
        const value = raw.execute("MaxPool", pooling, [x]);
        save([x, value]);
        return { value, gradFunc: (dy, [x, y]) => [raw.execute("MaxPoolGrad", pooling, [x, y, dy])] };
      }),

    upConv: (x, kernel, bias, [height, width]) =>
      node(backend, [x, kernel, bias], (save) => {
        const grown = raw.execute("Conv2DBackpropInput", strided, [
          sizes([x.shape[0], height, width, kernel.shape[2]]),
          kernel,
          x,
        ]);
        save([x, kernel]);
        return {
          value: raw.execute("BiasAdd", [T, format], [grown, bias]),
          gradFunc: (dy, [x, kernel]) => [
            raw.execute("Conv2D", strided, [dy, kernel]),
            raw.execute("Conv2DBackpropFilter", strided, [dy, sizes(kernel.shape), x]),
            raw.execute("BiasAddGrad", [T, format], [dy]),
          ],
        };
      }),

    upsample: (x, factor) =>
      node(backend, [x], (save) => {
        save([x]);
        return {
          value: raw.execute("ResizeBilinear", bilinear, [x, sizes([x.shape[1] * factor, x.shape[2] * factor])]),
          gradFunc: (dy, [x]) => [raw.execute("ResizeBilinearGrad", bilinear, [dy, x])],
        };
      }),
  };
}

function plainOps({ tf }: Backend): Omit<Ops, "crossEntropy"> {
  /** [n · factor, n]: row i holds the bilinear weights of enlarged pixel i. tfjs's own resize has a wrong gradient with half-pixel centres. */
  const enlarging = (n: number, factor: number): Tensor => {
    const weights = new Float32Array(n * factor * n);
    for (let i = 0; i < n * factor; i++) {
      const at = (i + 0.5) / factor - 0.5;
      const low = Math.floor(at);
      const clamp = (j: number): number => Math.min(Math.max(j, 0), n - 1);
      weights[i * n + clamp(low)] += 1 - (at - low);
      weights[i * n + clamp(low + 1)] += at - low;
    }
    return tf.tensor2d(weights, [n * factor, n]);
  };

  return {
    conv(x, kernel, bias, { relu = true } = {}) {
      const y = tf.conv2d(x, kernel, 1, "same").add<Tensor4D>(bias);
      return relu ? tf.relu(y) : y;
    },
    convNormRelu(x, kernel, scale, offset, onMoments) {
      const convolved = tf.conv2d(x, kernel, 1, "same");
      const { mean, variance } = tf.moments(convolved, [0, 1, 2]);
      const count = convolved.size / convolved.shape[3];
      onMoments(tf.keep(mean.clone()), tf.keep(tf.mul(variance, count / Math.max(1, count - 1))));
      return tf.relu(convolved.sub(mean).mul<Tensor4D>(variance.add(NORM_EPSILON).rsqrt().mul(scale)).add(offset));
    },
    maxPool: (x) => tf.maxPool(x, 2, 2, "same"),
    upConv: (x, kernel, bias, [height, width]) =>
      tf.conv2dTranspose(x, kernel, [x.shape[0], height, width, kernel.shape[2]], 2, "same").add(bias),
    upsample(x, factor) {
      const [batch, height, width, channels] = x.shape;
      const columns = tf
        .matMul(enlarging(height, factor), x.transpose([1, 0, 2, 3]).reshape([height, -1]))
        .reshape([height * factor, batch, width, channels]);
      const rows = tf
        .matMul(enlarging(width, factor), columns.transpose([2, 1, 0, 3]).reshape([width, -1]))
        .reshape([width * factor, batch, height * factor, channels]);
      return rows.transpose([1, 2, 0, 3]);
    },
  };
}

function crossEntropyOn(backend: Backend): Ops["crossEntropy"] {
  const { tf } = backend;
  return (logits, targets, weights) =>
    node(backend, [logits], (save) => {
      save([logits, targets, weights]);
      return {
        // H(σ(x), y) = softplus(x) − x·y, which does not overflow.
        value: tf.softplus(logits).sub(logits.mul(targets)).mul(weights).sum<Scalar>(),
        gradFunc: (dy, [logits, targets, weights]) => [tf.sigmoid(logits).sub(targets).mul(weights.mul(dy))],
      };
    });
}
