import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type SequenceProtocol, sequenceLength, sequenceOf } from "../../methods/reading/sequence.ts";

const independent = { mode: "independent", order: "shuffled", seed: 1, repeats: 0 } as const;
const casesOf = (protocol: SequenceProtocol, reader: string, cases: number): number[] =>
  sequenceOf(protocol, reader, cases).map((showing) => showing.case);
const counted = (cases: number): number[] => [...Array(cases).keys()];

const protocols = fc.record({
  mode: fc.constant("independent" as const),
  order: fc.constantFrom("given" as const, "shuffled" as const),
  seed: fc.nat(),
  repeats: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe("a reader's sequence", () => {
  property.prop([protocols, fc.string(), fc.integer({ min: 1, max: 60 })])(
    "shows every case once, some of them a second time, and those at least half of the cases later",
    (protocol, reader, cases) => {
      const sequence = sequenceOf(protocol, reader, cases);
      expect(sequence).toHaveLength(sequenceLength(protocol, cases));
      const firsts = sequence.filter(({ repeat }) => !repeat).map((showing) => showing.case);
      expect(firsts.toSorted((a, b) => a - b)).toEqual(counted(cases));
      const seconds = sequence.filter(({ repeat }) => repeat).map((showing) => showing.case);
      expect(new Set(seconds).size).toBe(seconds.length);
      for (const again of seconds) {
        const from = sequence.findIndex((showing) => showing.case === again && !showing.repeat);
        const to = sequence.findIndex((showing) => showing.case === again && showing.repeat);
        const others = sequence.slice(from + 1, to).filter(({ repeat }) => !repeat).length;
        const left = cases - 1 - firsts.indexOf(again);
        expect(to).toBeGreaterThan(from);
        expect(others).toBeGreaterThanOrEqual(Math.min(left, Math.floor(cases / 2)));
      }
    },
  );

  property.prop([protocols, fc.string(), fc.integer({ min: 1, max: 60 })])("is the same whenever it is asked for", (...asked) => {
    expect(sequenceOf(...asked)).toEqual(sequenceOf(...asked));
  });

  test("is each independent reader's own, and another one with another seed", () => {
    const orders = ["Ada", "Bo", "ada"].map((reader) => casesOf(independent, reader, 30).join());
    expect(new Set([...orders, casesOf({ ...independent, seed: 2 }, "Ada", 30).join()]).size).toBe(4);
  });

  test("is everybody's where cases are shared, so that positions mean the same", () => {
    const shared = { ...independent, mode: "shared" } as const;
    expect(casesOf(shared, "Ada", 30)).toEqual(casesOf(shared, "Bo", 30));
    expect(casesOf(shared, "Ada", 30)).not.toEqual(counted(30));
  });

  test("is the given one where nothing is shuffled", () => {
    expect(casesOf({ ...independent, order: "given" }, "Ada", 30)).toEqual(counted(30));
  });

  test("puts a case at every place equally often", () => {
    const readers = 6000;
    const places = Array(6).fill(0);
    for (let i = 0; i < readers; i++) places[casesOf(independent, `reader ${i}`, 6).indexOf(0)]++;
    const chiSquare = places.reduce((sum: number, n: number) => sum + (n - readers / 6) ** 2 / (readers / 6), 0);
    // 99.9 % of χ² with five degrees of freedom
    expect(chiSquare).toBeLessThan(20.5);
  });

  test("repeats as many as are asked for, up to half of the cases from the reader's first half", () => {
    const sequence = sequenceOf({ ...independent, repeats: 0.5 }, "Ada", 20);
    const firsts = sequence.filter(({ repeat }) => !repeat).map((showing) => showing.case);
    const repeated = sequence.filter(({ repeat }) => repeat).map((showing) => showing.case);
    expect(repeated).toHaveLength(10);
    for (const one of repeated) expect(firsts.indexOf(one)).toBeLessThan(10);
  });
});
