import type { Mask, Vec3 } from "../../imaging/volume.ts";
import { lengthMm } from "../../labels/recist.ts";
import type { Random } from "../../random.ts";
import { marksOfMask } from "../simulatedMarks.ts";
import { LONG_AXIS_PX, type SemiSyntheticOptions } from "./options.ts";
import { type Alpha, alphaOf, type Pose } from "./partialVolume.ts";

/** A shape is magnified by no more than this, in the slice plane and across it: its voxels would show. */
const MAGNIFICATION = [3, 4] as const;
const AXIS_SCALE = 0.15;
const DEPTH_SCALE = 0.2;
const RING_MARGIN = 0.15;

/** The long diameter of a shape's marks, mm; of a shape that cannot be marked, its width. */
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

/** Mirrored, turned in the slice plane, each axis scaled a little, at any place between voxels. */
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
