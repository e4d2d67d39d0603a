import { InputError } from "../../inputError.ts";
import type { CropReach } from "../lesionCrop.ts";
import type { SetWeights } from "./shapeChoice.ts";

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

/** Shortest and longest long axis, pixels, unless others are asked for. */
export const LONG_AXIS_PX = [14, 70] as const;

/** @throws InputError where an option is out of range. */
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
