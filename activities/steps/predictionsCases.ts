import type { ArtifactFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import { encodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import type { Case } from "../../schemas/cases.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { markFacts, putCases } from "../cases.ts";
import { openDataset, safetensorsType, shardPath, shardsOf } from "../datasets.ts";
import { judgementsOf, verdictOf } from "../judgements.ts";
import { openPredictions, readPredictedMask } from "../predictions.ts";
import type { StepBody } from "./step.ts";

/** A case for every mask, named after its lesion, on the whole crop; images stay in the files in which the data set has them. */
export const predictionsCases: StepBody<StepParams<"predictions.cases">> = {
  async run({ store, progress }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.lesions.artifact as Digest);
    const predictions = await openPredictions(store, inputs.masks.artifact as Digest);
    const judged = inputs.decisions && (await judgementsOf(store, inputs.decisions.artifact as Digest, predictions.digest));
    const lesions = dataset.lesions
      .filter(({ id }) => predictions.lines.has(id))
      .filter(({ id }) => judged === undefined || verdictOf(judged.get(id), params) === "rejected");
    const cases: Case[] = [];
    const files: ArtifactFile[] = [];
    for (const shard of shardsOf({ lesions })) {
      const path = shardPath(shard);
      const masksPath = path.replace(/^shards/, "masks");
      const tensors: Record<string, Tensor> = {};
      for (const lesion of lesions.filter((one) => one.shard === shard)) {
        progress({ unit: "masks", done: cases.length, total: lesions.length });
        const { id, category, window, spacingMm, slice, long, short } = lesion;
        const mask = await readPredictedMask(store, predictions, id);
        checkSameGrid(mask, lesion, `the mask of ${id}`, "its image");
        tensors[id] = { dtype: "U8", shape: [...mask.dims].reverse(), data: mask.data };
        cases.push({
          id,
          group: category,
          images: [{ name: "CT", file: path, tensor: `${id}/image`, levels: "HU", window, spacingMm: [...spacingMm], zoom: 1 }],
          masks: [{ name: "mask", file: masksPath, tensor: id }],
          marks: { slice, long, short },
          facts: markFacts(lesion),
        });
      }
      files.push(dataset.manifest.blobs.find((blob) => blob.path === path)!);
      files.push({ path: masksPath, bytes: encodeSafetensors(tensors), mediaType: safetensorsType });
    }
    const about = { title: params.title, masks: predictions.digest };
    return { outputs: { cases: await putCases(store, about, cases, files) }, summary: { cases: cases.length } };
  },
};
