import { z } from "zod";
import { IGNORED } from "../labels/trimap.ts";
import type { Backend, Scalar, Tensor4D } from "./backend.ts";
import { createOps } from "./ops.ts";

export const lossOptionsSchema = z.strictObject({
  /** Weight lesion and background pixels by each other's share of the image, as HED does; Eq. 1 does not. */
  classBalanced: z.boolean().default(false),
  /** Weight of soft Dice added to the cross entropy of every output; 0 = none. */
  dice: z.number().nonnegative().default(0),
});
export type LossOptions = z.infer<typeof lossOptionsSchema>;

/** Added to both parts of the soft Dice fraction, in pixels: keeps images without a lesion defined. */
const DICE_SMOOTHING_PX = 20;

/** Labels of a batch as the loss wants them, each `[batch · height · width]`. */
export interface Targets {
  /** 1 lesion, 0 background or ignored. */
  readonly targets: Float32Array;
  /** Weight of each pixel in the loss; 0 where ignored. */
  readonly weights: Float32Array;
}

/**
 * Pixel weights that turn a sum into Eq. 1: cross entropy averaged over the pixels of an image that are not ignored,
 * then over images. Images without any such pixel do not count.
 *
 * Class balanced: β = share of background; lesion pixels weigh β and background pixels 1 − β (Xie and Tu 2015, Eq. 2).
 *
 * @param labels one label map per image: 0, 1 or 255 = ignored.
 */
export function lossTargets(labels: readonly Uint8Array[], classBalanced: boolean): Targets {
  const pixels = labels[0].length;
  const targets = new Float32Array(labels.length * pixels);
  const weights = new Float32Array(labels.length * pixels);
  const counts = labels.map((map) => {
    let lesion = 0;
    let counted = 0;
    for (const label of map) {
      if (label === IGNORED) continue;
      counted++;
      lesion += label;
    }
    return { lesion, counted };
  });
  const images = counts.filter(({ counted }) => counted > 0).length;
  labels.forEach((map, image) => {
    const { lesion, counted } = counts[image];
    const share = 1 / (counted * images);
    const ofLesion = classBalanced ? share * (1 - lesion / counted) : share;
    const ofBackground = classBalanced ? share * (lesion / counted) : share;
    for (let i = 0; i < pixels; i++) {
      if (map[i] === IGNORED) continue;
      const at = image * pixels + i;
      targets[at] = map[i];
      weights[at] = map[i] === 1 ? ofLesion : ofBackground;
    }
  });
  return { targets, weights };
}

/** The loss of a batch, summed over all outputs (sides and fused, weight 1 each). */
export type Loss = (logits: readonly Tensor4D[], targets: Tensor4D, weights: Tensor4D) => Scalar;

/** Eq. 1 on a backend, with soft Dice where asked for; `targets` and `weights` are `[batch, height, width, 1]`. */
export function createLoss(backend: Backend, { dice }: Pick<LossOptions, "dice">): Loss {
  const { tf } = backend;
  const { crossEntropy } = createOps(backend);
  return (logits, targets, weights) => {
    const outputs = logits.length === 1 ? logits[0] : tf.concat([...logits], 3);
    const entropy = crossEntropy(outputs, targets, weights);
    return dice === 0 ? entropy : entropy.add(softDice(backend, outputs, targets, weights).mul(dice));
  };
}

/** 1 − (2 Σ p·y + s) / (Σ p + Σ y + s) over pixels not ignored; mean over images, sum over outputs. */
function softDice({ tf }: Backend, logits: Tensor4D, targets: Tensor4D, weights: Tensor4D): Scalar {
  const counted = weights.greater(0).cast("float32");
  const probability = tf.sigmoid(logits).mul(counted);
  const overlap = probability.mul(targets).sum([1, 2]).mul(2).add(DICE_SMOOTHING_PX);
  const total = probability
    .sum([1, 2])
    .add(targets.sum([1, 2]))
    .add(DICE_SMOOTHING_PX);
  return tf.sub(1, overlap.div(total)).mean(0).sum();
}
