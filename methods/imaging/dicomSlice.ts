import { InputError } from "../inputError.ts";
import { type CtFrame, type CtPixels, ctFrame, ctPixels } from "./ctAttributes.ts";
import { orInputError, parseDicomFile } from "./dicomFile.ts";
import { pixelFrames } from "./dicomFrames.ts";
import { transferSyntaxes } from "./transferSyntax.ts";
import { narrowest } from "./voxelValues.ts";

/** One CT slice of a DICOM series. */
export interface DicomSlice extends Omit<CtFrame, "slope" | "intercept"> {
  readonly where: string;
  readonly series: string;
  readonly sopClass: string;
  /** SOP instance UID of its object; "" where it has none. */
  readonly instance: string;
  /** In an object of several frames, its number from 1. */
  readonly frame: number | undefined;
  readonly columns: number;
  readonly rows: number;
  /** HU, `[row, column]`. */
  readonly data: Int16Array | Float32Array;
  /** How its pixels were changed by compression; undefined where they were not. */
  readonly lossy: string | undefined;
}

/** Padding that means less than air becomes air. */
const AIR_HU = -1024;

/**
 * Reads the slices of a CT file (CT, Enhanced CT and Legacy Converted Enhanced CT Image Storage), compressed or not, and rescales
 * them to HU.
 *
 * @throws InputError where it is another kind of object, in a transfer syntax that is not read (naming it), damaged, or incomplete.
 */
export async function readDicomSlices(bytes: Uint8Array, where: string): Promise<DicomSlice[]> {
  const file = parseDicomFile(bytes, where);
  const { pixels, series, sopClass, instance, frames } = orInputError(where, () => {
    const pixels = ctPixels(file.dataSet, where);
    const series = file.dataSet.string("x0020000e");
    if (series === undefined) throw new InputError("SeriesInstanceUID is absent", where);
    const nameOf = (frame: number): string => (pixels.frames === 1 ? where : `${where}, frame ${frame + 1}`);
    // Before pixels are read: a file of a false header promises any number of frames.
    const frames: (CtFrame & { readonly where: string })[] = [];
    for (let frame = 0; frame < pixels.frames; frame++)
      frames.push({ ...ctFrame(file.dataSet, frame, nameOf(frame)), where: nameOf(frame) });
    const [sopClass = "", instance = ""] = ["x00080016", "x00080018"].map((tag) => file.dataSet.string(tag)?.trim());
    return { pixels, series, sopClass, instance, frames };
  });
  const { name, mayBeLossy = false } = transferSyntaxes[file.syntax] ?? {};
  const lossy = (pixels.lossyBefore ?? mayBeLossy) ? (mayBeLossy ? name : "before they were stored as they are") : undefined;
  const { rows, columns } = pixels;
  const slices: DicomSlice[] = [];
  for await (const words of pixelFrames(file, pixels, where)) {
    const { slope, intercept, ...frame } = frames[slices.length];
    const stored = storedValue(words, pixels);
    const [from, to] = pixels.padding ?? [1, 0];
    const huAt = (i: number): number => {
      const value = stored(i);
      const hu = value * slope + intercept;
      return hu < AIR_HU && value >= from && value <= to ? AIR_HU : hu;
    };
    const number = pixels.frames === 1 ? undefined : slices.length + 1;
    slices.push({
      ...frame,
      series,
      sopClass,
      instance,
      frame: number,
      rows,
      columns,
      data: narrowest(rows * columns, huAt, frame.where),
      lossy,
    });
  }
  return slices;
}

/** Bits beside those that hold the value are shifted out, and the sign is shifted back in. */
function storedValue(words: Uint16Array, { bitsStored, highBit, signed }: CtPixels): (i: number) => number {
  const above = 15 - highBit;
  const unused = 16 - bitsStored;
  return signed ? (i) => ((words[i] << (above + 16)) >> 16) >> unused : (i) => ((words[i] << above) & 0xffff) >> unused;
}
