import { cropVolume } from "../imaging/crop.ts";
import { type Mask, sliceOf, type Vec3, type Volume } from "../imaging/volume.ts";
import { rangeOfMask, type VoxelRange } from "../imaging/voxelRange.ts";
import { InputError } from "../inputError.ts";
import { lengthMm } from "../labels/recist.ts";
import { type Random, randomStream } from "../random.ts";
import type { Category, LesionCase, LesionSource, SourceEntry } from "./lesionCase.ts";
import { CROP_REACH, type CropReach, lesionRange, marksInRange } from "./lesionCrop.ts";
import { type LesionShape, type LesionShapes, openLesionShapes, type ShapeSet, shapeFiles } from "./lesionShapes.ts";
import { type Background, listBackgrounds, readBackground } from "./semiSynthetic/background.ts";
import { drawHu, inLung } from "./semiSynthetic/hu.ts";
import { type Alpha, alphaOf, type Pose } from "./semiSynthetic/partialVolume.ts";
import { drawTissue, type Placed, placed, placedAt } from "./semiSynthetic/placement.ts";
import { chooseShapes, defaultSetWeights, type SetWeights, type ShapeChoice } from "./semiSynthetic/shapeChoice.ts";
import { surroundingsOf } from "./semiSynthetic/surroundings.ts";
import { aeratedGaps, lesionHu } from "./semiSynthetic/texture.ts";
import { marksOfMask, withNoise } from "./simulatedMarks.ts";
import type { Side } from "./split.ts";
import { windowOf } from "./windowOf.ts";

export interface SemiSyntheticOptions {
  /** How many. */
  readonly lesions: number;
  readonly seed: number;
  /** Default: `defaultSetWeights`. */
  readonly sets?: SetWeights;
  /** Shapes whose names start with one of these are not used. Default: none. */
  readonly exclude?: readonly string[];
  /** Share of the lesions, and of the shapes' patients, that is for testing. Default 0.2. */
  readonly testFraction?: number;
  /** Shortest and longest long axis, pixels; log-uniform between them before shapes are stretched and cut. Default 14 to 70. */
  readonly longAxisPx?: readonly [number, number];
  /** Least and greatest stretch of a shape along z, beside its scale in the slice; log-uniform. Default 1 / e^0.2 to e^0.2. */
  readonly depthScale?: readonly [number, number];
  /** Share of the lesions with a second, unmarked one beside them. Default 0.35. */
  readonly neighbours?: number;
  /** Cuts bone out of 60 % of the lesions and air out of 70 % (not in lung); else lesions cover both. Default true. */
  readonly cutBoneAndAir?: boolean;
  /** Each diameter is lengthened or shortened by a factor uniform in 1 ± this, about the marks' intersection. Default 0. */
  readonly markNoise?: number;
  /** What is kept around the marks. Default: `CROP_REACH`. */
  readonly reach?: CropReach;
}

/** What lesions are made of. */
export interface Material {
  readonly shapes: LesionShapes;
  readonly backgrounds: readonly Background[];
}

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
const LONG_AXIS_PX = [14, 70] as const;
/** Poses and tissues that are tried before a lesion is given up; one in some hundred needs more than a few. */
const ATTEMPTS = 200;
/** A shape is magnified by no more than this, in the slice plane and across it: its voxels would show. */
const MAGNIFICATION = [3, 4] as const;
const AXIS_SCALE = 0.15;
const DEPTH_SCALE = 0.2;
const RING_MARGIN = 0.15;
const GAPPY_IN_LUNG = 0.3;
const GAP_ALPHA = 0.15;
const NEIGHBOUR_LENGTH = [0.4, 1.1] as const;
const NEIGHBOUR_DISTANCE = [0.55, 0.95] as const;
const NEIGHBOUR_HU_SD = 10;
const LOWEST_HU = -1024;
const HIGHEST_HU = 3071;

/**
 * A semi-synthetic data set: manual 3D masks of real lesions (`openLesionShapes`) put into real CT (`listBackgrounds`),
 * lesions `semi-00000` … . Backgrounds are read when the first lesion is loaded and stay in memory. Files are named
 * `shapes/…` and `backgrounds/…` after the folder that they lie in.
 *
 * The side of the official split is that of the shape's patient (`chooseShapes`); backgrounds are shared by both sides.
 *
 * @throws InputError where an option is out of range or files cannot be understood.
 */
