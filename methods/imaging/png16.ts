import { decode, encode } from "fast-png";
import { InputError } from "../inputError.ts";
import type { Slice } from "./volume.ts";

/** DeepLesion stores HU + 32768, so that air and metal fit an unsigned 16-bit sample. */
const HU_OFFSET = 32768;
/** Deflate cannot expand its input more than this, so a header that promises more pixels is false. */
const MAX_DEFLATE_RATIO = 1032;
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const REMEDY = "expected a 16-bit grey PNG slice whose value − 32768 is HU";

/**
 * A DeepLesion slice in HU, `[y, x]`.
 *
 * @param where path of the file, for the error.
 * @throws InputError where the bytes are not a whole, undamaged (CRC-checked) PNG of one 16-bit channel.
 */
export function decodeCtPng(bytes: Uint8Array, where: string): Slice<Int16Array> {
  const { width, height } = checkHeader(bytes, where);
  let samples: ArrayLike<number>;
  try {
    samples = decode(bytes, { checkCrc: true }).data;
  } catch (error) {
    throw new InputError(
      `the PNG is damaged or cut off: ${(error as Error).message}`,
      where,
      "copy the file again from its source",
      { cause: error },
    );
  }
  const data = new Int16Array(samples.length);
  for (let i = 0; i < data.length; i++) data[i] = samples[i] - HU_OFFSET;
  return { data, width, height };
}

/** The PNG that `decodeCtPng` reads back as `slice`. */
export function encodeCtPng({ data, width, height }: Slice<Int16Array>): Uint8Array {
  const samples = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) samples[i] = data[i] + HU_OFFSET;
  return encode({ data: samples, width, height, depth: 16, channels: 1 });
}

/** An 8-bit colour PNG; `rgb` is `[y, x, channel]`. */
export function encodeRgbPng(width: number, height: number, rgb: Uint8Array): Uint8Array {
  if (rgb.length !== width * height * 3) throw new RangeError(`rgb holds ${rgb.length} samples, not ${width} × ${height} × 3`);
  return encode({ data: rgb, width, height, depth: 8, channels: 3 });
}

/** Reads IHDR before anything is decoded, so that a false size allocates nothing. */
function checkHeader(bytes: Uint8Array, where: string): { width: number; height: number } {
  if (bytes.length < 33 || SIGNATURE.some((byte, i) => bytes[i] !== byte))
    throw new InputError("is not a PNG file", where, REMEDY);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  const depth = view.getUint8(24);
  const colourType = view.getUint8(25);
  if (depth !== 16 || colourType !== 0) {
    const colour =
      { 0: "grey", 2: "colour", 3: "palette", 4: "grey with alpha", 6: "colour with alpha" }[colourType] ??
      `colour type ${colourType}`;
    throw new InputError(`the PNG is ${depth}-bit ${colour}`, where, REMEDY);
  }
  if (width < 1 || height < 1 || width * height * 2 > bytes.length * MAX_DEFLATE_RATIO) {
    throw new InputError(
      `the PNG declares ${width} × ${height} pixels, which its ${bytes.length} bytes cannot hold`,
      where,
      "copy the file again from its source",
    );
  }
  return { width, height };
}
