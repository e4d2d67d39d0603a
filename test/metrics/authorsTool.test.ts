import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readNiftiMask } from "../../methods/imaging/nifti.ts";
import { scoreRegion } from "../../methods/metrics/lesionScores.ts";

const checkout = process.env.EVALUATE_SEGMENTATION ?? "";
const folder = path.join(checkout, "source/TestSuite");

/** EvaluateSegmentation is the tool of the paper's reference 36 (Taha and Hanbury 2015). */
describe.skipIf(checkout === "" || !existsSync(folder))(
  "EvaluateSegmentation's test objects (needs EVALUATE_SEGMENTATION: a checkout of Visceral-Project/EvaluateSegmentation)",
  () => {
    it.each([
      // object within object, then what the tool prints: DICE, VOLSMTY, AVGDIST, HDRFDST
      { inner: "50_perc", outer: "20_perc", printed: ["0.839257", "0.839257", "0.352570", "13.601471"] },
      { inner: "90_perc", outer: "50_perc", printed: ["0.930900", "0.930900", "0.074300", "3.162278"] },
    ])("$inner against $outer: $printed", ({ inner, outer, printed }) => {
      const [prediction, reference] = [inner, outer].map((name) => {
        const file = path.join(folder, `${name}.nii.gz`);
        return readNiftiMask(readFileSync(file), file);
      });
      const { dims, spacingMm } = reference;
      const masks = { prediction: prediction.data, reference: reference.data, dims, spacingMm };
      const { dice, volumetricSimilarity, avdVoxels, hausdorffVoxels } = scoreRegion(masks, { tolerancesMm: [] });
      expect([dice, volumetricSimilarity, avdVoxels, hausdorffVoxels].map((score) => score?.toFixed(6))).toEqual(printed);
    });
  },
);