export async function openSemiSynthetic(
  folders: { readonly shapes: string; readonly backgrounds: string },
  options: SemiSyntheticOptions,
): Promise<LesionSource> {
  checkOptions(options);
  const { shapes, files, backgrounds } = await openMaterial(folders);
  const choice = choiceOf(shapes, options);
  return {
    entries: Array.from({ length: options.lesions }, (_, index) => ({ ...entryOf(index, shapes, choice, options), files })),
    skipped: {},
    load: async (index) => implantLesion(index, { shapes, backgrounds: await backgrounds() }, options, choice),
  };
}

/** Shapes and backgrounds, listed; the backgrounds are read when they are first asked for. `files` names all of them. */
export async function openMaterial(folders: { readonly shapes: string; readonly backgrounds: string }): Promise<{
  readonly shapes: LesionShapes;
  readonly files: readonly string[];
  backgrounds(): Promise<Background[]>;
}> {
  const shapes = await openLesionShapes(folders.shapes);
  const listed = await listBackgrounds(folders.backgrounds);
  const backgroundFiles = listed.flatMap(({ image, forbidden }) => [image, ...forbidden]);
  const files = [...shapeFiles.map((file) => `shapes/${file}`), ...backgroundFiles.map((file) => `backgrounds/${file}`)];
  const readAll = async (): Promise<Background[]> => {
    const read: Background[] = [];
    for (const background of listed) read.push(await readBackground(folders.backgrounds, background));
    return read;
  };
  let backgrounds: Promise<Background[]> | undefined;
  return {
    shapes,
    files,
    backgrounds: () => {
      backgrounds ??= readAll();
      return backgrounds;
    },
  };
}

/**
 * One lesion put into a CT, a pure function of (seed, index, options, material).
 *
 * A shape is posed (mirrored, turned in the plane, each axis scaled a little), brought to the background's grid with
 * partial volume (`alphaOf`), put into soft tissue, fat or lung (`placed`) and filled with HU that fit its surroundings
 * (`drawHu`, `lesionHu`). Reference = more than half of the voxel is lesion; marks are measured in it (`marksOfMask`).
 */
export function implantLesion(
  index: number,
  material: Material,
  options: SemiSyntheticOptions,
  choice: ShapeChoice = choiceOf(material.shapes, options),
): LesionCase {
  const { seed, cutBoneAndAir = true, longAxisPx = LONG_AXIS_PX } = options;
  const { id, patient, officialSplit } = entryOf(index, material.shapes, choice, options);
  const number = shapeOf(index, choice, options);
  const shape = material.shapes.entries[number];
  const mask = material.shapes.load(number);
  const shapeLongMm = longMmOf(mask);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const random = randomStream(seed, "implanted lesion", index, attempt);
    const { tissue, background } = drawTissue(random, material.backgrounds);
    const longPx = drawLength(random, mask, shapeLongMm, background.spacingMm, options);
    const pose = drawPose(random, shapeLongMm, longPx, background.spacingMm, options);
    const alpha = posed(mask, pose, longPx, background.spacingMm);
    const lesion = placed(random, background, tissue, alpha, cutBoneAndAir);
    if (lesion === undefined) continue;
    const implant = { id, patient, officialSplit, set: shape.set, name: shape.name, random, lesion, longPx };
    const painted = paintedCase(implant, material, options, choice, longAxisPx);
    if (painted !== undefined) return painted;
  }
  throw new InputError(
    `no place was found for ${shape.set}/${shape.name} in ${ATTEMPTS} attempts`,
    id,
    "give larger backgrounds or a shorter longAxisPx",
  );
}

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
  const inVolume = marksInRange(noisy, { start: negative(start), end: [0, 0, 0] });
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
  if (aerated && random.uniform() < GAPPY_IN_LUNG) {
    const gaps = aeratedGaps(random, body);
    for (let i = 0; i < gaps.length; i++) lesion.alpha[i] *= 1 - (1 - GAP_ALPHA) * gaps[i];
  }
  paint(image, range, lesion, lesionHu(random, body, meanHu, around.noiseHu, aerated));

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

