import { windowAround } from "../methods/datasets/windowOf.ts";
import type { OpenedImage } from "../methods/imaging/openImage.ts";
import { type HuWindow, sliceOf, type Volume } from "../methods/imaging/volume.ts";
import { InputError } from "../methods/inputError.ts";
import { type Extent, oddityOf, type RecistMarks, validateMarks } from "../methods/labels/recist.ts";
import { roiAround } from "../methods/labels/trimap.ts";
import type { SegmentOptions } from "./commands/segment.ts";
import { openedImage } from "./imageOptions.ts";
import { readMarksFile } from "./marksFile.ts";
import { say } from "./output.ts";
import type { SegmentedLesion } from "./segmentDocument.ts";
import { type UnmarkedLesion, unmarkedLesions } from "./unmarkedLesion.ts";

/** A lesion to segment: marked, or not. */
export type Place =
  | {
      readonly id: string;
      readonly marks: RecistMarks;
      readonly window?: HuWindow;
      readonly trackingUid?: string;
      readonly name?: string;
    }
  | (UnmarkedLesion & {
      readonly marks?: undefined;
      readonly window?: undefined;
      readonly trackingUid?: undefined;
      readonly name?: undefined;
    });

export const fromText = (place: Place): string =>
  "marks" in place && place.marks ? "the marks" : "box" in place ? "the box" : "the point";

/** The image, and the lesions to segment in it, checked against it. */
export async function imageAndPlaces({
  image,
  marks,
  boxes = [],
  points = [],
  spacingMm,
  series,
}: SegmentOptions): Promise<OpenedImage & { places: readonly Place[] }> {
  if (marks === undefined) {
    const opened = await openedImage(image, { spacingMm, series });
    return { ...opened, places: unmarkedLesions(boxes, points, opened.volume) };
  }
  const file = await readMarksFile(marks, image, series);
  const opened = await openedImage(image, { spacingMm: spacingMm ?? file.spacingMm, series: series ?? file.series });
  const { volume } = opened;
  if (file.imageSize?.some((n, axis) => n !== volume.dims[axis])) {
    throw new InputError(
      `its slices are ${volume.dims[0]} × ${volume.dims[1]} pixels, ${marks} says ${file.imageSize.join(" × ")}`,
      image,
      "give the series that the table describes",
    );
  }
  const places: Place[] = [];
  for (const { id, window, trackingUid, name, marksOn, where } of file.lesions) {
    const filed = await marksOn(volume);
    if (typeof filed === "string") {
      say(`${where}: left out: ${filed}`);
      continue;
    }
    const valid = validateMarks(filed, volume, where);
    const odd = oddityOf(valid, volume.spacingMm);
    if (odd !== undefined) say(`${where}: ${odd}: are these the marks of one lesion?`);
    places.push({ id, window, trackingUid, name, marks: valid });
  }
  if (places.length === 0)
    throw new InputError("none of its lesions was measured in the image's slices", marks, "measure them in axial slices");
  return { ...opened, places };
}

/** The window that a lesion is seen through, and who chose it. */
export function windowFor(
  slice: number,
  extent: Extent,
  filed: HuWindow | undefined,
  volume: Volume,
  option: HuWindow | undefined,
): Pick<SegmentedLesion, "window" | "windowFrom"> {
  if (option !== undefined) return { window: option, windowFrom: "option" };
  if (filed !== undefined) return { window: filed, windowFrom: "marks file" };
  const box = roiAround(extent, volume.dims[0], volume.dims[1]);
  return { window: windowAround(sliceOf<Int16Array | Float32Array>(volume, slice), box), windowFrom: "image" };
}
