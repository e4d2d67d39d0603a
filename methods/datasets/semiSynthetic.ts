import { InputError } from "../inputError.ts";
import { randomStream } from "../random.ts";
import type { LesionCase, LesionSource } from "./lesionCase.ts";
import type { LesionShape, LesionShapes } from "./lesionShapes.ts";
import { type Material, openMaterial } from "./semiSynthetic/material.ts";
import { checkOptions, LONG_AXIS_PX, type SemiSyntheticOptions } from "./semiSynthetic/options.ts";
import { paintedCase } from "./semiSynthetic/painting.ts";
import { drawTissue, placed } from "./semiSynthetic/placement.ts";
import { drawLength, drawPose, longMmOf, posed } from "./semiSynthetic/pose.ts";
import { chooseShapes, defaultSetWeights, type ShapeChoice } from "./semiSynthetic/shapeChoice.ts";

/** Poses and tissues that are tried before a lesion is given up; one in some hundred needs more than a few. */
const ATTEMPTS = 200;

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
