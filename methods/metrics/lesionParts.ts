import { components } from "../imaging/components.ts";
import { distanceTo } from "../imaging/distanceTransform.ts";
import type { Vec3 } from "../imaging/volume.ts";
import { cropToUnion } from "./unionBox.ts";

/** A reference of several lesions taken apart, and what of the prediction belongs to each. */
export interface LesionParts {
  /** Size x, y, z of the box that the parts are cut to: the union of both masks and a rim. */
  readonly dims: Vec3;
  /** 26-connected components of the reference, in the order of their first voxels. */
  readonly count: number;
  /** Masks (`[z, y, x]`, 0 or 1) of lesion `n` from 0. */
  part(n: number): { readonly reference: Uint8Array; readonly prediction: Uint8Array };
  /** Predicted components that touch no lesion: false alarms. */
  readonly unmatched: { readonly components: number; readonly voxels: number };
}

/**
 * Matches a prediction with the lesions of a reference: a predicted 26-connected component belongs to the lesion that
 * it overlaps; where it overlaps several, each of its voxels belongs to the nearest of them in mm (of equally near
 * ones to the first).
 *
 * @param dims size x, y, z of both masks.
 * @throws RangeError where a mask does not hold `dims` voxels.
 */
export function lesionParts(prediction: Uint8Array, reference: Uint8Array, dims: Vec3, spacingMm: Vec3): LesionParts {
  const box = cropToUnion(prediction, reference, dims);
  const found = components(box.a, box.dims, 26);
  const truth = components(box.b, box.dims, 26);
  const overlapped = found.sizes.map(() => new Set<number>());
  for (let i = 0; i < box.a.length; i++) {
    if (found.labels[i] !== 0 && truth.labels[i] !== 0) overlapped[found.labels[i] - 1].add(truth.labels[i]);
  }
  const candidates = overlapped.map((lesions) => [...lesions].sort((a, b) => a - b));
  const shared = new Set(candidates.filter((lesions) => lesions.length > 1).flat());
  const distance = new Map([...shared].map((lesion) => [lesion, distanceTo(only(truth.labels, lesion), box.dims, spacingMm)]));
  const owner = Int32Array.from(found.labels, (label, i) => {
    const [first = 0, ...others] = label === 0 ? [] : candidates[label - 1];
    return others.reduce(
      (best, lesion) => ((distance.get(lesion) as Float64Array)[i] < (distance.get(best) as Float64Array)[i] ? lesion : best),
      first,
    );
  });
  const alarms = found.sizes.filter((_, n) => overlapped[n].size === 0);
  return {
    dims: box.dims,
    count: truth.sizes.length,
    part: (n) => ({ reference: only(truth.labels, n + 1), prediction: only(owner, n + 1) }),
    unmatched: { components: alarms.length, voxels: alarms.reduce((sum, size) => sum + size, 0) },
  };
}

function only(labels: Int32Array, label: number): Uint8Array {
  const mask = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) if (labels[i] === label) mask[i] = 1;
  return mask;
}
