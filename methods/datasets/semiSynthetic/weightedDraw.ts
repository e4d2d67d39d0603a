import type { Random } from "../../random.ts";

/** One of the items, by their shares (of any sum). */
export function weightedDraw<T>(random: Random, items: readonly T[], shareOf: (item: T) => number): T {
  let left = random.uniform() * items.reduce((sum, item) => sum + shareOf(item), 0);
  for (const item of items) {
    left -= shareOf(item);
    if (left < 0) return item;
  }
  return items[items.length - 1];
}
