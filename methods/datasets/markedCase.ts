import { cropVolume } from "../imaging/crop.ts";
import { onRange, type PlacedMask, rangeOfPlaced } from "../imaging/placedMask.ts";
import { planeOf } from "../imaging/plane.ts";
import { type HuWindow, sliceOf, type Volume } from "../imaging/volume.ts";
import { oddityOf, type RecistMarks, validateMarks } from "../labels/recist.ts";
import { roiOfMarks } from "../labels/trimap.ts";
import type { LesionCase } from "./lesionCase.ts";
import { lesionRange, marksInRange } from "./lesionCrop.ts";
import { windowAround } from "./windowOf.ts";

/** A lesion that somebody marked in an image: all of its case but what is cut out of the image. */
export interface MarkedLesion extends Pick<LesionCase, "id" | "patient" | "category" | "officialSplit" | "followUp"> {
  /** Names the lesion in errors. */
  readonly where: string;
  /** On the image's grid. */
  readonly marks: RecistMarks;
  /** Default: from the image around the marks. */
  readonly window?: HuWindow;
  readonly series: string;
  readonly notes: readonly string[];
  readonly reference?: PlacedMask;
}

/** The case of a lesion. @throws InputError where its marks cannot lie on the image */
export function markedCase(volume: Volume, { where, series, reference, window, ...lesion }: MarkedLesion): LesionCase {
  const marks = validateMarks(lesion.marks, volume, where);
  const odd = oddityOf(marks, volume.spacingMm);
  const range = lesionRange(marks, volume.spacingMm, volume.dims, reference && rangeOfPlaced(reference));
  const image = cropVolume(volume, range.start, range.end);
  return {
    ...lesion,
    marks: marksInRange(marks, range),
    window: window ?? windowAt(volume, marks),
    image,
    ...(reference && { reference: { ...onRange(reference, range), affine: image.affine } }),
    source: { series, origin: range.start },
    notes: odd === undefined ? lesion.notes : [...lesion.notes, odd],
  };
}

/** What every case of an image is noted with. */
export function notesOnImage(volume: Volume, notes: readonly string[]): string[] {
  const plane = planeOf(volume);
  return [...notes.map((note) => `CT: ${note}`), ...(plane === "axial" ? [] : [`CT: its slices are ${plane}`])];
}

function windowAt(volume: Volume, marks: RecistMarks): HuWindow {
  const box = roiOfMarks(marks, volume.dims[0], volume.dims[1]);
  return windowAround(sliceOf<Int16Array | Float32Array>(volume, marks.slice), box);
}
