import { InputError } from "../../inputError.ts";
import { type Random, randomStream } from "../../random.ts";
import type { LesionShape, ShapeSet } from "../lesionShapes.ts";
import type { Side } from "../split.ts";
import { weightedDraw } from "./weightedDraw.ts";

/** Shares of the sets among the lesions; sets that are not named are not used. */
export type SetWeights = Readonly<Partial<Record<ShapeSet, number>>>;

export const defaultSetWeights: SetWeights = {
  DeepLesion3D: 0.25,
  NIH_LN_ABD: 0.06,
  NIH_LN_MED: 0.06,
  Radboudumc_Bone: 0.05,
  Radboudumc_Pancreas: 0.06,
  kits21: 0.12,
  "LIDC-IDRI": 0.1,
  LiTS: 0.12,
  MDSC_Task06_Lung: 0.06,
  MDSC_Task07_Pancreas: 0.06,
  MDSC_Task10_Colon: 0.06,
};

export interface ShapeChoiceOptions {
  readonly sets: SetWeights;
  /** Shapes whose names start with one of these are never used. */
  readonly exclude: readonly string[];
  readonly testFraction: number;
}

/** Draws shapes for either side of the split. */
export interface ShapeChoice {
  /** Shapes that may be drawn. */
  readonly usable: number;
  sideOf(lesion: number): Side;
  /** Number of a shape in the archive, from a patient of that side. */
  draw(side: Side, random: Random): number;
}

/** Smaller masks have no shape to speak of. */
const MINIMAL_VOXELS = 200;
const MINIMAL_DIMS = [6, 6, 4] as const;

/**
 * Divides shapes by patient: the side of a patient depends on its name and the fraction alone, never on a seed, so that
 * data sets drawn with different seeds can be trained on and tested against each other.
 *
 * @throws InputError where no shape is left, or none for a side that is asked for.
 */
export function chooseShapes(shapes: readonly LesionShape[], { sets, exclude, testFraction }: ShapeChoiceOptions): ShapeChoice {
  const pools: Record<Side, Map<ShapeSet, number[]>> = { train: new Map(), test: new Map() };
  let usable = 0;
  shapes.forEach(({ name, set, patient, voxels, dims }, index) => {
    if ((sets[set] ?? 0) === 0 || voxels < MINIMAL_VOXELS || dims.some((n, axis) => n < MINIMAL_DIMS[axis])) return;
    if (exclude.some((prefix) => name.startsWith(prefix))) return;
    const pool = pools[sideOfPatient(patient, testFraction)];
    const members = pool.get(set);
    if (members === undefined) pool.set(set, [index]);
    else members.push(index);
    usable++;
  });
  for (const side of ["train", "test"] as const) {
    if ((side === "test" ? testFraction : 1 - testFraction) === 0 || pools[side].size > 0) continue;
    throw new InputError(
      `no shape is left to ${side} with`,
      undefined,
      `${shapes.length} shapes are there; ${usable} of them have at least ${MINIMAL_VOXELS} voxels, belong to a set with a weight and are not excluded`,
    );
  }
  return {
    usable,
    // Steps of the golden ratio: every run of lesions has its share of either side.
    sideOf: (lesion) => (((lesion + 1) * 0.6180339887498949) % 1 < testFraction ? "test" : "train"),
    draw(side, random) {
      const [, members] = weightedDraw(random, [...pools[side]], ([set]) => sets[set] ?? 0);
      return members[random.integer(members.length)];
    },
  };
}

function sideOfPatient(patient: string, testFraction: number): Side {
  return randomStream(0, `side of the shapes of patient ${patient}`).uniform() < testFraction ? "test" : "train";
}
