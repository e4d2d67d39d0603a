import { describe, expect, it } from "vitest";
import { withNoise } from "../../methods/datasets/simulatedMarks.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { type RecistMarks, validateMarks } from "../../methods/labels/recist.ts";
import { segmentVolume, type VolumeMethod } from "../../methods/labels/volume.ts";
import { deepLesions, dice, hasSharedData, lesionsWithMasks, type MaskedLesion } from "./sharedData.ts";

const lesions = hasSharedData ? [...lesionsWithMasks(), ...deepLesions()] : [];

function noisy({ marks, name, image }: MaskedLesion): RecistMarks {
  const grid = { dims: [1e9, 1e9, image.dims[2]] as const, spacingMm: image.spacingMm };
  return validateMarks(withNoise(marks, 0.2, 1, name), grid);
}

const meanDice = (method: VolumeMethod, marksOf: (lesion: MaskedLesion) => RecistMarks): number =>
  lesions.reduce((sum, lesion) => {
    const marks = marksOf(lesion);
    const { mask } = segmentVolume(method, lesion.image, marks, lesion.window);
    const key = sliceOf(mask, marks.slice).data;
    const volumetric = method === "ellipsoid" || method === "grabcut-prior-3d";
    return sum + (volumetric ? dice(mask.data, lesion.truth.data) : dice(key, sliceOf(lesion.truth, marks.slice).data));
  }, 0) / lesions.length;

describe.skipIf(!hasSharedData)("real lesions (needs ../shared/data)", () => {
  it.each([
    ["exact", ({ marks }: MaskedLesion): RecistMarks => marks],
    ["±20 % noisy", noisy],
  ] as const)("the cut with a shape prior is better than ellipse and ellipsoid: %s marks", (_, marksOf) => {
    expect(meanDice("grabcut-prior", marksOf)).toBeGreaterThan(meanDice("ellipse", marksOf) + 0.01);
    expect(meanDice("grabcut-prior-3d", marksOf)).toBeGreaterThan(meanDice("ellipsoid", marksOf) + 0.04);
  });
});
