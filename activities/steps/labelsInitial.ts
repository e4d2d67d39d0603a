import type { Digest } from "../../artifacts/store.ts";
import { type Mask, sliceOf } from "../../methods/imaging/volume.ts";
import { initialMask } from "../../methods/labels/initial.ts";
import { priorCutVolume } from "../../methods/labels/priorCut.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { enhancedRoi } from "../enhanced.ts";
import { gatherLabels, type LabelledSlice, putLabelPart } from "../labels.ts";
import { methodName } from "../methodName.ts";
import type { StepBody } from "./step.ts";

/** Of all slices, those up to this distance from the RECIST slice are labelled, in long diameters. */
const REACH = 0.9;

/** The slices of a mask that are to be labelled, ascending. */
function slicesOf(lesion: Lesion, mask: Mask, reach: "key" | "all" | number, outcome: string): LabelledSlice[] {
  const { dims, spacingMm } = mask;
  const within = Math.floor((REACH * lengthMm(lesion.long, spacingMm)) / spacingMm[2]);
  const count = reach === "key" ? 0 : reach === "all" ? within : reach;
  return Array.from({ length: 2 * count + 1 }, (_, i) => i - count)
    .filter((offset) => lesion.slice + offset >= 0 && lesion.slice + offset < dims[2])
    .map((offset) => ({
      id: lesion.id,
      z: lesion.slice + offset,
      offset,
      outcome,
      labels: sliceOf(mask, lesion.slice + offset),
    }));
}

/** Line 2 of Algorithm 1: Y = GrabCut(trimap(R), X) on every RECIST slice, or another initial mask. */
export const labelsInitial: StepBody<StepParams<"labels.initial">> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress }, { params: { method, slices: reach, dcrf, zoom }, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const slices: LabelledSlice[] = [];
    let unlabelled = 0;
    for (const [done, { lesion, image, reference }] of lesions.entries()) {
      progress({ unit: "lesions", done, total: lesions.length });
      const slice = { id: lesion.id, z: lesion.slice, offset: 0 };
      if (method === "reference") {
        if (reference === undefined) unlabelled++;
        else slices.push(...slicesOf(lesion, reference, reach, "reference"));
      } else if (method === "grabcut-prior-3d") {
        const { mask, outcome } = priorCutVolume(image, lesion, lesion.window);
        slices.push(...slicesOf(lesion, mask, reach, outcome));
      } else {
        const { labels, outcome } = initialMask(method, sliceOf(image, lesion.slice), lesion, lesion.window, {
          ...(await enhancedRoi(store, inputs, lesion, image)),
          dcrf,
          zoom,
          spacingMm: image.spacingMm,
        });
        slices.push({ ...slice, outcome, labels });
      }
    }
    const leftOut: Record<string, number> = unlabelled === 0 ? {} : { "no reference mask": unlabelled };
    return { outputs: { labels: await putLabelPart(store, slices, leftOut) }, summary: { slices: slices.length } };
  },

  gather: async ({ store }, { params, inputs }, parts) =>
    gatherLabels(store, parts, { method: await methodName(store, params.method, inputs), round: 0 }),
};
