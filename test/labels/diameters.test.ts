import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Slice } from "../../methods/imaging/volume.ts";
import { diametersOfMask } from "../../methods/labels/diameters.ts";
import { type Axis, lengthMm } from "../../methods/labels/recist.ts";
import { fixture, fromRuns } from "./fixture.ts";

function maskOf(width: number, height: number, inside: (x: number, y: number) => boolean): Slice<Uint8Array> {
  return {
    data: Uint8Array.from({ length: width * height }, (_, p) => (inside(p % width, Math.floor(p / width)) ? 1 : 0)),
    width,
    height,
  };
}

const mm = (axis: Axis, [sx, sy]: readonly [number, number]): number => lengthMm(axis, [sx, sy, 1]);

const blob = fc
  .tuple(
    fc.double({ min: 3, max: 9, noNaN: true }),
    fc.double({ min: 2, max: 9, noNaN: true }),
    fc.double({ min: 0, max: Math.PI, noNaN: true }),
  )
  .map(([a, b, angle]) =>
    maskOf(25, 25, (x, y) => {
      const u = (x - 12) * Math.cos(angle) + (y - 12) * Math.sin(angle);
      const v = (y - 12) * Math.cos(angle) - (x - 12) * Math.sin(angle);
      return (u / a) ** 2 + (v / b) ** 2 <= 1;
    }),
  );

describe("diameters of a mask", () => {
  it.each(fixture.diameters)(
    "have the lengths that SciPy's hull gives: $spacing mm, $longMm × $shortMm mm",
    ({ spacing, mask, longMm, shortMm }) => {
      const measured = diametersOfMask({ data: fromRuns(mask), width: 40, height: 40 }, spacing)!;
      expect(mm(measured.long, spacing)).toBeCloseTo(longMm, 9);
      expect(mm(measured.short, spacing)).toBeCloseTo(shortMm, 9);
    },
  );

  it("of a 24 × 14 ellipse: pixel centre to pixel centre", () => {
    const ellipse = maskOf(40, 30, (x, y) => ((x - 20) / 12) ** 2 + ((y - 14) / 7) ** 2 <= 1);
    expect(diametersOfMask(ellipse, [1, 1])).toEqual({
      long: [
        [8, 14],
        [32, 14],
      ],
      short: [
        [19.5, 7],
        [19.5, 21],
      ],
    });
    // Twice as high in mm: the axes change places.
    expect(diametersOfMask(ellipse, [1, 2])!.long).toEqual([
      [20, 7],
      [20, 21],
    ]);
  });

  it("of a line of pixels: a short axis without length", () => {
    expect(
      diametersOfMask(
        maskOf(9, 3, (x, y) => y === 1 && x > 1 && x < 6),
        [1, 1],
      ),
    ).toEqual({
      long: [
        [2, 1],
        [5, 1],
      ],
      short: [
        [2.5, 1],
        [2.5, 1],
      ],
    });
  });

  it("of a section narrower than a pixel of the coarser axis", () => {
    const measured = diametersOfMask(
      maskOf(5, 5, (x, y) => y === 2 && x > 0 && x < 4),
      [0.1, 1],
    )!;
    expect(mm(measured.long, [0.1, 1])).toBeCloseTo(0.2, 12);
  });

  it("of fewer than three pixels there are none", () => {
    expect(
      diametersOfMask(
        maskOf(5, 5, (x, y) => y === 2 && x < 2),
        [1, 1],
      ),
    ).toBeNull();
    expect(
      diametersOfMask(
        maskOf(5, 5, () => false),
        [1, 1],
      ),
    ).toBeNull();
  });

  test.prop([blob, fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })], { numRuns: 50 })(
    "move with the mask",
    (mask, dx, dy) => {
      const moved = maskOf(25, 25, (x, y) => mask.data[(y - dy) * 25 + x - dx] === 1 && x - dx >= 0 && x - dx < 25);
      const [before, after] = [diametersOfMask(mask, [1, 1])!, diametersOfMask(moved, [1, 1])!];
      for (const name of ["long", "short"] as const) {
        for (const end of [0, 1]) {
          expect(after[name][end][0]).toBeCloseTo(before[name][end][0] + dx, 9);
          expect(after[name][end][1]).toBeCloseTo(before[name][end][1] + dy, 9);
        }
      }
    },
  );

  test.prop([blob, fc.double({ min: 0.1, max: 10, noNaN: true })], { numRuns: 50 })(
    "scale with the spacing and turn with the picture",
    (mask, scale) => {
      const measured = diametersOfMask(mask, [1, 1])!;
      const scaled = diametersOfMask(mask, [scale, scale])!;
      const turned = diametersOfMask(
        maskOf(25, 25, (x, y) => mask.data[(24 - x) * 25 + y] === 1),
        [1, 1],
      )!;
      expect(mm(scaled.long, [scale, scale])).toBeCloseTo(scale * mm(measured.long, [1, 1]), 6);
      expect(mm(scaled.short, [scale, scale])).toBeCloseTo(scale * mm(measured.short, [1, 1]), 6);
      expect(mm(turned.long, [1, 1])).toBeCloseTo(mm(measured.long, [1, 1]), 9);
    },
  );

  test.prop([blob], { numRuns: 50 })("cross at a right angle, the long one being the longest chord", (mask) => {
    const { long, short } = diametersOfMask(mask, [1, 1])!;
    const dot = (long[1][0] - long[0][0]) * (short[1][0] - short[0][0]) + (long[1][1] - long[0][1]) * (short[1][1] - short[0][1]);
    expect(dot).toBeCloseTo(0, 6);
    let longest = 0;
    for (let p = 0; p < 625; p++) {
      for (let q = 0; q < p; q++)
        if (mask.data[p] === 1 && mask.data[q] === 1)
          longest = Math.max(longest, Math.hypot((p % 25) - (q % 25), Math.floor(p / 25) - Math.floor(q / 25)));
    }
    expect(mm(long, [1, 1])).toBeCloseTo(longest, 12);
  });
});
