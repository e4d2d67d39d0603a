import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../artifacts/canonicalJson.ts";

describe("canonicalJson", () => {
  it("writes numbers as RFC 8785, appendix B, does", () => {
    const doubles: [string, string][] = [
      ["0000000000000000", "0"],
      ["8000000000000000", "0"],
      ["0000000000000001", "5e-324"],
      ["7fefffffffffffff", "1.7976931348623157e+308"],
      ["4340000000000000", "9007199254740992"],
      ["444b1ae4d6e2ef4f", "999999999999999900000"],
      ["444b1ae4d6e2ef50", "1e+21"],
      ["3eb0c6f7a0b5ed8d", "0.000001"],
      ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
      ["41b3de4355555554", "333333333.33333325"],
    ];
    for (const [bits, text] of doubles) expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(text);
  });

  it("sorts keys by UTF-16 code units, at every depth", () => {
    expect(
      canonicalJson({
        "\u20ac": 1,
        "\r": 2,
        "\ufb33": 3,
        "1": 4,
        "\u{1f600}": 5,
        "\u0080": 6,
        "\u00f6": { b: 1, a: [{ d: 1, c: 2 }] },
      }),
    ).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":{"a":[{"c":2,"d":1}],"b":1},"\u20ac":1,"\u{1f600}":5,"\ufb33":3}');
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each([
    ["NaN", { rate: [1, Number.NaN] }, "JSON cannot keep NaN (at $.rate[1])"],
    ["infinity", Number.NEGATIVE_INFINITY, "JSON cannot keep -Infinity (at $)"],
    ["undefined", { a: { b: undefined } }, "JSON cannot keep undefined (at $.a.b)"],
    // biome-ignore lint/suspicious/noSparseArray: the hole is the case
    ["a hole", [1, , 2], "JSON cannot keep undefined (at $[1])"],
    ["a bigint", { n: 1n }, "JSON cannot keep a bigint (at $.n)"],
    ["a function", { f: () => 0 }, "JSON cannot keep a function (at $.f)"],
    ["a date", { at: new Date(0) }, "JSON cannot keep a Date (at $.at)"],
    ["a typed array", { mask: new Uint8Array(2) }, "JSON cannot keep a Uint8Array (at $.mask)"],
    ["a lone surrogate", { s: "\ud800" }, "JSON cannot keep a lone surrogate (at $.s)"],
    ["a lone surrogate in a key", { "\udc00": 1 }, "JSON cannot keep a lone surrogate (at $)"],
    ["a cycle", cycle, "JSON cannot keep a cycle (at $.self)"],
  ])("refuses %s and says where", (_, value, message) => {
    expect(() => canonicalJson(value)).toThrow(new TypeError(message));
  });

  const json = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" });

  test.prop([json])("reads back as the same value", (value) => {
    // JSON has one zero.
    const oneZero: unknown = JSON.parse(JSON.stringify(value));
    expect(JSON.parse(canonicalJson(value))).toEqual(oneZero);
  });

  test.prop([json])("is a fixed point: writing what was read gives the same text", (value) => {
    const text = canonicalJson(value);
    expect(canonicalJson(JSON.parse(text))).toBe(text);
  });

  test.prop([fc.uniqueArray(fc.tuple(fc.string(), json), { selector: ([key]) => key }), fc.infiniteStream(fc.nat())])(
    "does not depend on the order in which fields were set",
    (fields, ranks) => {
      const shuffled = fields.map((field) => ({ field, rank: ranks.next().value as number })).sort((a, b) => a.rank - b.rank);
      expect(canonicalJson(Object.fromEntries(shuffled.map(({ field }) => field)))).toBe(
        canonicalJson(Object.fromEntries(fields)),
      );
    },
  );
});
