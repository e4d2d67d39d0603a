/**
 * `compute`, with its last `count` results kept under `keyOf` its arguments; what was asked for longest ago is forgotten
 * first. For what never changes under one key, and is shared: nobody may write into a result. An error is not kept.
 */
export function rememberLast<A extends readonly unknown[], T>(
  count: number,
  keyOf: (...args: A) => string,
  compute: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  const kept = new Map<string, Promise<T>>();
  return (...args) => {
    const key = keyOf(...args);
    const result = kept.get(key) ?? compute(...args);
    kept.delete(key);
    kept.set(key, result);
    for (const oldest of kept.keys()) {
      if (kept.size <= count) break;
      kept.delete(oldest);
    }
    result.catch(() => {
      if (kept.get(key) === result) kept.delete(key);
    });
    return result;
  };
}
