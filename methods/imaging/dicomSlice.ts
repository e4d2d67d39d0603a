import dicomParser, { type DataSet } from "dicom-parser";
import { InputError } from "../inputError.ts";
import type { Vec3 } from "./volume.ts";
import { narrowest } from "./voxelValues.ts";

/** One CT slice of a DICOM series, in the patient's coordinates of DICOM (LPS, mm). */
export interface DicomSlice {
  readonly where: string;
  readonly series: string;
  readonly columns: number;
  readonly rows: number;
  /** HU, `[row, column]`. */
  readonly data: Int16Array | Float32Array;
  /** Centre of the first pixel. */
  readonly position: Vec3;
  /** Direction in which the column index grows, and the row index. */
  readonly alongColumns: Vec3;
  readonly alongRows: Vec3;
  /** Distance between columns, and between rows. */
  readonly spacingMm: readonly [number, number];
  readonly thicknessMm: number | undefined;
}

const CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2";
const UNCOMPRESSED: Readonly<Record<string, { littleEndian: boolean }>> = {
  "1.2.840.10008.1.2": { littleEndian: true },
  "1.2.840.10008.1.2.1": { littleEndian: true },
  "1.2.840.10008.1.2.2": { littleEndian: false },
};
const COMPRESSED: Readonly<Record<string, string>> = {
  "1.2.840.10008.1.2.1.99": "Deflated Explicit VR Little Endian",
  "1.2.840.10008.1.2.4.50": "JPEG Baseline",
  "1.2.840.10008.1.2.4.51": "JPEG Extended",
  "1.2.840.10008.1.2.4.57": "JPEG Lossless",
  "1.2.840.10008.1.2.4.70": "JPEG Lossless, First-Order Prediction",
  "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
  "1.2.840.10008.1.2.4.81": "JPEG-LS Near-lossless",
  "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
  "1.2.840.10008.1.2.4.91": "JPEG 2000",
  "1.2.840.10008.1.2.5": "RLE Lossless",
};

/** Tells a DICOM file (Part 10) by its preamble. */
export function isDicom(bytes: Uint8Array): boolean {
  return bytes.length > 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

/** Bytes of a file from which `isCtSlice` reads. */
export const CT_SLICE_BYTES = 4096;

/** Tells a CT slice from other DICOM objects (segmentations, scouts of other kinds) by the file's beginning. */
export function isCtSlice(beginning: Uint8Array): boolean {
  if (!isDicom(beginning)) return false;
  try {
    return dicomParser.readPart10Header(beginning).string("x00020002") === CT_IMAGE_STORAGE;
  } catch {
    return false;
  }
}

/**
 * Reads one uncompressed CT slice (CT Image Storage) and rescales it to HU.
 *
 * @throws InputError where it is another kind of object, compressed (naming the transfer syntax), or incomplete.
 */
export function readDicomSlice(bytes: Uint8Array, where: string): DicomSlice {
  try {
    return read(bytes, where);
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The parser throws strings and its own objects as well as errors, also when an element is looked up.
    const message = error instanceof Error ? error.message : typeof error === "string" ? error : "it ends early";
    throw new InputError(`cannot be read as DICOM: ${message}`, where, "copy the file again from its source", { cause: error });
  }
}

function read(bytes: Uint8Array, where: string): DicomSlice {
  const { dataSet, littleEndian } = parse(bytes, where);
  const fail = (what: string, remedy?: string): never => {
    throw new InputError(what, where, remedy);
  };
  const kind = dataSet.string("x00080016");
  if (kind !== CT_IMAGE_STORAGE)
    fail(`is no single-slice CT image (SOP class ${kind ?? "absent"})`, "give a folder that holds one CT series");

  const numbers = (tag: string, name: string, count: number): number[] => {
    const values = (dataSet.string(tag) ?? "").split("\\").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    return values.length === count && values.every(Number.isFinite) ? values : fail(`${name} is absent or malformed`);
  };
  const integer = (tag: string, name: string): number => dataSet.uint16(tag) ?? fail(`${name} is absent`);
  const rows = integer("x00280010", "Rows");
  const columns = integer("x00280011", "Columns");
  const bitsStored = integer("x00280101", "BitsStored");
  const signed = integer("x00280103", "PixelRepresentation") === 1;
  if (integer("x00280100", "BitsAllocated") !== 16 || bitsStored < 1 || bitsStored > 16) fail("pixels are not stored in 16 bits");
  if (integer("x00280002", "SamplesPerPixel") !== 1 || dataSet.string("x00280004") !== "MONOCHROME2")
    fail("pixels are not plain grey values (MONOCHROME2)");
  if (Number(dataSet.string("x00280008") ?? 1) !== 1) fail("holds more than one frame");

  const [rowSpacing, columnSpacing] = numbers("x00280030", "PixelSpacing", 2);
  if (!(rowSpacing > 0 && columnSpacing > 0)) fail(`PixelSpacing is ${rowSpacing} × ${columnSpacing} mm`);
  const directions = numbers("x00200037", "ImageOrientationPatient", 6);
  const alongColumns = directions.slice(0, 3) as unknown as Vec3;
  const alongRows = directions.slice(3) as unknown as Vec3;
  const unit = ([x, y, z]: Vec3): boolean => Math.abs(Math.hypot(x, y, z) - 1) < 1e-3;
  const dot = alongColumns[0] * alongRows[0] + alongColumns[1] * alongRows[1] + alongColumns[2] * alongRows[2];
  if (!unit(alongColumns) || !unit(alongRows) || Math.abs(dot) > 1e-3)
    fail("ImageOrientationPatient is not two perpendicular directions");

  const pixels = dataSet.elements.x7fe00010 ?? fail("PixelData is absent");
  if (rows < 1 || columns < 1 || pixels.length < rows * columns * 2 || pixels.dataOffset + pixels.length > bytes.length) {
    fail(`PixelData is not ${columns} × ${rows} pixels of 16 bits`, "copy the file again from its source");
  }
  const [slope] = numbers("x00281053", "RescaleSlope", 1);
  const [intercept] = numbers("x00281052", "RescaleIntercept", 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset + pixels.dataOffset, rows * columns * 2);
  const unused = 16 - bitsStored;
  // Bits above BitsStored are not part of the value: shifted out, and the sign shifted back in.
  const stored = (i: number): number => {
    const value = view.getUint16(2 * i, littleEndian) << unused;
    return signed ? ((value << 16) >> 16) >> unused : (value & 0xffff) >> unused;
  };
  return {
    where,
    series: dataSet.string("x0020000e") ?? fail("SeriesInstanceUID is absent"),
    columns,
    rows,
    data: narrowest(rows * columns, (i) => stored(i) * slope + intercept, where),
    position: numbers("x00200032", "ImagePositionPatient", 3) as unknown as Vec3,
    alongColumns,
    alongRows,
    spacingMm: [columnSpacing, rowSpacing],
    thicknessMm: Number(dataSet.string("x00180050")) || undefined,
  };
}

function parse(bytes: Uint8Array, where: string): { dataSet: DataSet; littleEndian: boolean } {
  const syntax = dicomParser.readPart10Header(bytes).string("x00020010");
  const form = UNCOMPRESSED[syntax ?? ""];
  if (form === undefined) {
    const name = COMPRESSED[syntax ?? ""];
    throw new InputError(
      `is stored in transfer syntax ${syntax ?? "(absent)"}${name === undefined ? "" : `, ${name}`}`,
      where,
      "decompress it first, e.g. with dcmdjpeg or gdcmconv --raw",
    );
  }
  return { dataSet: dicomParser.parseDicom(bytes), littleEndian: form.littleEndian };
}
