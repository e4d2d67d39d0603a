/**
 * Masks of real lesions from a box or a point, without marks, beside those without a network: Dice on the slice of the box
 * and in 3D. `npx tsx bench/withoutMarks.ts [MODEL]`; without a model the rows without a network only. Boxes are the tight
 * ones of the true mask on its RECIST slice, points the middle of those boxes and where the axes cross.
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { readMaskFile } from "../cli/maskFile.ts";
import { openNetwork } from "../cli/segmentingNetwork.ts";
import { boxMethods, segmentBox, segmentUnmarked } from "../cli/unmarkedLesion.ts";
import { marksOfMask } from "../methods/datasets/simulatedMarks.ts";
import { largestComponent } from "../methods/imaging/components.ts";
import { openImage } from "../methods/imaging/openImage.ts";
import { type HuWindow, type Mask, sliceOf, type Volume } from "../methods/imaging/volume.ts";
import { rangeOfMask } from "../methods/imaging/voxelRange.ts";
import type { LesionBox } from "../methods/labels/lesionBox.ts";
import { intersection } from "../methods/labels/recist.ts";
import { overlap } from "../methods/metrics/overlap.ts";
import { openBackend } from "../methods/networks/backend.ts";

const root = path.resolve(process.env.RECIST3D_SHARED_DATA ?? "../shared/data", "ct-with-masks");
const LUNG: HuWindow = { low: -1350, high: 150 };
const SOFT: HuWindow = { low: -160, high: 240 };

interface Real {
  readonly name: string;
  readonly volume: Volume;
  readonly truth: Mask;
  readonly box: LesionBox;
  readonly point: readonly [number, number];
  readonly window: HuWindow;
}

async function* realLesions(): AsyncGenerator<Real> {
  for (const name of (await readdir(root)).sort()) {
    const image = ["CT_image.nii.gz", "nifti/image/phantom.nii.gz"].map((file) => path.join(root, name, file)).find(existsSync);
    const mask = ["CT_mask.nii.gz", "mask_GTV-1.nii.gz", "nifti/mask/mask.nii.gz"]
      .map((file) => path.join(root, name, file))
      .find(existsSync);
    if (image === undefined || mask === undefined) continue;
    const { volume } = await openImage(image);
    const all = await readMaskFile(mask);
    const truth = { ...all, data: largestComponent(all.data, all.dims, 26) };
    const marks = marksOfMask(truth)!;
    const section = rangeOfMask(sliceOf(truth, marks.slice).data, [truth.dims[0], truth.dims[1], 1])!;
    const box: LesionBox = {
      slice: marks.slice,
      low: [section.start[0], section.start[1]],
      high: [section.end[0] - 1, section.end[1] - 1],
    };
    yield { name, volume, truth, box, point: intersection(marks), window: /LUNG/.test(name) ? LUNG : SOFT };
  }
}

function dices({ data, dims }: Mask, truth: Mask, slice: number): [number, number] {
  const area = dims[0] * dims[1];
  const on = (of: Uint8Array): Uint8Array => of.subarray(slice * area, (slice + 1) * area);
  const dice = (a: Uint8Array, b: Uint8Array): number => {
    const { tp, fp, fn } = overlap(a, b);
    return (2 * tp) / (2 * tp + fp + fn);
  };
  return [dice(on(data), on(truth.data)), dice(data, truth.data)];
}

const ref = process.argv[2];
const network = ref === undefined ? undefined : await openNetwork(ref, await openBackend());
const rows = new Map<string, [number, number][]>();
for await (const { name, volume, truth, box, point, window } of realLesions()) {
  const add = (method: string, mask: Mask): void => {
    const scores = dices(mask, truth, box.slice);
    rows.set(method, [...(rows.get(method) ?? []), scores]);
    console.error(`${name} ${method} ${scores.map((score) => score.toFixed(3)).join(" ")}`);
  };
  for (const method of boxMethods) add(`box, ${method}`, segmentBox(method, volume, box, window).mask);
  if (network === undefined) continue;
  const at = [(box.low[0] + box.high[0]) / 2, (box.low[1] + box.high[1]) / 2] as const;
  const lesions = {
    box: { box },
    "point in the middle": { point: { slice: box.slice, at } },
    "point where the axes cross": { point: { slice: box.slice, at: point } },
  };
  for (const [what, place] of Object.entries(lesions))
    add(`${what}, network`, (await segmentUnmarked(network, volume, { id: name, where: name, ...place }, window)).mask);
}
for (const [method, scores] of rows) {
  const mean = (axis: 0 | 1): string => (scores.reduce((sum, score) => sum + score[axis], 0) / scores.length).toFixed(3);
  console.log(`${method}: ${mean(0)} on the slice, ${mean(1)} in 3D, ${scores.length} lesions`);
}
