import { inflateRawSync } from "node:zlib";
import dicomParser, { type DataSet } from "dicom-parser";
import { InputError } from "../inputError.ts";
import { EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN } from "./transferSyntax.ts";

/** A DICOM object as it was parsed. */
export interface DicomFile {
  readonly dataSet: DataSet;
  /** UID of its transfer syntax. */
  readonly syntax: string;
}

/** Classes of CT images: one slice, or many in one file. */
const CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2";
const ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2.1";
const LEGACY_CONVERTED_ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2.2";

export const isCtClass = (uid: string | undefined): boolean => uid === CT_IMAGE || isEnhancedCtClass(uid);
export const isEnhancedCtClass = (uid: string | undefined): boolean =>
  uid === ENHANCED_CT_IMAGE || uid === LEGACY_CONVERTED_ENHANCED_CT_IMAGE;

/** More than any CT is; a smaller deflated file that promises more is a bomb. */
const MOST_INFLATED_BYTES = 2 ** 30;
const PREAMBLE = Buffer.concat([Buffer.alloc(128), Buffer.from("DICM")]);

/** Bytes of a file from which `isDicom` and `isCtSlice` tell. */
export const BEGINNING_BYTES = 4096;

/**
 * Tells a DICOM file by its beginning: by its preamble, else by its first element, since some archives export objects
 * without preamble or without the file's own header.
 */
export function isDicom(beginning: Uint8Array): boolean {
  return hasPreamble(beginning) || bareGroup(beginning) !== undefined;
}

/** Tells a CT image from other DICOM objects (segmentations, secondary captures) by the file's beginning. */
export function isCtSlice(beginning: Uint8Array): boolean {
  if (!hasPreamble(beginning)) return false;
  try {
    return isCtClass(dicomParser.readPart10Header(beginning).string("x00020002"));
  } catch {
    return false;
  }
}

/**
 * Parses a DICOM file, with or without preamble and file header, deflated or not.
 *
 * @param until parse no further than this tag (`xGGGGEEEE`).
 * @throws InputError where it is damaged.
 */
export function parseDicomFile(bytes: Uint8Array, where: string, until?: string): DicomFile {
  const file = hasPreamble(bytes) || bareGroup(bytes) !== 2 ? bytes : Buffer.concat([PREAMBLE, bytes]);
  return orInputError(where, () => {
    const bare = hasPreamble(file) ? undefined : bareSyntax(file);
    const syntax = bare ?? dicomParser.readPart10Header(file).string("x00020010");
    if (syntax === undefined) throw new InputError("does not say in which transfer syntax it is stored", where);
    const options = {
      ...(bare !== undefined && { TransferSyntaxUID: bare }),
      ...(until !== undefined && { untilTag: until }),
      inflater,
    };
    return { dataSet: dicomParser.parseDicom(file, options), syntax };
  });
}

/** What `read` returns; whatever it throws, an InputError. */
export function orInputError<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The parser throws strings and its own objects as well as errors, also when an element is looked up.
    const message = error instanceof Error ? error.message : typeof error === "string" ? error : "it ends early";
    throw new InputError(`cannot be read as DICOM: ${message}`, where, "copy the file again from its source", { cause: error });
  }
}

function hasPreamble(bytes: Uint8Array): boolean {
  return bytes.length > 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

/** The group of the first element where the file begins with one, of those that an object begins with. */
function bareGroup(bytes: Uint8Array): 2 | 8 | undefined {
  if (bytes.length <= 132 || bytes[1] !== 0 || bytes[3] !== 0) return undefined;
  const named = isValueRepresentation(bytes);
  const length = bytes[4] + 256 * bytes[5] + 65536 * (bytes[6] + 256 * bytes[7]);
  // Group lengths, character sets, image types and SOP classes are short.
  if (!named && length > 256) return undefined;
  return bytes[0] === 8 ? 8 : bytes[0] === 2 && bytes[2] <= 1 && named ? 2 : undefined;
}

function bareSyntax(bytes: Uint8Array): string {
  return isValueRepresentation(bytes) ? EXPLICIT_LITTLE_ENDIAN : IMPLICIT_LITTLE_ENDIAN;
}

function isValueRepresentation(bytes: Uint8Array): boolean {
  return /^[A-Z]{2}$/.test(String.fromCharCode(bytes[4], bytes[5]));
}

/** The whole file with what follows its header inflated. */
function inflater(file: Uint8Array, headerBytes: number): Uint8Array {
  const inflated = inflateRawSync(file.subarray(headerBytes), { maxOutputLength: MOST_INFLATED_BYTES });
  return Buffer.concat([file.subarray(0, headerBytes), inflated]);
}
