/** The upper median of some numbers. */
export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Median time of `work`, ms, over at least five runs and about so many seconds, after `warmups` that do not count. */
export async function medianMs(work: () => unknown, seconds: number, warmups = 2): Promise<number> {
  for (let warmup = 0; warmup < warmups; warmup++) await work();
  const times: number[] = [];
  const start = performance.now();
  while (times.length < 5 || performance.now() - start < 1000 * seconds) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  return median(times);
}
