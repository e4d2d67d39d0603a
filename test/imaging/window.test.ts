import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyWindow, applyWindow8 } from "../../methods/imaging/window.ts";

/** Made by test/oracles/resample.py with NumPy. */
const { hu, windows }: { hu: number[]; windows: { low: number; high: number; grey: number[] }[] } = JSON.parse(
  readFileSync(new URL("../fixtures/resample.json", import.meta.url), "utf8"),
);
const slice = { data: Int16Array.from(hu), width: hu.length, height: 1 };

describe("applyWindow8", () => {
  it.each(windows)("cuts the fraction of $low … $high off as NumPy does", ({ low, high, grey }) => {
    expect([...applyWindow8(slice, { low, high }).data]).toEqual(grey);
  });
  it("refuses an empty window", () => {
    expect(() => applyWindow8(slice, { low: 40, high: 40 })).toThrow(RangeError);
  });
});

describe("applyWindow", () => {
  it("maps low … high to 0 … 1 and clips", () => {
    const { data } = applyWindow(
      { data: Int16Array.from([-200, -100, -50, 0, 300, 400]), width: 6, height: 1 },
      { low: -100, high: 300 },
    );
    expect([...data]).toEqual([0, 0, 0.125, 0.25, 1, 1]);
  });
});
