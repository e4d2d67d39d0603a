import type { Tensor4D } from "./backend.ts";
import type { Blocks } from "./network.ts";
import { type Layer, type NetworkSpec, scaled } from "./spec.ts";

const LEVELS = 4;
/** Channels at full resolution; they double with every level. */
const FIRST = 64;

/**
 * UNet (Ronneberger et al. 2015) with padded convolutions: `down1_1` … `down4_2`, `bottom_1`, `bottom_2`, then for
 * levels 4 … 1 a transposed convolution `up<level>` and two convolutions on it and the skip connection.
 *
 * On stacks, every pair of convolutions below full resolution is followed by one across the planes, `<pair>_across`:
 * a 3 × 3 × 3 convolution taken apart, as in Tran et al. 2018 (“(2+1)D”). Planes are never pooled.
 */
export function unetLayers({ width, channels, planes }: NetworkSpec): Layer[] {
  const outputsAt = (level: number): number => scaled(FIRST * 2 ** (level - 1), width);
  const block = (name: string, level: number, inputs: number): Layer[] => {
    const outputs = outputsAt(level);
    const across: Layer = { name: `${name}_across`, kind: "across", inputs: outputs, outputs };
    return [
      { name: `${name}_1`, kind: "conv", inputs, outputs },
      { name: `${name}_2`, kind: "conv", inputs: outputs, outputs },
      ...(planes === undefined || level === 1 ? [] : [across]),
    ];
  };
  const layers: Layer[] = [];
  for (let level = 1; level <= LEVELS; level++)
    layers.push(...block(`down${level}`, level, level === 1 ? channels : outputsAt(level - 1)));
  layers.push(...block("bottom", LEVELS + 1, outputsAt(LEVELS)));
  for (let level = LEVELS; level >= 1; level--) {
    const outputs = outputsAt(level);
    layers.push(
      { name: `up${level}`, kind: "up", inputs: outputsAt(level + 1), outputs },
      ...block(`up${level}`, level, 2 * outputs),
    );
  }
  layers.push({ name: "out", kind: "out", inputs: outputsAt(1), outputs: 1 });
  return layers;
}

/**
 * The logits, `[batch, height, width, 1]`, as a list of one. Any input size: pooling rounds up, and the transposed
 * convolutions give back the size of the skip connection.
 */
export function unetForward({ tf, conv, across, upConv, ops }: Blocks, x: Tensor4D): Tensor4D[] {
  const block = (name: string, input: Tensor4D): Tensor4D =>
    across(`${name}_across`, conv(`${name}_2`, conv(`${name}_1`, input)));
  const skips: Tensor4D[] = [];
  let features = x;
  for (let level = 1; level <= LEVELS; level++) {
    features = block(`down${level}`, features);
    skips.push(features);
    features = ops.maxPool(features);
  }
  features = block("bottom", features);
  for (let level = LEVELS; level >= 1; level--) {
    const skip = skips[level - 1];
    const grown = upConv(`up${level}`, features, [skip.shape[1], skip.shape[2]]);
    features = block(`up${level}`, tf.concat([skip, grown], 3));
  }
  return [conv("out", features)];
}
