import type { DataSet } from "dicom-parser";
import { InputError } from "../inputError.ts";
import { isCtClass, isEnhancedCtClass } from "./dicomFile.ts";
import type { Vec3 } from "./volume.ts";

/** What a CT object says about all of its frames. */
export interface CtPixels {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  /** Bits of a 16-bit word that hold the value, and the highest of them. */
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Stored values, from … to, that fill the picture where nothing was measured. */
  readonly padding: readonly [number, number] | undefined;
  /** Pixels went through a lossy compression at some time. */
  readonly lossyBefore: boolean | undefined;
}

/** What it says about one frame, in the patient's coordinates of DICOM (LPS, mm). */
export interface CtFrame {
  readonly isLocalizer: boolean;
  /** Centre of the first pixel. */
  readonly position: Vec3;
  /** Direction in which the column index grows, and the row index. */
  readonly alongColumns: Vec3;
  readonly alongRows: Vec3;
  /** Distance between columns, and between rows. */
  readonly spacingMm: readonly [number, number];
  readonly thicknessMm: number | undefined;
  /** HU = slope · stored value + intercept. */
  readonly slope: number;
  readonly intercept: number;
}

/** Wider than any CT. */
const MOST_PIXELS_ACROSS = 8192;
/** RescaleType of values that are HU, or may be: US is "unspecified". */
const HU: readonly (string | undefined)[] = [undefined, "", "HU", "HU_MOD", "US"];

/** @throws InputError where the object is no CT image, or an attribute of its pixels is absent or cannot be. */
export function ctPixels(dataSet: DataSet, where: string): CtPixels {
  const fail = (what: string, remedy?: string): never => {
    throw new InputError(what, where, remedy);
  };
  const kind = dataSet.string("x00080016");
  if (!isCtClass(kind)) fail(`is no CT image (SOP class ${kind ?? "absent"})`, "give a folder that holds a CT series");
  const integer = (tag: string, name: string): number => dataSet.uint16(tag) ?? fail(`${name} is absent`);
  const rows = integer("x00280010", "Rows");
  const columns = integer("x00280011", "Columns");
  if (Math.min(rows, columns) < 1 || Math.max(rows, columns) > MOST_PIXELS_ACROSS) fail(`is ${columns} × ${rows} pixels`);
  const bitsStored = integer("x00280101", "BitsStored");
  const highBit = dataSet.uint16("x00280102") ?? bitsStored - 1;
  if (integer("x00280100", "BitsAllocated") !== 16 || bitsStored < 1 || highBit > 15 || highBit < bitsStored - 1)
    fail("pixels are not stored in 16 bits");
  const signed = integer("x00280103", "PixelRepresentation") === 1;
  // What is black on the screen (MONOCHROME1 or 2) says nothing about HU.
  if (integer("x00280002", "SamplesPerPixel") !== 1 || !/^MONOCHROME[12]$/.test(dataSet.string("x00280004") ?? ""))
    fail("pixels are not plain grey values");
  const frames = Number(dataSet.string("x00280008") ?? 1);
  if (!(Number.isInteger(frames) && frames >= 1)) fail(`NumberOfFrames is ${frames}`);
  if (frames > 1 && !isEnhancedCtClass(kind)) fail("holds more than one frame");
  const value = (tag: string): number | undefined => (signed ? dataSet.int16(tag) : dataSet.uint16(tag));
  const padding = value("x00280120");
  const limit = value("x00280121") ?? padding;
  const lossy = dataSet.string("x00282110");
  return {
    rows,
    columns,
    frames,
    bitsStored,
    highBit,
    signed,
    padding: padding === undefined || limit === undefined ? undefined : [Math.min(padding, limit), Math.max(padding, limit)],
    lossyBefore: lossy === undefined ? undefined : lossy === "01",
  };
}

/**
 * Of one frame (0-based): an enhanced object has its attributes in functional groups (PS3.3, C.7.6.16), of the frame itself
 * or shared by all.
 *
 * @throws InputError where an attribute is absent or malformed, or values are not HU.
 */
export function ctFrame(dataSet: DataSet, frame: number, where: string): CtFrame {
  const enhanced = isEnhancedCtClass(dataSet.string("x00080016"));
  const groups = [dataSet.elements.x52009230?.items?.[frame], dataSet.elements.x52009229?.items?.[0]];
  const among = (macro: string): DataSet | undefined =>
    enhanced ? groups.map((group) => group?.dataSet?.elements[macro]?.items?.[0]?.dataSet).find((found) => found) : dataSet;
  const numbers = (macro: string, tag: string, name: string, count: number): number[] => {
    const text = among(macro)?.string(tag) ?? "";
    const values = text.split("\\").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    if (values.length === count && values.every(Number.isFinite)) return values;
    throw new InputError(`${name} is absent or malformed`, where);
  };
  const [POSITION, ORIENTATION, MEASURES, RESCALE, TYPE] = ["x00209113", "x00209116", "x00289110", "x00289145", "x00189329"];

  const [rowSpacing, columnSpacing] = numbers(MEASURES, "x00280030", "PixelSpacing", 2);
  if (!(rowSpacing > 0 && columnSpacing > 0)) throw new InputError(`PixelSpacing is ${rowSpacing} × ${columnSpacing} mm`, where);
  const directions = numbers(ORIENTATION, "x00200037", "ImageOrientationPatient", 6);
  const alongColumns = directions.slice(0, 3) as unknown as Vec3;
  const alongRows = directions.slice(3) as unknown as Vec3;
  const unit = ([x, y, z]: Vec3): boolean => Math.abs(Math.hypot(x, y, z) - 1) < 1e-3;
  const dot = alongColumns[0] * alongRows[0] + alongColumns[1] * alongRows[1] + alongColumns[2] * alongRows[2];
  if (!unit(alongColumns) || !unit(alongRows) || Math.abs(dot) > 1e-3)
    throw new InputError("ImageOrientationPatient is not two perpendicular directions", where);
  const isLocalizer = imageType(among(TYPE), enhanced).includes("LOCALIZER");
  const unitOfValues = among(RESCALE)?.string("x00281054");
  if (!isLocalizer && !HU.includes(unitOfValues))
    throw new InputError(`its values are ${unitOfValues}, not HU`, where, "give a series of HU");
  return {
    isLocalizer,
    position: numbers(POSITION, "x00200032", "ImagePositionPatient", 3) as unknown as Vec3,
    alongColumns,
    alongRows,
    spacingMm: [columnSpacing, rowSpacing],
    thicknessMm: Number(among(MEASURES)?.string("x00180050")) || undefined,
    slope: numbers(RESCALE, "x00281053", "RescaleSlope", 1)[0],
    intercept: numbers(RESCALE, "x00281052", "RescaleIntercept", 1)[0],
  };
}

/** Values of ImageType, or of a frame's FrameType. */
export function imageType(dataSet: DataSet | undefined, enhanced = false): string[] {
  return (dataSet?.string(enhanced ? "x00089007" : "x00080008") ?? "").split("\\").map((value) => value.trim());
}
