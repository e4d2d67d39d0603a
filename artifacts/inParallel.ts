/** Requests to a store that are under way at the same time. */
const width = 8;

/** `map` over `items`, a few of them at a time; results in the items' order. After the first error no further item is begun. */
export async function inParallel<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  const rest = items.entries();
  let failed = false;
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const [i, item] of rest) {
        if (failed) return;
        try {
          results[i] = await map(item);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    }),
  );
  return results;
}
