import { centreOfMass, type PlacedMask, sharedVoxels, voxelAt, voxelsOf } from "../imaging/placedMask.ts";

/**
 * When a proposal counts as having found a lesion: `centre`: the voxel nearest to its centre of mass lies in the
 * lesion's reference mask; `iou`: their masks' intersection by their union is at least ½.
 */
export const hitCriteria = ["centre", "iou"] as const;
export type HitCriterion = (typeof hitCriteria)[number];

const LEAST_IOU = 0.5;

/** Numbers of the lesions that a proposal's mask hits; all masks on one grid. */
export function proposalHits(proposal: PlacedMask, lesions: readonly PlacedMask[], criterion: HitCriterion): number[] {
  const [x, y, z] = centreOfMass(proposal).map(Math.round);
  const size = voxelsOf(proposal);
  const isHit = (lesion: PlacedMask): boolean => {
    if (criterion === "centre") return voxelAt(lesion, x, y, z) === 1;
    const shared = sharedVoxels(proposal, lesion);
    return shared / (size + voxelsOf(lesion) - shared) >= LEAST_IOU;
  };
  return lesions.flatMap((lesion, i) => (isHit(lesion) ? [i] : []));
}
