import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../methods/random.ts";
import { assign, type LinkCandidate, suggestLinks } from "../../methods/response/linking.ts";

/** Every partial assignment, tried out. */
function leastByHand(costs: readonly (readonly number[])[], columns: number, alone: number, row = 0, taken = 0): number {
  if (row === costs.length) {
    const free = Array.from({ length: columns }, (_, j) => j).filter((j) => (taken & (1 << j)) === 0).length;
    return alone * free;
  }
  let least = alone + leastByHand(costs, columns, alone, row + 1, taken);
  for (let j = 0; j < columns; j++) {
    if ((taken & (1 << j)) !== 0 || costs[row][j] > 2 * alone) continue;
    least = Math.min(least, costs[row][j] + leastByHand(costs, columns, alone, row + 1, taken | (1 << j)));
  }
  return least;
}

describe("assign", () => {
  const table = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })).chain(([rows, columns]) =>
    fc.tuple(
      fc.array(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
      fc.constant(columns),
    ),
  );
  test.prop([table, fc.double({ min: 0.1, max: 5, noNaN: true })])(
    "costs what the best of all assignments costs",
    ([costs, columns], alone) => {
      const { partners, total } = assign(costs, columns, alone);
      const used = partners.filter((j) => j !== null);
      expect(new Set(used).size).toBe(used.length);
      expect(total).toBeCloseTo(leastByHand(costs, columns, alone), 9);
    },
  );
});

describe("suggestLinks", () => {
  const lesion = (id: string, x: number, more: Partial<LinkCandidate> = {}): LinkCandidate => ({
    id,
    position: [x, 0.5, 0.5],
    longMm: 20,
    meanHu: 60,
    category: "liver",
    ...more,
  });

  it("links what lies and looks alike, and leaves alone what has no partner", () => {
    const first = [lesion("a", 0.3), lesion("b", 0.7), lesion("gone", 0.5, { category: "lung", meanHu: -200 })];
    const second = [lesion("B", 0.72, { longMm: 30 }), lesion("A", 0.29), lesion("new", 0.1)];
    const { links, onlyFirst, onlySecond } = suggestLinks(first, second);
    expect(links.map(({ first: x, second: y }) => x + y)).toEqual(["aA", "bB"]);
    expect([onlyFirst, onlySecond]).toEqual([["gone"], ["new"]]);
  });

  it("takes the best of all together, not the nearest first", () => {
    // a is nearest to B, but then b would have none
    const { links } = suggestLinks([lesion("a", 0.5), lesion("b", 0.6)], [lesion("B", 0.53), lesion("A", 0.42)]);
    expect(links.map(({ first, second }) => first + second)).toEqual(["aA", "bB"]);
  });

  it("has little margin where two links are nearly as good", () => {
    const near = suggestLinks([lesion("a", 0.5)], [lesion("A", 0.51), lesion("other", 0.488)]).links[0];
    const clear = suggestLinks([lesion("a", 0.5)], [lesion("A", 0.51), lesion("other", 0.9)]).links[0];
    expect(near).toMatchObject({ second: "A" });
    expect(near.margin).toBeLessThan(0.1);
    expect(clear.margin).toBeGreaterThan(2);
  });

  it("finds patients' lesions again that moved by a few parts in a hundred and grew", () => {
    let right = 0;
    for (let patient = 0; patient < 100; patient++) {
      const random = randomStream(9, "patients", patient);
      const first = Array.from({ length: 5 }, (_, i) =>
        lesion(`${i}`, 0, {
          position: [random.uniform(), random.uniform(), random.uniform()],
          longMm: random.between(10, 50),
          meanHu: random.between(20, 100),
        }),
      );
      const second = first.map((one) => ({
        ...one,
        position: one.position.map((value) => value + 0.02 * random.normal()) as unknown as LinkCandidate["position"],
        longMm: one.longMm * random.between(0.7, 1.5),
        meanHu: one.meanHu + 10 * random.normal(),
      }));
      right += suggestLinks(first, second.reverse()).links.filter(({ first: a, second: b }) => a === b).length;
    }
    expect(right).toBeGreaterThan(490);
  });
});
