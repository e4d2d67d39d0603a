/// <reference path="./dcmjs.d.ts" />
import { randomUUID } from "node:crypto";
import dicomParser, { type DataSet } from "dicom-parser";
import { InputError } from "../inputError.ts";
import { headerOf } from "./dicomFolder.ts";
import type { CtStack } from "./dicomSeries.ts";
import type { Mask } from "./volume.ts";

/** A segment of a segmentation object. */
export interface Segment {
  /** In ASCII. */
  readonly label: string;
  /** What its reader called it: goes before the label where it is ASCII. */
  readonly name?: string;
  /** Of the lesion in other objects, if it is tracked. */
  readonly trackingUid?: string;
  /** At least one. */
  readonly frames: readonly SegmentFrame[];
}

/** A slice of a mask that is not empty. */
export interface SegmentFrame {
  /** In the volume of the series. */
  readonly z: number;
  /** 0 or 1, `[y, x]`. */
  readonly data: Uint8Array;
}

export interface SegmentationAbout {
  /** The series whose volume the masks lie on. */
  readonly stack: CtStack;
  /** What made the masks, in words. */
  readonly algorithm: string;
  readonly software: { readonly name: string; readonly version: string };
  readonly at: Date;
}

const SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4";
/** Of the patient and the study, what a new object of the study takes from an image of it, in DICOM's order. */
const OF_PATIENT_AND_STUDY = {
  x00080005: "CS", // SpecificCharacterSet: of the text below; all other text is ASCII
  x00080020: "DA", // StudyDate
  x00080030: "TM", // StudyTime
  x00080050: "SH", // AccessionNumber
  x00080090: "PN", // ReferringPhysicianName
  x00081030: "LO", // StudyDescription
  x00100010: "PN", // PatientName
  x00100020: "LO", // PatientID
  x00100021: "LO", // IssuerOfPatientID
  x00100030: "DA", // PatientBirthDate
  x00100040: "CS", // PatientSex
  x00120062: "CS", // PatientIdentityRemoved
  x00120063: "LO", // DeidentificationMethod
  x0020000d: "UI", // StudyInstanceUID
  x00200010: "SH", // StudyID
  x00200052: "UI", // FrameOfReferenceUID
  x00201040: "LO", // PositionReferenceIndicator
} as const;
/** Of these, the ones that may be left out where the image has none; the others are there, if empty. */
const OPTIONAL = ["x00080005", "x00081030", "x00100021", "x00120062", "x00120063"];
/** Value representations with a length of four bytes. */
const LONG_FORM = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"];

/**
 * A DICOM segmentation object (Segmentation Storage, binary) with a segment for every lesion, in which each slice of its mask that
 * is not empty is a frame of the series' size; it refers to the series' images and is of their patient, study and frame of reference.
 *
 * @returns a Part 10 file, explicit VR little endian; text about the patient as in the series, byte by byte, in its character set.
 * @throws InputError where the series' header cannot be read, or names no study.
 */
