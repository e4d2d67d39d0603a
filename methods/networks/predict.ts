import type { Backend, Tensor4D } from "./backend.ts";
import { withInference } from "./inference.ts";
import type { Model } from "./model.ts";
import type { NetworkInput } from "./preprocess.ts";
import { batchesBySize, concatenated } from "./trainingSet.ts";

export interface PredictOptions {
  /** Images per forward pass. */
  readonly batch?: number;
  /** Average over the image and its mirror images (left–right, up–down, both). */
  readonly flips?: boolean;
}

/**
 * Ŷ = f(X; θ): lesion probability `[size, size]` (of a stack `[planes, size, size]`) of each input, the sigmoid of the
 * network's last (fused) output. Inputs of equal size share forward passes; results are in the order of the inputs.
 */
export async function predict(
  { spec, weights }: Pick<Model, "spec" | "weights">,
  backend: Backend,
  inputs: readonly Pick<NetworkInput, "pixels" | "size">[],
  { batch = 16, flips = false }: PredictOptions = {},
): Promise<Float32Array[]> {
  const { tf } = backend;
  const mirrors = flips ? [[], [2], [1], [1, 2]] : [[]];
  const flipped = (x: Tensor4D, axes: number[]): Tensor4D => (axes.length === 0 ? x : tf.reverse(x, axes));
  const { planes = 1 } = spec;
  const predictions: Float32Array[] = new Array(inputs.length);
  await withInference(spec, weights, backend, (forward) => {
    for (const members of batchesBySize([...inputs.keys()], Math.max(1, Math.floor(batch / planes)), (i) => inputs[i].size)) {
      const { size } = inputs[members[0]];
      const pixels = concatenated(members.map((i) => inputs[i].pixels));
      const perInput = planes * size * size;
      const output = tf.tidy(() => {
        const x = tf.tensor4d(pixels, [members.length * planes, size, size, spec.channels]);
        const views = mirrors.map((axes) => flipped(tf.sigmoid(forward(flipped(x, axes)).at(-1)!), axes));
        return views.length === 1 ? views[0] : tf.addN(views).div(views.length);
      });
      // Outside of `tidy`, which looks for tensors in every number of an array that it is given back.
      const probability = output.dataSync<"float32">();
      output.dispose();
      members.forEach((i, at) => {
        predictions[i] = probability.slice(at * perInput, (at + 1) * perInput);
      });
    }
  });
  return predictions;
}
