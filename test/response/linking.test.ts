import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../methods/random.ts";
import { lesionNames } from "../../methods/response/lesionNames.ts";
import { assign, type LinkCandidate, suggestLinks } from "../../methods/response/linking.ts";
import { readLinkTable, readScanTable } from "../../methods/response/linkTable.ts";

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
    positionMm: [400 * x, 200, 200],
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
    // one that looks the same far away could be meant, if the patient lay otherwise, which costs little …
    expect(clear.margin).toBeCloseTo((0.4 - 0.01) * (400 / 200), 6);
    // … but not once another lesion says how the patient lay
    const anchored = [lesion("b", 0.1, { longMm: 50, meanHu: 20 })];
    const { links } = suggestLinks([lesion("a", 0.5), ...anchored], [lesion("A", 0.51), lesion("other", 0.9), ...anchored]);
    expect(links[0]).toMatchObject({ first: "a", second: "A" });
    expect(links[0].margin).toBeGreaterThan(1.5);
  });

  it("finds patients' lesions again that moved by a few parts in a hundred and grew", () => {
    let right = 0;
    for (let patient = 0; patient < 100; patient++) {
      const random = randomStream(9, "patients", patient);
      const first = Array.from({ length: 5 }, (_, i) =>
        lesion(`${i}`, 0, {
          positionMm: [300 * random.uniform(), 250 * random.uniform(), 400 * random.uniform()],
          longMm: random.between(10, 50),
          meanHu: random.between(20, 100),
        }),
      );
      const second = first.map((one) => ({
        ...one,
        positionMm: one.positionMm.map((mm) => mm + 7 * random.normal()) as unknown as LinkCandidate["positionMm"],
        longMm: one.longMm * random.between(0.7, 1.5),
        meanHu: one.meanHu + 10 * random.normal(),
      }));
      right += suggestLinks(first, second.reverse()).links.filter(({ first: a, second: b }) => a === b).length;
    }
    expect(right).toBeGreaterThan(490);
  });

  it("finds them also where the patient lies otherwise in the second scanner, beside new and vanished ones", () => {
    let [right, wrong, possible] = [0, 0, 0];
    for (let patient = 0; patient < 60; patient++) {
      const random = randomStream(10, "patients that moved", patient);
      const moved = [random.between(-60, 60), random.between(-60, 60), random.between(-300, 300)];
      const drawn = (id: string): LinkCandidate =>
        lesion(id, 0, {
          positionMm: [300 * random.uniform(), 250 * random.uniform(), 400 * random.uniform()],
          longMm: random.between(10, 50),
          meanHu: random.between(20, 100),
        });
      const all = Array.from({ length: 6 }, (_, i) => drawn(`${i}`));
      const first = all.slice(0, 5);
      const second = [...all.slice(1), drawn("new")].map((one) => ({
        ...one,
        positionMm: one.positionMm.map((mm, axis) => mm + moved[axis] + 5 * random.normal()) as unknown as [
          number,
          number,
          number,
        ],
        longMm: one.longMm * random.between(0.7, 1.5),
        meanHu: one.meanHu + 10 * random.normal(),
      }));
      const { links, shiftMm } = suggestLinks(first, second.reverse());
      right += links.filter(({ first: a, second: b }) => a === b).length;
      wrong += links.filter(({ first: a, second: b }) => a !== b).length;
      possible += 4;
      if (links.length === 4) expect(Math.hypot(...shiftMm.map((mm, axis) => mm - moved[axis]))).toBeLessThan(40);
    }
    expect(right / possible).toBeGreaterThan(0.95);
    expect(wrong / possible).toBeLessThan(0.05);
  });

  it("of nothing is nothing", () => {
    expect(suggestLinks([], [lesion("A", 0.1)])).toMatchObject({ links: [], onlyFirst: [], onlySecond: ["A"] });
  });
});

describe("lesion names", () => {
  const at = (id: string, timePoint: number) => ({ id, timePoint });
  it("follow links over several time points to the earliest lesion", () => {
    const names = lesionNames(
      [at("b1", 1), at("a0", 0), at("c2", 2), at("x1", 1)],
      [
        { first: "b1", second: "c2" },
        { first: "a0", second: "b1" },
      ],
    );
    expect(Object.fromEntries(names)).toEqual({ a0: "a0", b1: "a0", c2: "a0", x1: "x1" });
  });
  it("cannot make two lesions of one time point one, nor name one that is not there", () => {
    const two = [at("a0", 0), at("b0", 0), at("c1", 1)];
    const links = [
      { first: "a0", second: "c1" },
      { first: "b0", second: "c1" },
    ];
    expect(() => lesionNames(two, links)).toThrow(/two of them are of one time point/);
    expect(() => lesionNames(two, [{ first: "a0", second: "z" }])).toThrow(/no such lesion/);
  });
});

describe("tables", () => {
  it("of links and of scans are read by the names of their columns", () => {
    const links = readLinkTable("lesion;id;day;time_point\nL1;a;0;0\nL1;b;56;1\n", "links.csv");
    expect([...links]).toEqual([
      ["a", { lesion: "L1", timePoint: 0, day: 0 }],
      ["b", { lesion: "L1", timePoint: 1, day: 56 }],
    ]);
    expect([...readScanTable("series,time_point,day\ns,2,90\n", "scans.csv")]).toEqual([["s", { timePoint: 2, day: 90 }]]);
  });
  it.each([
    ["id,lesion,day\na,L,0\n", "links.csv: has no column time_point"],
    ["id,lesion,time_point,day\na,L,0,0\na,M,1,5\n", "links.csv:3:1: a is there twice"],
    ["id,lesion,time_point,day\na,L,0,0\nb,L,0,0\n", "links.csv:3:1: lesion L is there twice at time point 0"],
    ["id,lesion,time_point,day\na,L,0,-3\n", 'links.csv:2:1: day is "-3", no whole number from 0 on'],
    ["id,lesion,time_point,day\na,,0,3\n", "links.csv:2:1: lesion is empty"],
  ])("say where they are wrong: %j", (text, message) => {
    expect(() => readLinkTable(text, "links.csv")).toThrow(message);
  });
});
