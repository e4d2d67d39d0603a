import { Decoder } from "@cornerstonejs/jpeg-lossless-decoder-js";
import dicomParser, { type DataSet, type Element } from "dicom-parser";
import { InputError } from "../inputError.ts";
import { codestreamHeader, wholeCodestream } from "./codestream.ts";
import type { DicomFile } from "./dicomFile.ts";
import { decodeRle } from "./rle.ts";
import { type PixelCoding, transferSyntaxes } from "./transferSyntax.ts";
import { decodeJpeg2000, decodeJpegLs } from "./wasmCodec.ts";

/** Rows, columns and number of a file's frames. */
export interface FrameSize {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
}

/**
 * The 16-bit words of a DICOM file's frames, `[row, column]`, one at a time, as they were before compression. Compressed
 * formats have no check sums: damage shows where it breaks the format, else it is in the pixels.
 *
 * @throws InputError where pixels are absent, cut off, not decodable, of another size than the file says, or stored in a transfer
 *   syntax that is not read (naming it).
 */
export async function* pixelFrames({ dataSet, syntax }: DicomFile, size: FrameSize, where: string): AsyncGenerator<Uint16Array> {
  const element = dataSet.elements.x7fe00010;
  if (element === undefined) throw new InputError("PixelData is absent", where);
  const { name, coding } = transferSyntaxes[syntax] ?? {};
  if (coding === undefined)
    throw new InputError(
      `is stored in transfer syntax ${syntax}${name === undefined ? "" : `, ${name}`}, which is not read`,
      where,
      "decompress it first, e.g. with dcmdjpeg or gdcmconv --raw",
    );
  if (coding === "little endian" || coding === "big endian") {
    yield* nativeFrames(dataSet, element, coding === "little endian", size, where);
    return;
  }
  for (const frame of encapsulatedFrames(dataSet, element, size.frames, where)) yield await decode(frame, coding, size, where);
}

function* nativeFrames(
  { byteArray }: DataSet,
  { dataOffset, length }: Element,
  littleEndian: boolean,
  { rows, columns, frames }: FrameSize,
  where: string,
): Generator<Uint16Array> {
  const pixels = rows * columns;
  if (pixels < 1 || length < frames * pixels * 2 || dataOffset + frames * pixels * 2 > byteArray.length)
    throw new InputError(
      `PixelData is not ${columns} × ${rows} pixels of 16 bits${frames === 1 ? "" : ` in ${frames} frames`}`,
      where,
      "copy the file again from its source",
    );
  for (let frame = 0; frame < frames; frame++) {
    const view = new DataView(byteArray.buffer, byteArray.byteOffset + dataOffset + frame * pixels * 2, pixels * 2);
    yield Uint16Array.from({ length: pixels }, (_, i) => view.getUint16(2 * i, littleEndian));
  }
}

/** The compressed bytes of each frame (PS3.5, A.4): a fragment, all fragments of a single frame, or as the offset table says. */
function encapsulatedFrames(dataSet: DataSet, element: Element, frames: number, where: string): Uint8Array[] {
  const { fragments = [], basicOffsetTable: offsets = [] } = element;
  const join = (first: number, count: number): Uint8Array =>
    new Uint8Array(dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, first, count));
  if (frames === 1 && fragments.length > 0) return [join(0, fragments.length)];
  if (fragments.length === frames) return fragments.map((_, i) => join(i, 1));
  const starts = offsets.map((offset) => fragments.findIndex((fragment) => fragment.offset === offset));
  if (starts.length === frames && starts.every((start, i) => start >= 0 && (i === 0 ? start === 0 : start > starts[i - 1])))
    return starts.map((start, i) => join(start, (starts[i + 1] ?? fragments.length) - start));
  throw new InputError(
    `its ${fragments.length} fragments do not tell where each of its ${frames} frames begins`,
    where,
    "decompress it first, e.g. with gdcmconv --raw",
  );
}

async function decode(frame: Uint8Array, coding: PixelCoding, { rows, columns }: FrameSize, where: string): Promise<Uint16Array> {
  const damaged = (what: string, cause?: unknown): InputError =>
    new InputError(`its ${coding} pixels are damaged: ${what}`, where, "copy the file again from its source", { cause });
  const pixels = rows * columns;
  if (coding === "RLE") {
    try {
      return decodeRle(frame, pixels);
    } catch (error) {
      throw damaged((error as Error).message, error);
    }
  }
  const header = codestreamHeader(frame);
  if (header?.coding !== coding) throw damaged(header === undefined ? "no header" : `they are ${header.coding}`);
  if (header.width !== columns || header.height !== rows || header.components !== 1)
    throw damaged(`${header.width} × ${header.height} × ${header.components} in place of ${columns} × ${rows}`);
  const whole = wholeCodestream(frame);
  if (whole === undefined) throw damaged("they are cut off");
  let samples: Uint8Array;
  try {
    samples = coding === "JPEG Lossless" ? decodeJpegLossless(whole) : (await codecs[coding](whole)).samples;
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error), error);
  }
  if (samples.length === pixels) return Uint16Array.from(samples);
  if (samples.length !== 2 * pixels) throw damaged(`${samples.length} bytes in place of ${2 * pixels}`);
  const view = new DataView(samples.buffer, samples.byteOffset, samples.length);
  return Uint16Array.from({ length: pixels }, (_, i) => view.getUint16(2 * i, true));
}

const codecs = { "JPEG-LS": decodeJpegLs, "JPEG 2000": decodeJpeg2000 };

/** Predictor 7 is ⌊(Ra + Rb) / 2⌋ (ITU-T T.81, Table H.1); the library leaves the half, which rounds wrongly where values wrap round 2¹⁶. */
class JpegLossless extends Decoder {
  override select7(component?: number): number {
    return Math.floor(super.select7(component));
  }
}

function decodeJpegLossless(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  return new Uint8Array(new JpegLossless().decompress(copy.buffer, 0, copy.length));
}
