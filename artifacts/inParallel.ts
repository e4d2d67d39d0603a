/** Requests to a store that are under way at the same time. */
const width = 8;

/** `map` over `items`, a few of them at a time; results in the items' order. The first error ends it. */
export async function inParallel<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const rest = items.entries();
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const [i, item] of rest) results[i] = await map(item);
    }),
  );
  return results;
}
