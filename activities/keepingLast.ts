import type { Digest, Store } from "../artifacts/store.ts";
import { rememberLast } from "../methods/rememberLast.ts";

/**
 * `open`, with its last `count` results kept: an artifact never changes, and a process that works on one part of a step
 * will mostly be asked for another.
 */
export function keepingLast<T>(
  count: number,
  open: (store: Store, digest: Digest) => Promise<T>,
): (store: Store, digest: Digest) => Promise<T> {
  return rememberLast(count, ({ url }, digest) => `${url} ${digest}`, open);
}
