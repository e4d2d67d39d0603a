import { expect, test } from "vitest";
import { inParallel } from "../../artifacts/inParallel.ts";

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test("results come in the items' order", async () => {
  const late = async (i: number): Promise<number> => {
    for (let waited = 0; waited < 10 - i; waited++) await pause();
    return i * i;
  };
  expect(await inParallel([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], late)).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
});

test("after an error no further item is begun", async () => {
  const begun: number[] = [];
  const work = inParallel(
    Array.from({ length: 100 }, (_, i) => i),
    async (i) => {
      begun.push(i);
      await pause();
      if (i === 3) throw new Error("the disk is full");
    },
  );
  await expect(work).rejects.toThrow("the disk is full");
  const at = begun.length;
  for (let waited = 0; waited < 5; waited++) await pause();
  expect(begun).toHaveLength(at);
  expect(at).toBeLessThan(20);
});
