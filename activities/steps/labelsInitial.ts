import type { Digest } from "../../artifacts/store.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { initialMask } from "../../methods/labels/initial.ts";
import { priorCutVolume } from "../../methods/labels/priorCut.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { enhancedRoi } from "../enhanced.ts";
import { gatherLabels, type LabelledSlice, labelledSlices, putLabelPart } from "../labels.ts";
import { methodName } from "../methodName.ts";
import type { StepBody } from "./step.ts";

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
        else slices.push(...labelledSlices(lesion, reference, reach, "reference"));
      } else if (method === "grabcut-prior-3d") {
        const { mask, outcome } = priorCutVolume(image, lesion, lesion.window);
        slices.push(...labelledSlices(lesion, mask, reach, outcome));
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
