import { regionRange } from "../methods/datasets/lesionCrop.ts";
import { cropVolume } from "../methods/imaging/crop.ts";
import type { HuWindow, Mask, Vec3, Volume } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import { inscribedAxes, type LesionBox, type LesionPoint, validateBox, validatePoint } from "../methods/labels/lesionBox.ts";
import type { Extent } from "../methods/labels/recist.ts";
import { segmentVolume, type VolumeMethod } from "../methods/labels/volume.ts";
import type { Backend } from "../methods/networks/backend.ts";
import { lesionAtPoint } from "../methods/networks/lesionAtPoint.ts";
import { regionOfBox } from "../methods/networks/lesionRegion.ts";
import { type Model, requireWithoutMarks } from "../methods/networks/model.ts";
import { isOfStacks } from "../methods/networks/planeStack.ts";
import { predictVolume } from "../methods/networks/predictVolume.ts";

/** A lesion that nobody has measured: a box around it or a point in it. */
export type UnmarkedLesion = { readonly id: string; readonly where: string } & (
  | { readonly box: LesionBox }
  | { readonly point: LesionPoint }
);

/** Without a model, from a box: GrabCut and CRF as they are meant, the others from the axes of the ellipse inscribed in the box. */
export const boxMethods = ["grabcut-prior-3d", "grabcut-prior", "grabcut", "grabcut-i", "dcrf", "ellipse", "ellipsoid"] as const;
export type BoxMethod = (typeof boxMethods)[number];

/** Half of the side of the square around a point in which the display window is chosen, mm. */
const AROUND_POINT_MM = 20;

/**
 * Reads `--box x0,y0,x1,y1,slice` and `--point x,y,slice`; ids are `box-1`, `box-2`, `point-1` …
 *
 * @throws InputError where the text is no such numbers, or the place cannot lie on the image.
 */
export function unmarkedLesions(boxes: readonly string[], points: readonly string[], volume: Volume): UnmarkedLesion[] {
  return [
    ...boxes.map((text, i) => {
      const where = `--box ${text}`;
      const [x0, y0, x1, y1, slice] = numbersIn(text, 5, where, "--box 120,80,151,104,37 (x0,y0,x1,y1,slice)");
      return { id: `box-${i + 1}`, where, box: validateBox({ slice, low: [x0, y0], high: [x1, y1] }, volume, where) };
    }),
    ...points.map((text, i) => {
      const where = `--point ${text}`;
      const [x, y, slice] = numbersIn(text, 3, where, "--point 135,92,37 (x,y,slice)");
      const point: LesionPoint = { slice, at: [x, y] };
      validatePoint(point, volume, where);
      return { id: `point-${i + 1}`, where, point };
    }),
  ];
}

function numbersIn(text: string, count: number, where: string, example: string): number[] {
  const words = text.split(",").map((word) => word.trim());
  const numbers = words.map((word) => (word === "" ? Number.NaN : Number(word)));
  if (numbers.length !== count || !numbers.every(Number.isFinite))
    throw new InputError(`is not ${count} numbers with commas between them`, where, `e.g. ${example}`);
  return numbers;
}

/** What is looked at to choose a display window, and shown in the picture where nothing was found. */
export function extentOf(lesion: UnmarkedLesion, { spacingMm }: Volume): Extent {
  if ("box" in lesion) return lesion.box;
  const [x, y] = lesion.point.at;
  const [dx, dy] = [AROUND_POINT_MM / spacingMm[0], AROUND_POINT_MM / spacingMm[1]];
  return { low: [x - dx, y - dy], high: [x + dx, y + dy] };
}

export const sliceOfUnmarked = (lesion: UnmarkedLesion): number => ("box" in lesion ? lesion.box.slice : lesion.point.slice);

export interface UnmarkedResult {
  readonly mask: Mask;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Mask of a box without a model, on the image's grid. */
export function segmentBox(method: BoxMethod, volume: Volume, box: LesionBox, window: HuWindow): UnmarkedResult {
  return segmentVolume(method satisfies VolumeMethod, volume, inscribedAxes(box, volume), window);
}

/**
 * Mask of a box or a point by a network, on the image's grid. From a point, the network first finds how large the lesion
 * is (`lesionAtPoint`); what it finds nowhere gives an empty mask with outcome `nothing at the point`. A network of slices
 * measures what it finds on the place's slice and looks at the others with these marks; one of stacks sees them all at once.
 *
 * @throws InputError for a network that has learned from marks only.
 */
export async function segmentUnmarked(
  { model, backend }: { readonly model: Model; readonly backend: Backend },
  volume: Volume,
  lesion: UnmarkedLesion,
  window: HuWindow,
): Promise<UnmarkedResult> {
  requireWithoutMarks(model, lesion.where);
  const region =
    "box" in lesion ? regionOfBox(lesion.box) : (await lesionAtPoint(model, backend, volume, window, lesion.point))?.region;
  const { dims, spacingMm, affine } = volume;
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  if (region === undefined) return { mask: { dims, spacingMm, affine, data }, outcomes: { "nothing at the point": 1 } };
  // What is found may be longer than the region says, and is looked at again with room of its own.
  const { start, end } = regionRange({ ...region, lengthPx: 2 * region.lengthPx }, volume.spacingMm, volume.dims);
  const image = cropVolume(volume, start, end);
  const [x, y] = region.centre;
  const marks = { ...region, slice: region.slice - start[2], centre: [x - start[0], y - start[1]] as const };
  const measured = !isOfStacks(model.preprocessing);
  const { mask, outcomes } = await predictVolume(model, backend, { image, marks, window }, { measured });
  return { mask: onGrid(mask, start, volume), outcomes };
}

/** A mask that is 0 but for `part` from voxel `start` on. */
export function onGrid(part: Mask, [x0, y0, z0]: Vec3, { dims, spacingMm, affine }: Volume): Mask {
  const [nx, ny, nz] = part.dims;
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const row = (z * ny + y) * nx;
      data.set(part.data.subarray(row, row + nx), ((z0 + z) * dims[1] + y0 + y) * dims[0] + x0);
    }
  }
  return { dims, spacingMm, affine, data };
}
