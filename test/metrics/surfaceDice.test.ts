import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { surfaceDice } from "../../methods/metrics/surfaceDice.ts";
import { outlineLengths, surfelAreas } from "../../methods/metrics/surfels.ts";
import { fixture, fromRunLengths } from "./fixture.ts";

const bits = (text: string): Uint8Array => Uint8Array.from(text, Number);

describe("the surface between voxels", () => {
  it("has surface-distance's area for each of the 256 neighbourhoods", () => {
    const { spacing, areas } = fixture.surfels;
    const found = surfelAreas(spacing);
    for (const [code, area] of areas.entries()) expect(found[code], code.toString(2)).toBeCloseTo(area, 12);
  });

  it("has surface-distance's length for each of the 16 neighbourhoods of a plane", () => {
    const { spacing, lengths } = fixture.surfels;
    const found = outlineLengths(spacing);
    for (const [code, length] of lengths.entries()) expect(found[code], code.toString(2)).toBeCloseTo(length, 12);
  });

  it("by hand: between two layers a whole face, at a single voxel's corner a triangle", () => {
    const areas = surfelAreas([2, 3, 5]);
    expect(areas[0b00001111]).toBe(6); // the lower four voxels: a face of x × y
    expect(surfelAreas([1, 1, 1])[1]).toBeCloseTo(Math.sqrt(3) / 8, 15); // a triangle with sides √½
  });
});

describe("surface Dice", () => {
  const { tolerances, masks } = fixture;

  it.each(masks.map((m, n) => ({ n, ...m })))("equals surface-distance on mask pair $n, spacing $spacing", (m) => {
    const found = surfaceDice(fromRunLengths(m.prediction), fromRunLengths(m.reference), m.dims, m.spacing, tolerances);
    for (const [i, share] of m.surfaceDice.entries()) expect(found[i]).toBeCloseTo(share, 12);
  });

  it("by hand: a square of 2 pixels' side beside itself, one pixel on", () => {
    // each outline has corner points of √½ and side points of 1, four of either; two and two of them lie on the other's
    const [near, far] = surfaceDice(bits("0110001100"), bits("0011000110"), [5, 2, 1], [1, 1, 1], [0, 1]);
    expect(near).toBeCloseTo((2 * Math.SQRT1_2 + 2) / (4 * Math.SQRT1_2 + 4), 12);
    expect(far).toBe(1);
  });

  it("empty masks: two are the same, one has nothing in common", () => {
    expect(surfaceDice(bits("00"), bits("00"), [2, 1, 1], [1, 1, 1], [1, 3])).toEqual([1, 1]);
    expect(surfaceDice(bits("01"), bits("00"), [2, 1, 1], [1, 1, 1], [1, 3])).toEqual([0, 0]);
    expect(surfaceDice(bits("00"), bits("01"), [2, 1, 1], [1, 1, 1], [1])).toEqual([0]);
  });

  const pairs = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
    .chain((dims) => {
      const size = dims[0] * dims[1] * dims[2];
      const mask = fc.uint8Array({ min: 0, max: 1, minLength: size, maxLength: size }).filter((m) => m.includes(1));
      return fc.tuple(fc.constant<Vec3>(dims), mask, mask);
    });

  test.prop([pairs])("is symmetric, grows with the tolerance, and is 1 for a mask and itself", ([dims, a, b]) => {
    const spacing: Vec3 = [0.7, 0.9, 3];
    const tolerances = [0, 0.7, 1, 3, 100];
    const found = surfaceDice(a, b, dims, spacing, tolerances);
    const turned = surfaceDice(b, a, dims, spacing, tolerances);
    for (const [i, share] of found.entries()) {
      expect(share).toBeCloseTo(turned[i], 12);
      if (i > 0) expect(share).toBeGreaterThanOrEqual(found[i - 1]);
    }
    expect(found.at(-1)).toBe(1);
    expect(surfaceDice(a, a, dims, spacing, [0])).toEqual([1]);
  });
});