export async function encodeSegmentation(segments: readonly Segment[], about: SegmentationAbout): Promise<Buffer> {
  const { stack } = about;
  const header = await headerOf(stack.file);
  if ((header.string("x0020000d") ?? "") === "")
    throw new InputError("StudyInstanceUID is absent", stack.file, "leave the DICOM segmentation out: it would be of no study");
  const { DicomDict, DicomMetaDictionary, BitArray } = (await import("dcmjs")).default.data;
  const frames = segments.flatMap((segment, i) => segment.frames.map((frame) => ({ ...frame, segment: i + 1 })));
  const heights = [...new Set(frames.map(({ z }) => z))].sort((a, b) => a - b);
  const [instance, series, organization] = [newUid(), newUid(), newUid()];
  const { columns, rows } = stack;
  const bits = new Uint8Array(frames.length * columns * rows);
  frames.forEach(({ data }, i) => bits.set(data, i * columns * rows));
  const { date, time } = timeOf(about.at);

  const file = new DicomDict(
    DicomMetaDictionary.denaturalizeDataset({
      MediaStorageSOPClassUID: SEGMENTATION,
      MediaStorageSOPInstanceUID: instance,
      TransferSyntaxUID: "1.2.840.10008.1.2.1",
      ImplementationClassUID: IMPLEMENTATION,
    }),
  );
  const own = DicomMetaDictionary.denaturalizeDataset({
    _vrMap: { PixelData: "OB" },
    ImageType: ["DERIVED", "PRIMARY"],
    SOPClassUID: SEGMENTATION,
    SOPInstanceUID: instance,
    SeriesDate: date,
    ContentDate: date,
    SeriesTime: time,
    ContentTime: time,
    Modality: "SEG",
    Manufacturer: about.software.name,
    SeriesDescription: `lesions (${about.software.name})`.slice(0, 64),
    ManufacturerModelName: about.software.name,
    DeviceSerialNumber: "1",
    SoftwareVersions: about.software.version,
    SeriesInstanceUID: series,
    SeriesNumber: 900,
    InstanceNumber: 1,
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    NumberOfFrames: frames.length,
    Rows: rows,
    Columns: columns,
    BitsAllocated: 1,
    BitsStored: 1,
    HighBit: 0,
    PixelRepresentation: 0,
    LossyImageCompression: "00",
    SegmentationType: "BINARY",
    ContentLabel: "LESIONS",
    ContentDescription: "lesions segmented from their marks",
    ContentCreatorName: about.software.name,
    ReferencedSeriesSequence: {
      SeriesInstanceUID: stack.series,
      ReferencedInstanceSequence: unique(stack.slices.map(({ sopClass, instance }) => referenceTo(sopClass, instance))),
    },
    DimensionOrganizationSequence: { DimensionOrganizationUID: organization },
    DimensionIndexSequence: [
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: 0x0062000b,
        FunctionalGroupPointer: 0x0062000a,
        DimensionDescriptionLabel: "segment",
      },
      {
        DimensionOrganizationUID: organization,
        DimensionIndexPointer: 0x00200032,
        FunctionalGroupPointer: 0x00209113,
        DimensionDescriptionLabel: "position of the slice",
      },
    ],
    SegmentSequence: segments.map(({ label, name = label, trackingUid = newUid() }, i) => ({
      SegmentNumber: i + 1,
      SegmentLabel: (isAscii(name) ? name : label).slice(0, 64),
      SegmentAlgorithmType: "SEMIAUTOMATIC",
      SegmentAlgorithmName: about.algorithm.slice(0, 64),
      SegmentedPropertyCategoryCodeSequence: code("SCT", "49755003", "Morphologically Abnormal Structure"),
      SegmentedPropertyTypeCodeSequence: code("SCT", "52988006", "Lesion"),
      TrackingID: isAscii(name) ? name : label,
      TrackingUID: trackingUid,
    })),
    SharedFunctionalGroupsSequence: {
      PlaneOrientationSequence: {
        ImageOrientationPatient: [...stack.alongColumns, ...stack.alongRows].map(decimal),
      },
      PixelMeasuresSequence: {
        SliceThickness: decimal(stack.spacingMm[2]),
        SpacingBetweenSlices: decimal(stack.spacingMm[2]),
        PixelSpacing: [decimal(stack.spacingMm[1]), decimal(stack.spacingMm[0])],
      },
    },
    PerFrameFunctionalGroupsSequence: frames.map(({ z, segment }) => {
      const { sopClass, instance, frame, position } = stack.slices[z];
      return {
        FrameContentSequence: { DimensionIndexValues: [segment, heights.indexOf(z) + 1] },
        PlanePositionSequence: { ImagePositionPatient: position.map(decimal) },
        DerivationImageSequence: {
          DerivationCodeSequence: code("DCM", "113076", "Segmentation"),
          SourceImageSequence: {
            ...referenceTo(sopClass, instance),
            ...(frame !== undefined && { ReferencedFrameNumber: frame }),
            PurposeOfReferenceCodeSequence: code("DCM", "121322", "Source image for image processing operation"),
          },
        },
        SegmentIdentificationSequence: { ReferencedSegmentNumber: segment },
      };
    }),
    PixelData: [BitArray.pack(bits).buffer],
  });
  file.dict = own;
  return withElements(Buffer.from(file.write()), elementsOf(header));
}

