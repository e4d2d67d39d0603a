import { sha256 } from "../artifacts/digest.ts";

/**
 * Pointer to the record with which a step of a pipeline was finished last. Characters that pointers cannot have are
 * written as "." and their UTF-8 bytes in hex, so that no two steps share one.
 */
export function latestPointer(pipeline: string, step: string): string {
  return `latest/${encode(pipeline)}/${encode(step)}`;
}

const MAX_SEGMENT = 200;

function encode(name: string): string {
  const encoded = name.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `.${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  return encoded.length <= MAX_SEGMENT ? encoded : `${encoded.slice(0, 120)}.${sha256(name)}`;
}
