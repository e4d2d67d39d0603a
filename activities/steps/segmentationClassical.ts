import type { Digest } from "../../artifacts/store.ts";
import { segmentVolume } from "../../methods/labels/volume.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { enhancedRoi } from "../enhanced.ts";
import { methodName } from "../methodName.ts";
import { gatherPredictions, type Prediction, putPredictionPart } from "../predictions.ts";
import type { StepBody } from "./step.ts";

const volumetric = new Set(["grabcut-3d", "grabcut-3de", "grabcut-prior-3d", "ellipsoid"]);

/** The baselines of Tables 1 and 5: masks from the marks alone. */
export const segmentationClassical: StepBody<StepParams<"segmentation.classical">> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress }, { params: { method, dcrf, zoom }, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const predictions: Prediction[] = [];
    for (const [done, { lesion, image }] of lesions.entries()) {
      progress({ unit: "lesions", done, total: lesions.length });
      const { mask, outcomes } = segmentVolume(method, image, lesion, lesion.window, {
        ...(await enhancedRoi(store, inputs, lesion, image)),
        dcrf,
        zoom,
      });
      predictions.push({ id: lesion.id, mask, outcomes });
    }
    return { outputs: { part: await putPredictionPart(store, predictions) } };
  },

  gather: async ({ store }, { params: { method }, inputs }, parts) =>
    gatherPredictions(store, parts, {
      method: await methodName(store, method, inputs),
      dimension: volumetric.has(method) ? "3D" : "2D",
    }),
};
