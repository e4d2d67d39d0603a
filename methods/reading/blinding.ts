import { randomStream } from "../random.ts";

/**
 * Lesions of a study, by number: `cases` of them in random order, from every stratum as its share of all asks for (largest
 * remainders), or equally many of each as far as there are so many.
 *
 * @param strata the stratum of each lesion. @param secret part of what the draw depends on, beside the seed.
 */
export function drawnLesions(
  strata: readonly string[],
  cases: number,
  shares: "proportional" | "equal",
  seed: number,
  secret: string,
): number[] {
  const random = randomStream(seed, `lesions of a study ${secret}`);
  const order = [...random.permutation(strata.length)];
  const wanted = Math.min(cases, strata.length);
  const names = [...new Set(strata)].sort();
  const sizes = new Map(names.map((name) => [name, strata.filter((one) => one === name).length]));
  const quota = new Map(
    names.map((name) => [name, shares === "equal" ? 0 : Math.floor((wanted * sizes.get(name)!) / strata.length)]),
  );
  const missing = (name: string): number =>
    shares === "equal" ? -quota.get(name)! : (wanted * sizes.get(name)!) / strata.length - quota.get(name)!;
  for (let left = wanted - [...quota.values()].reduce((sum, one) => sum + one, 0); left > 0; left--) {
    const open = names.filter((name) => quota.get(name)! < sizes.get(name)!);
    const next = open.reduce((best, name) => (missing(name) > missing(best) ? name : best));
    quota.set(next, quota.get(next)! + 1);
  }
  return order.filter((lesion) => {
    const rest = quota.get(strata[lesion])!;
    if (rest > 0) quota.set(strata[lesion], rest - 1);
    return rest > 0;
  });
}

/** For each of `count` cases whether the first source is left: in half of them (rounded up or down by chance), in random order. */
export function firstIsLeft(count: number, seed: number, secret: string): boolean[] {
  const random = randomStream(seed, `sides of a study ${secret}`);
  const more = random.integer(2);
  const left = new Array<boolean>(count);
  for (const [rank, place] of random.permutation(count).entries()) left[place] = (rank + more) % 2 === 0;
  return left;
}

/** Numbers 0 … count − 1 in random order. */
export function shuffled(count: number, seed: number, secret: string): number[] {
  return [...randomStream(seed, `order of a study ${secret}`).permutation(count)];
}
