/** Voxel counts of a prediction against a reference and the scores that follow from them. */
export interface Overlap {
  /** Voxels in both. */
  readonly tp: number;
  /** Voxels only in the prediction. */
  readonly fp: number;
  /** Voxels only in the reference. */
  readonly fn: number;
  /** Voxels in neither. */
  readonly tn: number;
  /** TP / (TP + FP); null where the prediction is empty. */
  readonly precision: number | null;
  /** TP / (TP + FN); null where the reference is empty. */
  readonly recall: number | null;
  /** 2TP / (2TP + FP + FN); 1 where both are empty. */
  readonly dice: number;
  /** TP / (TP + FP + FN); 1 where both are empty. */
  readonly iou: number;
  /** VS = 1 − |FN − FP| / (2TP + FP + FN); 1 where both are empty. The paper prints it without the absolute value (section 4). */
  readonly volumetricSimilarity: number;
}

/**
 * Overlap of two masks of the same grid; any value but 0 is inside. One empty mask gives Dice 0, two give Dice 1.
 *
 * @throws RangeError where the masks differ in length.
 */
export function overlap(prediction: Uint8Array, reference: Uint8Array): Overlap {
  if (prediction.length !== reference.length) {
    throw new RangeError(`prediction holds ${prediction.length} voxels, reference ${reference.length}`);
  }
  let tp = 0;
  let fp = 0;
  let fn = 0;
  for (let i = 0; i < prediction.length; i++) {
    if (prediction[i] !== 0) {
      if (reference[i] !== 0) tp++;
      else fp++;
    } else if (reference[i] !== 0) fn++;
  }
  return overlapOf({ tp, fp, fn, tn: prediction.length - tp - fp - fn });
}

/** The scores of counts, e.g. of several lesions' added up. */
export function overlapOf({ tp, fp, fn, tn }: Pick<Overlap, "tp" | "fp" | "fn" | "tn">): Overlap {
  const sizes = 2 * tp + fp + fn;
  return {
    tp,
    fp,
    fn,
    tn,
    precision: tp + fp === 0 ? null : tp / (tp + fp),
    recall: tp + fn === 0 ? null : tp / (tp + fn),
    dice: sizes === 0 ? 1 : (2 * tp) / sizes,
    iou: sizes === 0 ? 1 : tp / (tp + fp + fn),
    volumetricSimilarity: sizes === 0 ? 1 : 1 - Math.abs(fn - fp) / sizes,
  };
}
