import { canonicalJson } from "./canonicalJson.ts";
import { DamagedPointerError, StoreInputError } from "./errors.ts";

const segment = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/**
 * Checks a pointer's name: at most 16 "/"-separated segments of [A-Za-z0-9._-], none of which starts with "." (so there is
 * no "..") or ends in ".json" (stores add that: `a` and `a.json/b` would want one path to be a file and a folder).
 * @throws StoreInputError
 */
export function checkPointerName(name: string): void {
  const segments = name.split("/");
  if (segments.length > 16 || !segments.every((part) => segment.test(part) && !part.toLowerCase().endsWith(".json"))) {
    throw new StoreInputError(
      `${JSON.stringify(name)} cannot name a pointer`,
      undefined,
      'use segments of letters, digits, ".", "_" and "-" that neither start with "." nor end in ".json", with single "/" between them',
    );
  }
}

/** Whether `name` may name a pointer. */
export function isPointerName(name: string): boolean {
  try {
    checkPointerName(name);
    return true;
  } catch {
    return false;
  }
}

/** The bytes of a pointer. @throws TypeError when `value` cannot be JSON, StoreInputError when it is no small JSON. */
export function encodePointer(name: string, value: unknown): Buffer {
  const bytes = Buffer.from(canonicalJson(value));
  if (bytes.length > 65536) {
    throw new StoreInputError(
      `${bytes.length} bytes are too many for a pointer`,
      name,
      "put them in a blob and point to its digest (limit 65536 bytes)",
    );
  }
  return bytes;
}

/** The value of a pointer's bytes. @throws DamagedPointerError unless they are, to the byte, what `encodePointer` gives. */
export function decodePointer(store: string, name: string, bytes: Buffer): unknown {
  let value: unknown;
  let canonical: string;
  try {
    value = JSON.parse(bytes.toString("utf8"));
    canonical = canonicalJson(value);
  } catch (error) {
    throw new DamagedPointerError(store, name, "not JSON", { cause: error });
  }
  if (!bytes.equals(Buffer.from(canonical)))
    throw new DamagedPointerError(store, name, "not in canonical form: bytes were changed or added");
  return value;
}
