import { readFile } from "node:fs/promises";
import { InputError } from "./inputError.ts";

/**
 * The text of a UTF-8 file, without a byte order mark.
 *
 * @param remedy what kind of file to give.
 * @throws InputError where it cannot be read or is not UTF-8.
 */
export async function readTextFile(file: string, remedy: string): Promise<string> {
  return textOf(await bytesOf(file, remedy), file);
}

/** The bytes of a file. @throws InputError with `remedy` where it cannot be read */
export function bytesOf(file: string, remedy: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be read (${error.code})`, file, remedy, { cause: error });
  });
}

/**
 * The text of a UTF-8 file's bytes, without a byte order mark.
 *
 * @throws InputError where they are not UTF-8, as `file:line`: what another encoding makes of a name would not be the name.
 */
export function textOf(bytes: Buffer, file: string): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new InputError("is UTF-16 text", file, "save it as UTF-8");
  try {
    return decoded(bytes);
  } catch (error) {
    throw new InputError("is not UTF-8 text", `${file}:${firstForeignLine(bytes)}`, "save it as UTF-8", { cause: error });
  }
}

const decoded = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

/** Counted from 1. No character of UTF-8 but the line feed has its byte. */
function firstForeignLine(bytes: Buffer): number {
  for (let line = 1, from = 0; ; line++) {
    const feed = bytes.indexOf(10, from);
    const end = feed < 0 ? bytes.length : feed + 1;
    try {
      decoded(bytes.subarray(from, end));
    } catch {
      return line;
    }
    if (feed < 0) return line;
    from = end;
  }
}
