import { cropSlice } from "../imaging/crop.ts";
import type { HuWindow, Slice } from "../imaging/volume.ts";
import { applyWindow8 } from "../imaging/window.ts";
import {
  CNN_THRESHOLDS,
  type CnnThresholds,
  type CnnTrimap,
  cnnForeground,
  touchingComponents,
  trimapOfCnn,
} from "./cnnTrimap.ts";
import { grabCut } from "./grabcut.ts";
import { type HuSlice, labelsOfTrimap, placed } from "./initial.ts";
import { dilatedSize } from "./markedBox.ts";
import { drawnAxes } from "./raster.ts";
import type { Diameters } from "./recist.ts";
import { IGNORED, type LabelMap } from "./trimap.ts";

/**
 * How a slice was harvested. `grabcut`: from the network's trimap; `marks-only`: the network found nothing, GrabCut
 * started from the projected marks; `ignored-fallback`: GrabCut failed, only what is sure is labelled;
 * `not-harvested`: nothing to label the slice with.
 */
export type HarvestOutcome = "grabcut" | "marks-only" | "ignored-fallback" | "not-harvested";

export type Harvest =
  | { readonly labels: LabelMap; readonly outcome: Exclude<HarvestOutcome, "not-harvested"> }
  | { readonly labels: null; readonly outcome: "not-harvested" };

/** A mask below this size is a failure of GrabCut, however small the marks. */
const SMALLEST_MASK = 5;

/**
 * Y = GrabCut(trimap(Ŷ, R̂), X) for one slice (3.3; Algorithm 1, lines 9 and 10). GrabCut fails where a class has no
 * sample, or the mask is smaller than five pixels or half of dilated RECIST, or does not touch the marks: then what
 * the network is sure of and touches the marks is lesion, {Ŷ ≤ low} off the marks is background, and the rest is
 * ignored; where the network found nothing, the marks' own trimap stands for its output.
 *
 * @param image X in HU, whole or cropped.
 * @param probability Ŷ on the same pixels.
 * @param projected R̂ in the slice's pixels (on the RECIST slice R itself); null beyond the marks' reach.
 * @param window the display window in which GrabCut sees the slice.
 * @throws RangeError where image and probability differ in size, or Ŷ holds anything but probabilities.
 */
export function harvestLabel(
  image: HuSlice,
  probability: Slice<Float32Array>,
  projected: Diameters | null,
  window: HuWindow,
  thresholds: CnnThresholds = CNN_THRESHOLDS,
): Harvest {
  checkOutput(image, probability);
  const { width, height } = image;
  if (projected === null) return { labels: null, outcome: "not-harvested" };
  const drawn = drawnAxes(projected, width, height);
  const trimap = drawn.includes(1) ? trimapOfCnn(probability, projected, thresholds) : null;
  if (trimap === null) return { labels: null, outcome: "not-harvested" };

  const mask = cutMask(image, trimap, window);
  if (mask !== null && holds(mask, drawn, projected)) {
    return { labels: { data: mask, width, height }, outcome: trimap.source === "cnn" ? "grabcut" : "marks-only" };
  }
  const data =
    trimap.source === "cnn"
      ? sureLabels(probability, drawn, thresholds)
      : placed({ ...trimap.trimap, data: labelsOfTrimap(trimap.trimap) }, trimap.roi, width, height).data;
  return { labels: { data, width, height }, outcome: "ignored-fallback" };
}

/** How a predicted slice was refined: as harvested, or `network`: the network's own mask, since there was no trimap or GrabCut failed. */
export type RefineOutcome = "grabcut" | "marks-only" | "network";

/**
 * GrabCut post-processing of a prediction (the paper's “-GC”): the mask is that of GrabCut from trimap(Ŷ, R̂). Beyond
 * the marks' reach, and for a lesion without marks, the trimap is that of the network alone. Where that finds no sure
 * lesion, or GrabCut fails as in `harvestLabel`, the mask is {Ŷ ≥ ½}, its components that touch the marks if there are
 * any.
 *
 * @returns 0/1 `[y, x]` and how it came about.
 * @throws as `harvestLabel`.
 */
export function refinement(
  image: HuSlice,
  probability: Slice<Float32Array>,
  projected: Diameters | null,
  window: HuWindow,
  thresholds: CnnThresholds = CNN_THRESHOLDS,
): { readonly mask: Uint8Array; readonly outcome: RefineOutcome } {
  checkOutput(image, probability);
  const { width, height } = image;
  const drawn = projected === null ? new Uint8Array(width * height) : drawnAxes(projected, width, height);
  const marks = drawn.includes(1) ? projected : null;
  const trimap = trimapOfCnn(probability, marks, thresholds);
  const mask = trimap === null ? null : cutMask(image, trimap, window);
  if (trimap !== null && mask !== null && holds(mask, drawn, marks)) {
    return { mask, outcome: trimap.source === "cnn" ? "grabcut" : "marks-only" };
  }
  const likely = Uint8Array.from(probability.data, (y) => (y >= 0.5 ? 1 : 0));
  return { mask: marks === null ? likely : touchingComponents(likely, drawn, width, height), outcome: "network" };
}

/** GrabCut's mask on the whole slice, 0 outside the trimap; null where a class has no sample. */
function cutMask(image: HuSlice, { trimap, roi }: CnnTrimap, window: HuWindow): Uint8Array | null {
  const result = grabCut(applyWindow8(cropSlice(image as Slice<Int16Array>, roi), window), trimap);
  if ("failure" in result) return null;
  return placed({ ...trimap, data: result.mask }, roi, image.width, image.height).data;
}

/** Whether a mask is large enough and touches the marks; without marks, whether it is large enough. */
function holds(mask: Uint8Array, drawn: Uint8Array, marks: Diameters | null): boolean {
  let size = 0;
  let touches = marks === null;
  for (let p = 0; p < mask.length; p++) {
    size += mask[p];
    if (mask[p] === 1 && drawn[p] === 1) touches = true;
  }
  return touches && size >= Math.max(SMALLEST_MASK, marks === null ? 0 : dilatedSize(marks) / 2);
}

/** What the network is sure of, as labels; the rest is ignored. */
function sureLabels(probability: Slice<Float32Array>, drawn: Uint8Array, thresholds: CnnThresholds): Uint8Array {
  const foreground = cnnForeground(probability, drawn, thresholds);
  return foreground.map((sure, p) => (sure === 1 ? 1 : drawn[p] === 0 && probability.data[p] <= thresholds.low ? 0 : IGNORED));
}

function checkOutput(image: HuSlice, probability: Slice<Float32Array>): void {
  if (image.width !== probability.width || image.height !== probability.height) {
    throw new RangeError(
      `the network's output is ${probability.width} × ${probability.height} pixels, the slice ${image.width} × ${image.height}`,
    );
  }
  const wrong = probability.data.findIndex((y) => !(y >= 0 && y <= 1));
  if (wrong >= 0) throw new RangeError(`the network's output is ${probability.data[wrong]} at pixel ${wrong}, not a probability`);
}