export function checkOptions({
  lesions,
  testFraction = 0.2,
  longAxisPx = LONG_AXIS_PX,
  depthScale = [1, 1],
  neighbours = 0.35,
  markNoise = 0,
}: SemiSyntheticOptions): void {
  if (!Number.isInteger(lesions) || lesions < 1)
    throw new InputError(`${lesions} lesions are asked for`, undefined, "give a whole number from 1");
  for (const [name, share] of Object.entries({ testFraction, neighbours })) {
    if (!(share >= 0 && share <= 1)) throw new InputError(`${name} is ${share}`, undefined, "give a part from 0 to 1");
  }
  if (!(markNoise >= 0 && markNoise < 1))
    throw new InputError(`markNoise is ${markNoise}`, undefined, "give a part from 0 to below 1, e.g. 0.2");
  if (!(longAxisPx[0] >= 8 && longAxisPx[0] <= longAxisPx[1] && longAxisPx[1] <= 200))
    throw new InputError(`longAxisPx is ${longAxisPx.join(" to ")}`, undefined, "give a range within 8 to 200 pixels");
  if (!(depthScale[0] >= 0.2 && depthScale[0] <= depthScale[1] && depthScale[1] <= 5))
    throw new InputError(`depthScale is ${depthScale.join(" to ")}`, undefined, "give a range within 0.2 to 5, e.g. [0.8, 2]");
}

export function choiceOf({ entries }: LesionShapes, options: SemiSyntheticOptions): ShapeChoice {
  const { sets = defaultSetWeights, exclude = [], testFraction = 0.2 } = options;
  return chooseShapes(entries, { sets, exclude, testFraction });
}

export function shapeOf(index: number, choice: ShapeChoice, { seed }: SemiSyntheticOptions): number {
  return choice.draw(choice.sideOf(index), randomStream(seed, "shape of the implanted lesion", index));
}

function entryOf(index: number, { entries }: LesionShapes, choice: ShapeChoice, options: SemiSyntheticOptions) {
  const { patient } = entries[shapeOf(index, choice, options)] as LesionShape;
  return { id: `semi-${String(index).padStart(5, "0")}`, patient, officialSplit: choice.sideOf(index) };
}

function within([low, high]: readonly [number, number], value: number): boolean {
  return value >= low && value <= high;
}

export function longMmOf(mask: Mask): number {
  const marks = marksOfMask(mask);
  return marks === undefined ? mask.dims[0] * mask.spacingMm[0] : lengthMm(marks.long, mask.spacingMm);
}

/** The long axis that is aimed at, pixels: log-uniform, up to what the shape's own voxels bear. */
export function drawLength(
  random: Random,
  { spacingMm }: Mask,
  shapeLongMm: number,
  [pixelMm, , sliceMm]: Vec3,
  { longAxisPx: [shortest, longest] = LONG_AXIS_PX }: SemiSyntheticOptions,
): number {
  const scale = Math.min((MAGNIFICATION[0] * pixelMm) / spacingMm[0], (MAGNIFICATION[1] * sliceMm) / spacingMm[2]);
  const most = Math.min(Math.max((scale * shapeLongMm) / pixelMm, shortest), longest);
  return shortest * (most / shortest) ** random.uniform();
}

export function drawPose(
  random: Random,
  shapeLongMm: number,
  longPx: number,
  spacingMm: Vec3,
  { depthScale }: SemiSyntheticOptions,
): Pose {
  const scale = (longPx * spacingMm[0]) / shapeLongMm;
  const [flattest, deepest] = depthScale?.map(Math.log) ?? [-DEPTH_SCALE, DEPTH_SCALE];
  return {
    scale: [
      scale * Math.exp(random.between(-AXIS_SCALE, AXIS_SCALE)),
      scale * Math.exp(random.between(-AXIS_SCALE, AXIS_SCALE)),
      scale * Math.exp(random.between(flattest, deepest)),
    ],
    angle: random.between(0, 2 * Math.PI),
    mirrorX: random.uniform() < 0.5,
    mirrorZ: random.uniform() < 0.5,
    phase: [random.between(-0.5, 0.5), random.between(-0.5, 0.5), random.between(-0.5, 0.5)],
  };
}

/** The shape in its pose, with room around it for what is measured in its surroundings. */
export function posed(mask: Mask, pose: Pose, longPx: number, spacingMm: Vec3): Alpha {
  return alphaOf(mask, pose, spacingMm, Math.ceil(RING_MARGIN * longPx) + 3);
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
