/// <reference path="./dcmjs.d.ts" />
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type dcmjs from "dcmjs";
import type { Elements } from "dcmjs";
import { InputError } from "../inputError.ts";
import type { CtStack } from "./dicomSeries.ts";
import { orUnreadable } from "./unreadable.ts";
import type { Mask } from "./volume.ts";

/** A segment of a segmentation object. */
export interface Segment {
  readonly label: string;
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
/** The first element about pixels. */
const IMAGE_PIXELS = "00280002";
/** Of the patient and the study, what a new object of the study takes from an image of it; by tag, in DICOM's order. */
const OF_PATIENT_AND_STUDY = {
  StudyDate: "00080020",
  StudyTime: "00080030",
  AccessionNumber: "00080050",
  ReferringPhysicianName: "00080090",
  StudyDescription: "00081030",
  PatientName: "00100010",
  PatientID: "00100020",
  IssuerOfPatientID: "00100021",
  PatientBirthDate: "00100030",
  PatientSex: "00100040",
  PatientIdentityRemoved: "00120062",
  DeidentificationMethod: "00120063",
  DeidentificationMethodCodeSequence: "00120064",
  StudyInstanceUID: "0020000D",
  StudyID: "00200010",
  FrameOfReferenceUID: "00200052",
  PositionReferenceIndicator: "00201040",
} as const;
/** Of these, the ones that must be there, if empty. */
const REQUIRED = [
  ...["StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate"],
  ...["PatientSex", "StudyID", "PositionReferenceIndicator"],
];

/**
 * A DICOM segmentation object (Segmentation Storage, binary) with a segment for every lesion, in which each slice of its mask that
 * is not empty is a frame of the series' size; it refers to the series' images and is of their patient, study and frame of reference.
 *
 * @returns a Part 10 file, explicit VR little endian; text in UTF-8.
 * @throws InputError where the series' header cannot be read.
 */
export async function encodeSegmentation(segments: readonly Segment[], about: SegmentationAbout): Promise<Buffer> {
  const { data: library } = (await import("dcmjs")).default;
  const { DicomDict, DicomMetaDictionary, BitArray } = library;
  const { stack } = about;
  const taken = await ofPatientAndStudy(stack.file, library);
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
    SpecificCharacterSet: "ISO_IR 192",
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
    ...Object.fromEntries(REQUIRED.map((keyword) => [keyword, ""])),
    FrameOfReferenceUID: newUid(),
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
    SegmentSequence: segments.map(({ label, trackingUid = newUid() }, i) => ({
      SegmentNumber: i + 1,
      SegmentLabel: label.slice(0, 64),
      SegmentAlgorithmType: "SEMIAUTOMATIC",
      SegmentAlgorithmName: about.algorithm.slice(0, 64),
      SegmentedPropertyCategoryCodeSequence: code("SCT", "49755003", "Morphologically Abnormal Structure"),
      SegmentedPropertyTypeCodeSequence: code("SCT", "52988006", "Lesion"),
      TrackingID: label,
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
  file.dict = { ...own, ...taken };
  return Buffer.from(file.write());
}

/** Elements about patient and study in the header of an image. */
async function ofPatientAndStudy(file: string, { DicomMessage }: typeof dcmjs.data): Promise<Elements> {
  const bytes = await orUnreadable(file, () => readFile(file));
  const copy = Uint8Array.from(bytes).buffer;
  try {
    const { dict } = DicomMessage.readFile(copy, { untilTag: IMAGE_PIXELS, includeUntilTagValue: false, ignoreErrors: true });
    return Object.fromEntries(Object.values(OF_PATIENT_AND_STUDY).flatMap((tag) => (dict[tag] ? [[tag, dict[tag]]] : [])));
  } catch (error) {
    throw new InputError(
      `its header cannot be carried over into a segmentation (${(error as Error).message})`,
      file,
      "leave the DICOM segmentation out, or export the series with DICOM file headers",
      { cause: error },
    );
  }
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

/** UIDs of random numbers need no root (PS3.5, B.2). */
const newUid = (): string => `2.25.${BigInt(`0x${randomUUID().replaceAll("-", "")}`)}`;

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
