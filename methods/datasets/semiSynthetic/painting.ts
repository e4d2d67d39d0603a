import { cropVolume } from "../../imaging/crop.ts";
import { type Mask, sliceOf, type Vec3, type Volume } from "../../imaging/volume.ts";
import { rangeOfMask, type VoxelRange } from "../../imaging/voxelRange.ts";
import { lengthMm } from "../../labels/recist.ts";
import type { Random } from "../../random.ts";
import type { Category, LesionCase, SourceEntry } from "../lesionCase.ts";
import { CROP_REACH, lesionRange, marksInRange } from "../lesionCrop.ts";
import type { ShapeSet } from "../lesionShapes.ts";
import { marksOfMask, withNoise } from "../simulatedMarks.ts";
import type { Side } from "../split.ts";
import { windowOf } from "../windowOf.ts";
import type { Background } from "./background.ts";
import { drawHu, inLung } from "./hu.ts";
import type { Material } from "./material.ts";
import type { SemiSyntheticOptions } from "./options.ts";
import { type Placed, placedAt } from "./placement.ts";
import { drawPose, longMmOf, posed } from "./pose.ts";
import type { ShapeChoice } from "./shapeChoice.ts";
import { surroundingsOf } from "./surroundings.ts";
import { aeratedGaps, lesionHu } from "./texture.ts";

/** Lesions of a set have its category where they are not put into lung; DeepLesion's own shapes do not tell theirs. */
const CATEGORY_OF_SET: Readonly<Record<ShapeSet, Category>> = {
  DeepLesion3D: "soft-tissue",
  NIH_LN_ABD: "abdomen",
  NIH_LN_MED: "mediastinum",
  Radboudumc_Bone: "bone",
  Radboudumc_Pancreas: "abdomen",
  kits21: "kidney",
  "LIDC-IDRI": "soft-tissue",
  LiTS: "liver",
  MDSC_Task06_Lung: "soft-tissue",
  MDSC_Task07_Pancreas: "abdomen",
  MDSC_Task10_Colon: "abdomen",
};
const GAPPY_IN_LUNG = 0.3;
const GAP_ALPHA = 0.15;
const NEIGHBOUR_LENGTH = [0.4, 1.1] as const;
const NEIGHBOUR_DISTANCE = [0.55, 0.95] as const;
const NEIGHBOUR_HU_SD = 10;
const LOWEST_HU = -1024;
const HIGHEST_HU = 3071;

/** A lesion in its place that is still to be painted. */
export interface Implant extends Pick<SourceEntry, "id" | "patient" | "officialSplit"> {
  readonly set: ShapeSet;
  /** Of the shape. */
  readonly name: string;
  readonly random: Random;
  readonly lesion: Placed;
  readonly longPx: number;
}

/**
 * Marks a lesion in its place and paints it into a crop of its background.
 *
 * @param lengthsPx shortest and longest long axis, pixels.
 * @param givenHu mean HU of the lesion; drawn to fit its surroundings if absent.
 * @returns undefined where the long axis is out of range.
 */
export function paintedCase(
  { id, patient, officialSplit, set, name, random, lesion, longPx }: Implant,
  material: Material,
  options: SemiSyntheticOptions,
  choice: ShapeChoice,
  lengthsPx: readonly [number, number],
  givenHu?: number,
): LesionCase | undefined {
  const { seed, markNoise = 0, neighbours = 0.35, reach = CROP_REACH } = options;
  const { background } = lesion;
  const measured = marksOfMask(maskOf(lesion));
  if (measured === undefined || !within(lengthsPx, lengthMm(measured.long, [1, 1, 1]))) return undefined;
  const noisy = withNoise(measured, markNoise, seed, id);
  const { start } = lesion.patch;
  const inVolume = marksInRange(noisy, { start: negative(start) });
  const own = rangeOfMask(lesion.label, lesion.patch.dims) as VoxelRange;
  const whole: VoxelRange = { start: sum(own.start, start), end: sum(own.end, start) };
  const range = lesionRange(inVolume, background.spacingMm, background.dims, whole, reach);
  const image = cropVolume(volumeOf(background), range.start, range.end);

  const longMm = lengthMm(measured.long, background.spacingMm);
  const around = surroundingsOf(lesion.patch, lesion.label, longPx, measured.slice);
  const aerated = inLung(around);
  const meanHu = givenHu ?? drawHu(random, around);
  if (random.uniform() < neighbours) {
    const side: Side = officialSplit === "test" ? "test" : "train";
    const beside = neighbourOf(random, side, lesion, longPx, material, choice, options);
    const hu = meanHu + NEIGHBOUR_HU_SD * random.normal();
    if (beside !== undefined) paint(image, range, beside, lesionHu(random, bodyOf(beside, longMm), hu, around.noiseHu, aerated));
  }
  const body = bodyOf(lesion, longMm);
  const gaps = aerated && random.uniform() < GAPPY_IN_LUNG ? aeratedGaps(random, body) : undefined;
  const alpha = gaps === undefined ? lesion.alpha : lesion.alpha.map((a, i) => a * (1 - (1 - GAP_ALPHA) * gaps[i]));
  paint(image, range, { ...lesion, alpha }, lesionHu(random, body, meanHu, around.noiseHu, aerated));

  const reference: Mask = { ...image, data: new Uint8Array(image.data.length) };
  forEachShared(reference, range, lesion, (to, from) => {
    reference.data[to] = lesion.label[from];
  });
  const marks = marksInRange(inVolume, range);
  return {
    id,
    patient,
    officialSplit,
    category: aerated ? "lung" : CATEGORY_OF_SET[set],
    marks,
    window: windowOf(sliceOf(image, marks.slice), sliceOf(reference, marks.slice)),
    image,
    reference,
    source: { series: `${background.name} + ${set}/${name}`, origin: [...range.start] },
    notes: [],
  };
}

