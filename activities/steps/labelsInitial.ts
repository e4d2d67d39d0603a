import type { Digest } from "../../artifacts/store.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { initialMask } from "../../methods/labels/initial.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { gatherLabels, type LabelledSlice, putLabelPart } from "../labels.ts";
import { methodName } from "../methodName.ts";
import type { StepBody } from "./step.ts";

/** Line 2 of Algorithm 1: Y = GrabCut(trimap(R), X) on every RECIST slice, or another initial mask. */
export const labelsInitial: StepBody<StepParams<"labels.initial">> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress }, { params: { method, dcrf, zoom }, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const slices: LabelledSlice[] = [];
    let unlabelled = 0;
    for (const [done, { lesion, image, reference }] of lesions.entries()) {
      progress({ unit: "lesions", done, total: lesions.length });
      const slice = { id: lesion.id, z: lesion.slice, offset: 0 };
      if (method === "reference") {
        if (reference === undefined) unlabelled++;
        else slices.push({ ...slice, outcome: "reference", labels: sliceOf(reference, lesion.slice) });
      } else {
        const { labels, outcome } = initialMask(method, sliceOf(image, lesion.slice), lesion, lesion.window, {
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

  gather: ({ store }, { params }, parts) => gatherLabels(store, parts, { method: methodName(params.method), round: 0 }),
};
