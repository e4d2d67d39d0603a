import { decode } from "fast-png";
import { InputError } from "../inputError.ts";
import { decodeJpegLuma } from "./jpeg.ts";
import type { Slice } from "./volume.ts";

/** Endings of the files that `decodePhotograph` reads, in lower case. */
export const PHOTOGRAPH_ENDINGS = [".png", ".jpg", ".jpeg"] as const;

/** Shares of red, green and blue in brightness (ITU-R BT.601), as JPEG has them. */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * A photograph in grey, `[y, x]`, 0 … 255: PNG of 8 or 16 bits, grey, colour or palette, without regard to transparency; or
 * baseline JPEG. What it is, its first bytes tell.
 *
 * @throws InputError where the bytes are neither, or damaged.
 */
export function decodePhotograph(bytes: Uint8Array, where: string): Slice<Uint8Array> {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpegLuma(bytes, where);
  if (bytes[0] !== 0x89 || bytes[1] !== 0x50) throw new InputError("is neither a PNG nor a JPEG file", where);
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
  const luma = (at: number): number =>
    channels < 3 ? data[at] : LUMA[0] * data[at] + LUMA[1] * data[at + 1] + LUMA[2] * data[at + 2];
  const ofColour = palette?.map(([red, green, blue]) => LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue);
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
