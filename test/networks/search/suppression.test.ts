import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scalingAffine } from "../../../methods/imaging/volume.ts";
import { countPlaces, searchPlaces } from "../../../methods/networks/search/places.ts";
import { type Ball, sharedShareOfBalls, sharedShareOfMasks, suppressed } from "../../../methods/networks/search/suppression.ts";

const ball = (x: number, radiusMm: number): Ball => ({ centreMm: [x, 0, 0], radiusMm });

describe("what two balls share", () => {
  it("is all of one inside, nothing of one beside, and 5/16 of equal ones a radius apart", () => {
    expect(sharedShareOfBalls(ball(0, 5), ball(1, 2))).toBe(1);
    expect(sharedShareOfBalls(ball(0, 5), ball(0, 5))).toBe(1);
    expect(sharedShareOfBalls(ball(0, 5), ball(8, 3))).toBe(0);
    expect(sharedShareOfBalls(ball(0, 4), ball(4, 4))).toBeCloseTo(5 / 16, 12);
  });

  it("is the share of points of the smaller ball that lie in the larger one", () => {
    const [a, b] = [ball(0, 6), ball(5, 3.5)];
    let [inside, both] = [0, 0];
    for (let x = 1.5; x <= 8.5; x += 0.1)
      for (let y = -3.5; y <= 3.5; y += 0.1)
        for (let z = -3.5; z <= 3.5; z += 0.1) {
          if (Math.hypot(x - 5, y, z) > 3.5) continue;
          inside++;
          if (Math.hypot(x, y, z) <= 6) both++;
        }
    expect(sharedShareOfBalls(a, b)).toBeCloseTo(both / inside, 2);
    expect(sharedShareOfBalls(b, a)).toBe(sharedShareOfBalls(a, b));
  });
});

describe("what two masks share", () => {
  const placed = (x: number, y: number, z: number, size: number) => {
    const dims = [size, size, size] as const;
    const mask = {
      dims,
      spacingMm: [1, 1, 1] as const,
      affine: scalingAffine([1, 1, 1]),
      data: new Uint8Array(size ** 3).fill(1),
    };
    return { start: [x, y, z] as const, mask };
  };
  it("is counted in voxels of the smaller one", () => {
    expect(sharedShareOfMasks(placed(0, 0, 0, 4), placed(2, 2, 2, 4))).toBe(8 / 64);
    expect(sharedShareOfMasks(placed(0, 0, 0, 9), placed(2, 3, 4, 2))).toBe(1);
    expect(sharedShareOfMasks(placed(0, 0, 0, 4), placed(4, 0, 0, 4))).toBe(0);
  });
});

describe("suppression", () => {
  const items = fc.array(fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), x: fc.integer({ min: 0, max: 20 }) }));
  const shared = (a: { x: number }, b: { x: number }): number => Math.max(0, 1 - Math.abs(a.x - b.x) / 3);
  it("keeps no two that share too much, drops none without a better one that it shares with, best first", () => {
    fc.assert(
      fc.property(items, (all) => {
        const kept = suppressed(all, shared, 0.5);
        kept.forEach((a, i) => {
          for (const b of kept.slice(i + 1)) {
            expect(shared(a, b)).toBeLessThanOrEqual(0.5);
            expect(a.score).toBeGreaterThanOrEqual(b.score);
          }
        });
        for (const item of all)
          if (!kept.includes(item)) expect(kept.some((k) => k.score >= item.score && shared(k, item) > 0.5)).toBe(true);
      }),
    );
  });
});

describe("places", () => {
  const grid = { dims: [100, 80, 20], spacingMm: [1, 1, 4], affine: scalingAffine([1, 1, 4]) } as const;
  const everywhere = { has: () => true };
  it("leave no lesion of their length more than half a stride away on any axis", () => {
    const places = [...searchPlaces(grid, everywhere, { lengthsMm: [20], stride: 0.5 })];
    expect(countPlaces(grid, everywhere, { lengthsMm: [20], stride: 0.5 })).toBe(places.length);
    expect(new Set(places.map(({ lengthPx }) => lengthPx))).toEqual(new Set([20]));
    for (let x = 0; x < 100; x++) expect(Math.min(...places.map(({ centre }) => Math.abs(centre[0] - x)))).toBeLessThanOrEqual(5);
    for (let z = 0; z < 20; z++) expect(Math.min(...places.map(({ slice }) => Math.abs(slice - z)))).toBeLessThanOrEqual(1);
  });
  it("are those in the body alone", () => {
    const left = { has: (x: number) => x < 50 };
    for (const { centre } of searchPlaces(grid, left, { lengthsMm: [16, 32], stride: 0.5 })) expect(centre[0]).toBeLessThan(50);
  });
  it("cannot be a step of nothing apart", () => {
    expect(() => countPlaces(grid, everywhere, { lengthsMm: [16], stride: 0 })).toThrow("positive");
  });
});
