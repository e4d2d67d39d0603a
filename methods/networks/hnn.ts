import type { Tensor4D } from "./backend.ts";
import type { Blocks } from "./network.ts";
import { type Layer, type NetworkSpec, scaled } from "./spec.ts";

/** VGG-16 without its last pooling: channels and number of convolutions of each stage. */
const STAGES = [
  [64, 2],
  [128, 2],
  [256, 3],
  [512, 3],
  [512, 3],
] as const;

/**
 * The holistically-nested network of Xie and Tu (2015): VGG-16's thirteen convolutions `conv1_1` … `conv5_3`, a side
 * output on each stage, and a weighted sum of the side outputs.
 */
export function hnnLayers({ width, channels }: NetworkSpec): Layer[] {
  const layers: Layer[] = [];
  let inputs = channels;
  STAGES.forEach(([published, convolutions], stage) => {
    const outputs = scaled(published, width);
    for (let k = 1; k <= convolutions; k++) {
      layers.push({ name: `conv${stage + 1}_${k}`, kind: "conv", inputs, outputs });
      inputs = outputs;
    }
    layers.push({ name: `side${stage + 1}`, kind: "side", inputs, outputs: 1 });
  });
  layers.push({ name: "fuse", kind: "fuse", inputs: STAGES.length, outputs: 1 });
  return layers;
}

/**
 * Logits of the five side outputs and, last, the fused one, each `[batch, height, width, 1]`.
 *
 * Any input size: pooling rounds up, side output s is enlarged by 2^s and cut to the input's size at the right and
 * lower edge, so that every pixel of a stage stays exactly over the 2^s × 2^s input pixels that it came from.
 */
export function hnnForward({ tf, conv, ops }: Blocks, x: Tensor4D): Tensor4D[] {
  const [batch, height, width] = x.shape;
  const sides: Tensor4D[] = [];
  let features = x;
  STAGES.forEach(([, convolutions], stage) => {
    if (stage > 0) features = ops.maxPool(features);
    for (let k = 1; k <= convolutions; k++) features = conv(`conv${stage + 1}_${k}`, features);
    const side = conv(`side${stage + 1}`, features);
    const enlarged = stage === 0 ? side : ops.upsample(side, 2 ** stage);
    const fits = enlarged.shape[1] === height && enlarged.shape[2] === width;
    sides.push(fits ? enlarged : tf.slice(enlarged, [0, 0, 0, 0], [batch, height, width, 1]));
  });
  return [...sides, conv("fuse", tf.concat(sides, 3))];
}
