import { asDigest } from "./digest.ts";
import { checkPointerName, isPointerName } from "./pointer.ts";
import type { Digest } from "./store.ts";

/** Where a blob lies below a store's root: `sha256/<first 2 digits>/<other 62>`. @throws StoreInputError when it is no digest. */
export function blobPath(digest: Digest): string {
  asDigest(digest);
  return `sha256/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

/** Where a pointer lies below a store's root: `pointers/<name>.json`. @throws StoreInputError when the name is not allowed. */
export function pointerPath(name: string): string {
  checkPointerName(name);
  return `pointers/${name}.json`;
}

/** The blob that lies at `path`, if one may. */
export function blobAt(path: string): Digest | undefined {
  const digits = /^sha256\/([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(path);
  return digits === null ? undefined : asDigest(digits[1] + digits[2]);
}

/** The name of the pointer that lies at `path`, if one may. */
export function pointerAt(path: string): string | undefined {
  const name = /^pointers\/(.+)\.json$/.exec(path)?.[1];
  return name !== undefined && isPointerName(name) ? name : undefined;
}
