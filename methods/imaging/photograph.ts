import { decode } from "fast-png";
import { InputError } from "../inputError.ts";
import { codestreamHeader } from "./codestream.ts";
import type { Slice } from "./volume.ts";
import { decodeJpeg } from "./wasmCodec.ts";

/** Endings of the files that `decodePhotograph` reads, in lower case. */
export const PHOTOGRAPH_ENDINGS = [".png", ".jpg", ".jpeg"] as const;

/** Shares of red, green and blue in brightness (ITU-R BT.601). */
const [RED, GREEN, BLUE] = [0.299, 0.587, 0.114];
const lumaOf = (red: number, green: number, blue: number): number => RED * red + GREEN * green + BLUE * blue;

/**
 * A photograph in grey, `[y, x]`, 0 … 255: PNG of 8 or 16 bits, grey, colour or palette, without regard to transparency; or
 * JPEG of 8 bits, grey or colour, as libjpeg-turbo decodes it. What it is, its first bytes tell.
 *
 * @throws InputError where the bytes are neither, or damaged.
 */
export async function decodePhotograph(bytes: Uint8Array, where: string): Promise<Slice<Uint8Array>> {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return greyOfJpeg(bytes, where);
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return greyOfPng(bytes, where);
  throw new InputError("is neither a PNG nor a JPEG file", where);
}

/** No code of JPEG takes less than a bit for a block of 8 × 8 pixels of one component. */
const MOST_PIXELS_PER_BYTE = 8 * 64;

async function greyOfJpeg(bytes: Uint8Array, where: string): Promise<Slice<Uint8Array>> {
  const damaged = (what: string, cause?: unknown): InputError =>
    new InputError(`the JPEG is damaged: ${what}`, where, "copy the file again from its source", { cause });
  const header = codestreamHeader(bytes);
  if (header === undefined) throw damaged("it ends before its picture");
  const { coding, width, height, components } = header;
  if (coding !== "JPEG" || (components !== 1 && components !== 3))
    throw new InputError(`the picture is ${coding} with ${components} components`, where, "convert it to PNG");
  if (width * height > MOST_PIXELS_PER_BYTE * bytes.length)
    throw damaged(`${bytes.length} bytes cannot hold ${width} × ${height} pixels`);
  const { samples } = await decodeJpeg(bytes).catch((error: Error) => {
    throw damaged(error.message, error);
  });
  if (samples.length !== width * height * components) throw damaged("it is not of the size that it says");
  if (components === 1) return { data: samples, width, height };
  const grey = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.round(lumaOf(samples[3 * i], samples[3 * i + 1], samples[3 * i + 2])),
  );
  return { data: grey, width, height };
}

function greyOfPng(bytes: Uint8Array, where: string): Slice<Uint8Array> {
  let png: ReturnType<typeof decode>;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (error) {
    throw new InputError(`the PNG is damaged: ${(error as Error).message}`, where, "copy the file again from its source", {
      cause: error,
    });
  }
  const { width, height, data, channels, depth, palette } = png;
  const unit = depth === 16 ? 1 / 257 : depth < 8 && palette === undefined ? 255 / (2 ** depth - 1) : 1;
  const luma = (at: number): number => (channels < 3 ? data[at] : lumaOf(data[at], data[at + 1], data[at + 2]));
  const ofColour = palette?.map(([red, green, blue]) => lumaOf(red, green, blue));
  const samples = depth < 8 ? unpacked(data, width, height, depth) : data;
  const grey = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.round(ofColour !== undefined ? ofColour[samples[i]] : depth < 8 ? unit * samples[i] : unit * luma(i * channels)),
  );
  return { data: grey, width, height };
}

/** Samples of 1, 2 or 4 bits, rows padded to whole bytes, as one number each. */
function unpacked(packed: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    return (packed[Math.floor(i / width) * rowBytes + (bit >> 3)] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  });
}
