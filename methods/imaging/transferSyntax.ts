/** How a frame's pixels lie in a DICOM file. */
export type PixelCoding = "little endian" | "big endian" | "RLE" | "JPEG Lossless" | "JPEG-LS" | "JPEG 2000";

export interface TransferSyntax {
  /** As the standard calls it. */
  readonly name: string;
  /** Absent where it is known, but not read. */
  readonly coding?: PixelCoding;
  /** Pixels may have been changed when they were compressed, unless the file denies it. */
  readonly mayBeLossy?: true;
}

export const IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2";
export const EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";

/** The transfer syntaxes of images (PS3.6, Table A-1) by their UID, videos and retired ones aside. */
export const transferSyntaxes: Readonly<Record<string, TransferSyntax | undefined>> = {
  [IMPLICIT_LITTLE_ENDIAN]: { name: "Implicit VR Little Endian", coding: "little endian" },
  [EXPLICIT_LITTLE_ENDIAN]: { name: "Explicit VR Little Endian", coding: "little endian" },
  "1.2.840.10008.1.2.1.98": { name: "Encapsulated Uncompressed" },
  "1.2.840.10008.1.2.1.99": { name: "Deflated Explicit VR Little Endian", coding: "little endian" },
  "1.2.840.10008.1.2.2": { name: "Explicit VR Big Endian", coding: "big endian" },
  "1.2.840.10008.1.2.4.50": { name: "JPEG Baseline", mayBeLossy: true },
  "1.2.840.10008.1.2.4.51": { name: "JPEG Extended", mayBeLossy: true },
  "1.2.840.10008.1.2.4.57": { name: "JPEG Lossless", coding: "JPEG Lossless" },
  "1.2.840.10008.1.2.4.70": { name: "JPEG Lossless, First-Order Prediction", coding: "JPEG Lossless" },
  "1.2.840.10008.1.2.4.80": { name: "JPEG-LS Lossless", coding: "JPEG-LS" },
  "1.2.840.10008.1.2.4.81": { name: "JPEG-LS Near-Lossless", coding: "JPEG-LS", mayBeLossy: true },
  "1.2.840.10008.1.2.4.90": { name: "JPEG 2000 Lossless", coding: "JPEG 2000" },
  "1.2.840.10008.1.2.4.91": { name: "JPEG 2000", coding: "JPEG 2000", mayBeLossy: true },
  "1.2.840.10008.1.2.4.110": { name: "JPEG XL Lossless" },
  "1.2.840.10008.1.2.4.112": { name: "JPEG XL", mayBeLossy: true },
  "1.2.840.10008.1.2.4.201": { name: "High-Throughput JPEG 2000 Lossless", coding: "JPEG 2000" },
  "1.2.840.10008.1.2.4.202": { name: "High-Throughput JPEG 2000 Lossless, RPCL", coding: "JPEG 2000" },
  "1.2.840.10008.1.2.4.203": { name: "High-Throughput JPEG 2000", coding: "JPEG 2000", mayBeLossy: true },
  "1.2.840.10008.1.2.5": { name: "RLE Lossless", coding: "RLE" },
};
