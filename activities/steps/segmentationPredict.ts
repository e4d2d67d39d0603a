import type { Digest } from "../../artifacts/store.ts";
import { roughBox } from "../../methods/networks/drawnRegion.ts";
import type { UnmarkedRegion } from "../../methods/networks/lesionRegion.ts";
import { requireWithoutMarks } from "../../methods/networks/model.ts";
import { predictVolume } from "../../methods/networks/predictVolume.ts";
import { randomStream } from "../../methods/random.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { loadSegmenter } from "../models.ts";
import { gatherPredictions, type Prediction, putPredictionPart } from "../predictions.ts";
import type { StepBody } from "./step.ts";

/** A box as someone might have drawn it who does not measure. */
function boxAround(lesion: Lesion, { length, shift, seed }: StepParams<"segmentation.predict">["box"]): UnmarkedRegion {
  return roughBox(lesion, { boxLength: length, boxShift: shift }, randomStream(seed, `box around ${lesion.id}`));
}

const METHOD_NAME = { none: "network", grabcut: "network-gc", prior: "network-prior" } as const;

/** Segments lesions with a trained network, with or without GrabCut post-processing. */
export const segmentationPredict: StepBody<StepParams<"segmentation.predict">> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress, backend }, { params, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const network = await backend();
    const { model, enhancer, dispose } = await loadSegmenter(store, inputs.model.artifact as Digest, network);
    const predictions: Prediction[] = [];
    try {
      if (params.marks !== "use") requireWithoutMarks(model, "input model");
      for (const [done, { lesion, image }] of lesions.entries()) {
        progress({ unit: "lesions", done, total: lesions.length });
        const marks = params.marks === "use" ? lesion : boxAround(lesion, params.box);
        const seen = { image, marks, window: lesion.window };
        const { mask, probability, outcomes } = await predictVolume(model, network, seen, {
          ...params,
          enhancer,
          measured: params.marks === "measured",
        });
        const quantised = Uint8Array.from(probability, (p) => Math.round(p * 255));
        predictions.push({ id: lesion.id, mask, outcomes, probability: quantised });
      }
    } finally {
      dispose();
    }
    return { outputs: { part: await putPredictionPart(store, predictions) } };
  },

  gather: ({ store }, { params: { postprocess, slices } }, parts) =>
    gatherPredictions(store, parts, {
      method: METHOD_NAME[postprocess],
      dimension: slices === "key" ? "2D" : "3D",
    }),
};
