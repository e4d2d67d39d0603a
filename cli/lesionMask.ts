import { lesionRange, marksInRange } from "../methods/datasets/lesionCrop.ts";
import { largestComponent } from "../methods/imaging/components.ts";
import { cropVolume } from "../methods/imaging/crop.ts";
import { type HuWindow, type Mask, sliceOf, type Volume } from "../methods/imaging/volume.ts";
import { diametersOfMask } from "../methods/labels/diameters.ts";
import { lengthMm, type RecistMarks } from "../methods/labels/recist.ts";
import { segmentVolume, type VolumeMethod } from "../methods/labels/volume.ts";
import { maskVolumeMm3, millilitres } from "../methods/metrics/volume.ts";
import { predictVolume } from "../methods/networks/predictVolume.ts";
import type { SegmentedLesion } from "./segmentDocument.ts";
import type { SegmentingNetwork } from "./segmentingNetwork.ts";
import { postprocessOf, type SegmentMethod } from "./segmentMethod.ts";
import { boxMethods, onGrid, segmentBox, segmentUnmarked, type UnmarkedLesion } from "./unmarkedLesion.ts";

/** Mask of a lesion that nobody has measured, on the image's grid: by the network, or from a box without one. */
export async function segmentWithoutMarks(
  method: SegmentMethod,
  volume: Volume,
  lesion: UnmarkedLesion,
  window: HuWindow,
  network: SegmentingNetwork | undefined,
): Promise<{ mask: Mask; outcomes: Readonly<Record<string, number>> }> {
  if (network !== undefined) return segmentUnmarked(network, volume, lesion, window);
  const known = boxMethods.find((name) => name === method);
  if (known === undefined || !("box" in lesion)) throw new RangeError(`method ${method} cannot start from ${lesion.where}`);
  return segmentBox(known, volume, lesion.box, window);
}

/**
 * Mask on the image's grid. Methods that use the marks alone see the whole image; a model sees the crop that data sets
 * make, which is what it was trained on.
 */
export async function segmentLesion(
  method: SegmentMethod,
  volume: Volume,
  marks: RecistMarks,
  window: HuWindow,
  network: SegmentingNetwork | undefined,
): Promise<{ mask: Mask; outcomes: Readonly<Record<string, number>> }> {
  if (network === undefined) return segmentVolume(method as VolumeMethod, volume, marks, window);
  const range = lesionRange(marks, volume.spacingMm, volume.dims);
  const lesion = { image: cropVolume(volume, range.start, range.end), marks: marksInRange(marks, range), window };
  const { mask, outcomes } = await predictVolume(network.model, network.backend, lesion, {
    postprocess: postprocessOf(method),
    enhancer: network.enhancer,
  });
  return { mask: onGrid(mask, range.start, volume), outcomes };
}

/** Diameters on the slice that the lesion was marked on, beside those of the marks, and the volume. */
export function measurements(
  mask: Mask,
  slice: number,
  marks: RecistMarks | undefined,
): Pick<SegmentedLesion, "outcome" | "longMm" | "shortMm" | "marksLongMm" | "marksShortMm" | "volumeMl"> {
  const { dims, spacingMm } = mask;
  const section = sliceOf(mask, slice);
  const diameters = diametersOfMask({ ...section, data: largestComponent(section.data, [dims[0], dims[1], 1], 8) }, spacingMm);
  return {
    outcome: mask.data.includes(1) ? "segmented" : "empty",
    longMm: diameters && lengthMm(diameters.long, spacingMm),
    shortMm: diameters && lengthMm(diameters.short, spacingMm),
    marksLongMm: marks === undefined ? null : lengthMm(marks.long, spacingMm),
    marksShortMm: marks === undefined ? null : lengthMm(marks.short, spacingMm),
    volumeMl: millilitres(maskVolumeMm3(mask.data, spacingMm)),
  };
}