/** Elements about patient and study of an image's header, encoded as explicit VR little endian. */
function elementsOf(header: DataSet): { readonly tag: string; readonly bytes: Buffer }[] {
  return Object.entries(OF_PATIENT_AND_STUDY).flatMap(([tag, vr]) => {
    const { dataOffset = 0, length = 0 } = header.elements[tag] ?? {};
    const isEmpty = (header.string(tag) ?? "") === "";
    const value = isEmpty
      ? Buffer.from(inPlaceOf[tag]?.(header) ?? "", "latin1")
      : Buffer.from(header.byteArray.subarray(dataOffset, dataOffset + length));
    return value.length === 0 && OPTIONAL.includes(tag) ? [] : [{ tag, bytes: element(tag, vr, value) }];
  });
}

/** What stands where an image says nothing. */
const inPlaceOf: Readonly<Record<string, (header: DataSet) => string>> = {
  x00200052: newUid,
  // DeidentificationMethod, in words, where the image has codes for it.
  x00120063: (header) =>
    (header.elements.x00120064?.items ?? []).map(({ dataSet }) => dataSet?.string("x00080104") ?? "").join("\\"),
};

function element(tag: string, vr: string, value: Buffer): Buffer {
  const odd = value.length % 2;
  const head = Buffer.alloc(8);
  head.writeUInt16LE(Number.parseInt(tag.slice(1, 5), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(5), 16), 2);
  head.write(vr, 4, "latin1");
  head.writeUInt16LE(value.length + odd, 6);
  return Buffer.concat([head, value, Buffer.from((vr === "UI" ? "\0" : " ").repeat(odd))]);
}

/** A file with further elements, each at its place: elements lie in the order of their tags. */
function withElements(file: Buffer, further: readonly { readonly tag: string; readonly bytes: Buffer }[]): Buffer {
  const starts = Object.values(dicomParser.parseDicom(file).elements)
    .filter(({ tag }) => tag > "x0003")
    .map(({ tag, vr = "", dataOffset }) => ({ tag, at: dataOffset - (LONG_FORM.includes(vr) ? 12 : 8) }))
    .sort((a, b) => a.at - b.at);
  const parts: Buffer[] = [];
  let done = 0;
  for (const { tag, bytes } of further) {
    const at = starts.find((one) => one.tag > tag)!.at;
    parts.push(file.subarray(done, at), bytes);
    done = at;
  }
  return Buffer.concat([...parts, file.subarray(done)]);
}

/** Of a mask, copies of the slices that are not empty. */
export function framesOf({ data, dims: [nx, ny, nz] }: Mask): SegmentFrame[] {
  const slices = Array.from({ length: nz }, (_, z) => ({ z, data: data.subarray(z * nx * ny, (z + 1) * nx * ny) }));
  return slices.filter((slice) => slice.data.includes(1)).map((slice) => ({ ...slice, data: slice.data.slice() }));
}

const referenceTo = (sopClass: string, instance: string) => ({
  ReferencedSOPClassUID: sopClass,
  ReferencedSOPInstanceUID: instance,
});

/** Frames of one object refer to it once. */
function unique(references: readonly ReturnType<typeof referenceTo>[]): ReturnType<typeof referenceTo>[] {
  return [...new Map(references.map((one) => [one.ReferencedSOPInstanceUID, one])).values()];
}

const code = (scheme: "SCT" | "DCM", value: string, meaning: string) => ({
  CodeValue: value,
  CodingSchemeDesignator: scheme,
  CodeMeaning: meaning,
});

const isAscii = (text: string): boolean => /^[ -~]*$/.test(text);

/** UIDs of random numbers need no root (PS3.5, B.2). */
function newUid(): string {
  return `2.25.${BigInt(`0x${randomUUID().replaceAll("-", "")}`)}`;
}

/** Of this program. */
const IMPLEMENTATION = "2.25.271650218371429308172537426139803746621";

/** A number as text of at most 16 characters. */
function decimal(value: number): string {
  for (let digits = 16; ; digits--) {
    const text = String(Number(value.toPrecision(digits)));
    if (text.length <= 16) return text;
  }
}

function timeOf(at: Date): { date: string; time: string } {
  const [date, time] = at.toISOString().split("T");
  return { date: date.replaceAll("-", ""), time: time.slice(0, 8).replaceAll(":", "") };
}
