import { sha256 } from "../digest.ts";
import { type DocumentKind, parseDocument } from "../document.ts";
import type { Digest } from "../store.ts";
import type { Problem } from "../verify.ts";

/** Notes what is wrong with a file of a crate. */
export type Note = (kind: Problem["kind"], file: string, detail: string, where?: string) => void;

/** Lines of a file without their line feeds; the last one has to end, too. */
export function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    if (end < 0) return [...lines, bytes.subarray(start)];
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

/** The documents of a file by digest, in order; lines that are none, or come twice, are noted. */
export function readDocuments<T>(file: string, bytes: Buffer, kind: DocumentKind<T>, note: Note): Map<Digest, T> {
  const documents = new Map<Digest, T>();
  if (bytes.length > 0 && bytes.at(-1) !== 10) note("malformed", file, "its last line does not end");
  for (const [i, line] of linesOf(bytes).entries()) {
    const where = `line ${i + 1}`;
    const digest = sha256(line);
    if (documents.has(digest)) note("extra", file, "this line was there before", where);
    const document = tryToParse(file, line, kind, (detail) => note("malformed", file, detail, where));
    if (document !== undefined) documents.set(digest, document);
  }
  return documents;
}

/** One document, or undefined where the bytes are none. */
export function tryToParse<T>(file: string, bytes: Buffer, kind: DocumentKind<T>, note: (detail: string) => void): T | undefined {
  try {
    return parseDocument(file, kind, sha256(bytes), bytes);
  } catch (error) {
    // Not only MalformedDocumentError: JSON that is nested a million times deep exhausts the stack, a huge file the longest string.
    note((error as Error).message);
    return undefined;
  }
}
