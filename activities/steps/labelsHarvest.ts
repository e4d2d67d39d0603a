import type { Digest } from "../../artifacts/store.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { harvestLabel } from "../../methods/labels/harvest.ts";
import { priorCutVolume } from "../../methods/labels/priorCut.ts";
import { projectDiameters } from "../../methods/labels/recist.ts";
import { predictSlices } from "../../methods/networks/predictVolume.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, readPart } from "../datasets.ts";
import { gatherLabels, type LabelledSlice, putLabelPart } from "../labels.ts";
import { loadSegmenter } from "../models.ts";
import type { StepBody } from "./step.ts";

/**
 * Lines 6–12 of Algorithm 1 on one shard of lesions: for τ = −k … k, Ŷ = f(V_{r+τ}, θ^{k−1}), T̂ = trimap(Ŷ, R̂_{r+τ}, R),
 * Y = GrabCut(T̂, V_{r+τ}), or one cut with the shape prior over all of them. Slices that the scan does not have and slices that give no label are counted, not hidden.
 */
export const labelsHarvest: StepBody<StepParams<"labels.harvest">> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.lesions.artifact as Digest),

  async run({ store, progress, backend }, { params: { k, cut, coverage, high, low, beyond }, inputs, part }) {
    const lesions = await readPart(store, inputs.lesions.artifact as Digest, part!);
    const network = await backend();
    const { model: theta, enhancer, dispose } = await loadSegmenter(store, inputs.model.artifact as Digest, network);
    const harvested: LabelledSlice[] = [];
    const unlabelled: Record<string, number> = {};
    const leaveOut = (reason: string): void => {
      unlabelled[reason] = (unlabelled[reason] ?? 0) + 1;
    };
    try {
      for (const [done, { lesion, image }] of lesions.entries()) {
        progress({ unit: "lesions", done, total: lesions.length });
        const depth = image.dims[2];
        const slices: number[] = [];
        for (let tau = -k; tau <= k; tau++) {
          const z = lesion.slice + tau;
          if (z >= 0 && z < depth) slices.push(z);
          else leaveOut(`τ = ${tau}: the scan has no such slice`);
        }
        const probabilities = await predictSlices(theta, network, { image, marks: lesion, window: lesion.window }, slices, {
          enhancer,
        });
        if (cut === "prior") {
          const outputs = new Map(slices.map((z, i) => [z, probabilities[i]]));
          const { mask, outcome } = priorCutVolume(image, lesion, lesion.window, { network: outputs });
          for (const z of slices) {
            const offset = z - lesion.slice;
            if (outcome === "collapsed") leaveOut(`τ = ${offset}: ${outcome}`);
            else harvested.push({ id: lesion.id, z, offset, outcome, labels: sliceOf(mask, z) });
          }
          continue;
        }
        for (const [i, z] of slices.entries()) {
          const offset = z - lesion.slice;
          const projected = projectDiameters(lesion, offset * image.spacingMm[2], image.spacingMm);
          if (projected === null && beyond === "background") {
            const [width, height] = image.dims;
            const labels = { data: new Uint8Array(width * height), width, height };
            harvested.push({ id: lesion.id, z, offset, outcome: "beyond the marks", labels });
            continue;
          }
          const { labels, outcome } = harvestLabel(sliceOf(image, z), probabilities[i], projected, lesion.window, {
            coverage,
            high,
            low,
          });
          if (labels === null) leaveOut(`τ = ${offset}: ${outcome}`);
          else harvested.push({ id: lesion.id, z, offset, outcome, labels });
        }
      }
    } finally {
      dispose();
    }
    return { outputs: { labels: await putLabelPart(store, harvested, unlabelled) }, summary: { slices: harvested.length } };
  },

  gather: ({ store }, { params: { k } }, parts) => gatherLabels(store, parts, { method: "self-paced", round: k }),
};
