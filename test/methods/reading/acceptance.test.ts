import { describe, expect, it } from "vitest";
import { type AcceptanceAnswer, acceptanceRates, agreements, pairedAcceptance } from "../../../methods/reading/acceptance.ts";

const answer = (reader: string, source: string, lesion: number, accepted: boolean, repeat = false): AcceptanceAnswer => ({
  ...{ reader, source, repeat, answer: accepted ? "accept" : "reject", tookMs: 1000 },
  ...{ case: `${source} ${lesion}`, lesion: `l${lesion}`, patient: `p${lesion % 5}`, category: lesion < 4 ? "bone" : "lung" },
});
/** Ten lesions, of which `reader` accepts the first `accepted` masks of a source. */
const given = (reader: string, source: string, accepted: number): AcceptanceAnswer[] =>
  Array.from({ length: 10 }, (_, i) => answer(reader, source, i, i < accepted));

describe("pairedAcceptance", () => {
  it("corrects p by Holm over the pairs of sources of one reader, and leaves out pairs that differ nowhere", () => {
    const answers = [...given("Ada", "a", 10), ...given("Ada", "b", 4), ...given("Ada", "c", 4), ...given("Bo", "a", 10)];
    const pairs = pairedAcceptance(answers, ["a", "b", "c"]).filter(({ reader }) => reader === "Ada");
    // Six lesions speak for a alone, twice: p = 2 / 2⁶; b and c agree everywhere.
    expect(pairs.map(({ first, second, onlyFirst, test: { p }, pHolm }) => [first, second, onlyFirst, p, pHolm])).toEqual([
      ["a", "b", 6, expect.closeTo(2 / 64, 12), expect.closeTo(4 / 64, 12)],
      ["a", "c", 6, expect.closeTo(2 / 64, 12), expect.closeTo(4 / 64, 12)],
      ["b", "c", 0, null, null],
    ]);
  });

  it("compares lesions of which the reader judged both masks, and no second showing", () => {
    const answers = [...given("Ada", "a", 10).slice(0, 6), ...given("Ada", "b", 0).slice(4), answer("Ada", "b", 5, true, true)];
    expect(pairedAcceptance(answers, ["a", "b"])[0]).toMatchObject({ pairs: 2, onlyFirst: 2, onlySecond: 0, both: 0 });
  });
});

describe("acceptanceRates", () => {
  it("are null, not 0, of what nobody judged", () => {
    const [all] = acceptanceRates(given("Ada", "a", 3), ["b"], 1);
    expect(all).toMatchObject({ source: "b", n: 0, rate: null, interval: null, clustered: null });
  });

  it("count first showings by category and reader", () => {
    const answers = [...given("Ada", "a", 3), ...given("Bo", "a", 10), answer("Ada", "a", 9, true, true)];
    const rows = acceptanceRates(answers, ["a"], 1).map(({ reader, category, accepted, n }) => [reader, category, accepted, n]);
    expect(rows).toEqual([
      [null, null, 13, 20],
      [null, "bone", 7, 8],
      [null, "lung", 6, 12],
      ["Ada", null, 3, 10],
      ["Bo", null, 10, 10],
    ]);
  });
});

describe("agreements", () => {
  it("are with oneself, between every two, and between all where there are more than two", () => {
    const answers = ["Ada", "Bo", "Cy"].flatMap((reader, i) => given(reader, "a", 3 + i));
    answers.push(answer("Bo", "a", 0, true, true), answer("Bo", "a", 1, false, true));
    const found = agreements(answers).map(({ readers, n, agreement }) => [readers.join(), n, agreement]);
    expect(found).toEqual([
      ["Ada", 0, null],
      ["Bo", 2, 0.5],
      ["Cy", 0, null],
      ["Ada,Bo", 10, 0.9],
      ["Ada,Cy", 10, 0.8],
      ["Bo,Cy", 10, 0.9],
      ["Ada,Bo,Cy", 10, expect.closeTo((0.9 + 0.8 + 0.9) / 3, 12)],
    ]);
  });
});
