import type { Tensor4D } from "./backend.ts";
import type { Blocks } from "./network.ts";
import { type Layer, type NetworkSpec, scaled } from "./spec.ts";

const LEVELS = 4;
/** Channels at full resolution; they double with every level. */
const FIRST = 64;

/**
 * UNet (Ronneberger et al. 2015) with padded convolutions: `down1_1` … `down4_2`, `bottom_1`, `bottom_2`, then for
 * levels 4 … 1 a transposed convolution `up<level>` and two convolutions on it and the skip connection.
 */
export function unetLayers({ width, channels }: NetworkSpec): Layer[] {
  const outputsAt = (level: number): number => scaled(FIRST * 2 ** (level - 1), width);
  const pair = (name: string, inputs: number, outputs: number): Layer[] => [
    { name: `${name}_1`, kind: "conv", inputs, outputs },
    { name: `${name}_2`, kind: "conv", inputs: outputs, outputs },
  ];
  const layers: Layer[] = [];
  for (let level = 1; level <= LEVELS; level++)
    layers.push(...pair(`down${level}`, level === 1 ? channels : outputsAt(level - 1), outputsAt(level)));
  layers.push(...pair("bottom", outputsAt(LEVELS), outputsAt(LEVELS + 1)));
  for (let level = LEVELS; level >= 1; level--) {
    const outputs = outputsAt(level);
    layers.push(
      { name: `up${level}`, kind: "up", inputs: outputsAt(level + 1), outputs },
      ...pair(`up${level}`, 2 * outputs, outputs),
    );
  }
  layers.push({ name: "out", kind: "out", inputs: outputsAt(1), outputs: 1 });
  return layers;
}

/**
 * The logits, `[batch, height, width, 1]`, as a list of one. Any input size: pooling rounds up, and the transposed
 * convolutions give back the size of the skip connection.
 */
export function unetForward({ tf, conv, upConv, ops }: Blocks, x: Tensor4D): Tensor4D[] {
  const skips: Tensor4D[] = [];
  let features = x;
  for (let level = 1; level <= LEVELS; level++) {
    features = conv(`down${level}_2`, conv(`down${level}_1`, features));
    skips.push(features);
    features = ops.maxPool(features);
  }
  features = conv("bottom_2", conv("bottom_1", features));
  for (let level = LEVELS; level >= 1; level--) {
    const skip = skips[level - 1];
    const grown = upConv(`up${level}`, features, [skip.shape[1], skip.shape[2]]);
    features = conv(`up${level}_2`, conv(`up${level}_1`, tf.concat([skip, grown], 3)));
  }
  return [conv("out", features)];
}