function within([low, high]: readonly [number, number], value: number): boolean {
  return value >= low && value <= high;
}

/** Another shape of the same side, in the same slices, partly behind the lesion or just beside it. */
function neighbourOf(
  random: Random,
  side: Side,
  { background, tissue, patch }: Placed,
  longPx: number,
  { shapes }: Material,
  choice: ShapeChoice,
  options: SemiSyntheticOptions,
): Placed | undefined {
  const mask = shapes.load(choice.draw(side, random));
  const besidePx = longPx * random.between(...NEIGHBOUR_LENGTH);
  const pose = drawPose(random, longMmOf(mask), besidePx, background.spacingMm, options);
  const alpha = posed(mask, pose, besidePx, background.spacingMm);
  const angle = random.between(0, 2 * Math.PI);
  const awayPx = longPx * random.between(...NEIGHBOUR_DISTANCE);
  const [x, y, z] = sum(patch.start, patch.dims.map((n) => (n - 1) / 2) as unknown as Vec3);
  const site: Vec3 = [Math.round(x + awayPx * Math.cos(angle)), Math.round(y + awayPx * Math.sin(angle)), z];
  return placedAt(random, background, tissue, alpha, site, options.cutBoneAndAir ?? true);
}

function paint(image: Volume, range: VoxelRange, lesion: Placed, hu: Float32Array): void {
  forEachShared(image, range, lesion, (to, from) => {
    const alpha = lesion.alpha[from];
    if (alpha === 0) return;
    const mixed = Math.round(image.data[to] + alpha * (hu[from] - image.data[to]));
    image.data[to] = Math.min(Math.max(mixed, LOWEST_HU), HIGHEST_HU);
  });
}

/** Visits the voxels that a crop and a lesion's patch have in common: their numbers in either. */
function forEachShared(
  { dims }: { readonly dims: Vec3 },
  { start }: VoxelRange,
  { patch }: Placed,
  visit: (inCrop: number, inPatch: number) => void,
): void {
  const shift = sum(patch.start, negative(start));
  const low = shift.map((s) => Math.max(0, -s));
  const high = patch.dims.map((n, axis) => Math.min(n, dims[axis] - shift[axis]));
  for (let k = low[2]; k < high[2]; k++) {
    for (let j = low[1]; j < high[1]; j++) {
      const to = ((k + shift[2]) * dims[1] + j + shift[1]) * dims[0] + shift[0];
      const from = (k * patch.dims[1] + j) * patch.dims[0];
      for (let i = low[0]; i < high[0]; i++) visit(to + i, from + i);
    }
  }
}

function maskOf({ background, patch, label }: Placed): Mask {
  return { dims: patch.dims, spacingMm: background.spacingMm, affine: background.affine, data: label };
}

function bodyOf({ background, patch, label }: Placed, longMm: number) {
  return { dims: patch.dims, spacingMm: background.spacingMm, label, longMm, covered: patch.hu };
}

function volumeOf({ dims, spacingMm, affine, hu }: Background): Volume {
  return { dims, spacingMm, affine, data: hu };
}

function sum([a, b, c]: Vec3, [d, e, f]: Vec3): Vec3 {
  return [a + d, b + e, c + f];
}

function negative([x, y, z]: Vec3): Vec3 {
  return [-x, -y, -z];
}
