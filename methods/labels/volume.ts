import { type HuWindow, type Mask, sliceOf, type Volume } from "../imaging/volume.ts";
import { type InitialMethod, type InitialOptions, type InitialOutcome, initialMask } from "./initial.ts";
import { priorCutVolume } from "./priorCut.ts";
import { type Diameters, lengthMm, type ProjectionVariant, projectDiameters, type RecistMarks } from "./recist.ts";

/**
 * From the marks to a mask of the volume, without learning (Table 5). In 3D, slice after slice:
 * `grabcut-3d`: GrabCut-R from the marks of the RECIST slice on every slice; `grabcut-3de`: from the projected marks;
 * `ellipsoid`: the ellipse on the projected marks. `grabcut-prior-3d`: one cut over the volume. The methods of `initialMask` fill the RECIST slice only.
 */
export type VolumeMethod =
  | "grabcut-3d"
  | "grabcut-3de"
  | "grabcut-prior-3d"
  | "ellipsoid"
  | Exclude<InitialMethod, "recist-trimap">;

export interface VolumeOptions extends Pick<InitialOptions, "dcrf" | "zoom" | "enhanced" | "enhancedBy"> {
  /** How the marks shrink from slice to slice. Default `long-axis`. */
  readonly variant?: ProjectionVariant;
}

/** How far from the RECIST slice the unprojected marks are used, in long diameters. */
const REACH = 0.75;

/**
 * @param marks validated, on the volume's grid.
 * @param window the display window in which GrabCut sees the slices.
 * @returns the mask on the volume's grid, and on how many slices each outcome occurred; slices beyond the lesion's
 *   expected extent are not counted, and one cut over the volume counts as one.
 */
export function segmentVolume(
  method: VolumeMethod,
  volume: Volume,
  marks: RecistMarks,
  window: HuWindow,
  { variant = "long-axis", ...options }: VolumeOptions = {},
): { readonly mask: Mask; readonly outcomes: Partial<Record<InitialOutcome, number>> } {
  if (method === "grabcut-prior-3d") {
    const { mask, outcome } = priorCutVolume(volume, marks, window);
    return { mask, outcomes: { [outcome]: 1 } };
  }
  const { dims, spacingMm, affine } = volume;
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  const outcomes: Partial<Record<InitialOutcome, number>> = {};
  const onSlice = methodOnSlice(method);
  for (let z = 0; z < dims[2]; z++) {
    const diameters = diametersOn(method, marks, (z - marks.slice) * spacingMm[2], spacingMm, variant);
    if (diameters === null) continue;
    const { labels, outcome } = initialMask(onSlice, sliceOf(volume, z), diameters, window, { ...options, spacingMm });
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const start = z * dims[0] * dims[1];
    for (let p = 0; p < labels.data.length; p++) if (labels.data[p] === 1) data[start + p] = 1;
  }
  return { mask: { dims, spacingMm, affine, data }, outcomes };
}

function methodOnSlice(method: Exclude<VolumeMethod, "grabcut-prior-3d">): InitialMethod {
  if (method === "grabcut-3d" || method === "grabcut-3de") return "grabcut-r";
  return method === "ellipsoid" ? "ellipse" : method;
}

/** The marks that the method uses `dzMm` from the RECIST slice; null where it leaves the slice empty. */
function diametersOn(
  method: VolumeMethod,
  marks: RecistMarks,
  dzMm: number,
  spacingMm: Volume["spacingMm"],
  variant: ProjectionVariant,
): Diameters | null {
  if (method === "grabcut-3de" || method === "ellipsoid") return projectDiameters(marks, dzMm, spacingMm, variant);
  if (method === "grabcut-3d") return Math.abs(dzMm) < REACH * lengthMm(marks.long, spacingMm) ? marks : null;
  return dzMm === 0 ? marks : null;
}
