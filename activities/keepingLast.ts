import type { Digest, Store } from "../artifacts/store.ts";

/**
 * `open`, with its last `count` results kept: an artifact never changes, and a process that works on one part of a step
 * will mostly be asked for another. An error is not kept.
 */
export function keepingLast<T>(
  count: number,
  open: (store: Store, digest: Digest) => Promise<T>,
): (store: Store, digest: Digest) => Promise<T> {
  const kept = new Map<string, Promise<T>>();
  return (store, digest) => {
    const key = `${store.url} ${digest}`;
    const opened = kept.get(key) ?? open(store, digest);
    kept.delete(key);
    kept.set(key, opened);
    for (const oldest of kept.keys()) {
      if (kept.size <= count) break;
      kept.delete(oldest);
    }
    opened.catch(() => {
      if (kept.get(key) === opened) kept.delete(key);
    });
    return opened;
  };
}
