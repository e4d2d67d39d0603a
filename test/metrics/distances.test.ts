import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { hausdorff } from "../../methods/metrics/hausdorff.ts";
import { surfaceDistances } from "../../methods/metrics/surfaceDistance.ts";
import { fixture, fromRunLengths } from "./fixture.ts";

const ONES: Vec3 = [1, 1, 1];
const bits = (text: string): Uint8Array => Uint8Array.from(text, Number);

/** The definition, pair by pair. */
function bruteForce(a: Uint8Array, b: Uint8Array, [nx, ny]: Vec3, spacing: Vec3): { average: number; maximum: number } {
  const points = (mask: Uint8Array): number[][] =>
    [...mask.keys()]
      .filter((i) => mask[i] !== 0)
      .map((i) => [(i % nx) * spacing[0], (Math.floor(i / nx) % ny) * spacing[1], Math.floor(i / nx / ny) * spacing[2]]);
  const nearest = (from: number[][], to: number[][]): number[] =>
    from.map((p) => Math.min(...to.map((q) => Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]))));
  const [there, back] = [nearest(points(a), points(b)), nearest(points(b), points(a))];
  const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  return { average: (mean(there) + mean(back)) / 2, maximum: Math.max(...there, ...back) };
}

describe("Hausdorff distances over all voxels", () => {
  it("by hand: one voxel against a row of three", () => {
    // from the voxel 0; from the row 0, 1, 2
    expect(hausdorff(bits("1000"), bits("1110"), [4, 1, 1], ONES)).toEqual({ average: 0.5, maximum: 2 });
    expect(hausdorff(bits("1000"), bits("1110"), [4, 1, 1], [0.5, 1, 1])).toEqual({ average: 0.25, maximum: 1 });
  });

  it("by hand: two slices apart counts the slice spacing", () => {
    expect(hausdorff(bits("100"), bits("001"), [1, 1, 3], [0.7, 0.7, 5])).toEqual({ average: 10, maximum: 10 });
  });

  it("a hole counts from inside the other mask, not from its outline", () => {
    const ring = Uint8Array.from({ length: 81 }, (_, i) => (i % 9 === 0 || i % 9 === 8 || i < 9 || i >= 72 ? 1 : 0));
    expect(hausdorff(ring, new Uint8Array(81).fill(1), [9, 9, 1], ONES)?.maximum).toBe(4);
  });

  it("empty masks: two are 0 apart, one is undefined", () => {
    expect(hausdorff(bits("00"), bits("00"), [2, 1, 1], ONES)).toEqual({ average: 0, maximum: 0 });
    expect(hausdorff(bits("00"), bits("01"), [2, 1, 1], ONES)).toBeNull();
    expect(hausdorff(bits("01"), bits("00"), [2, 1, 1], ONES)).toBeNull();
    expect(surfaceDistances(bits("00"), bits("00"), [2, 1, 1], ONES)).toEqual({ average: 0, percentile95: 0 });
    expect(surfaceDistances(bits("00"), bits("01"), [2, 1, 1], ONES)).toBeNull();
  });

  it.each(fixture.masks.map((m, n) => ({ n, ...m })))("equals SimpleITK on mask pair $n, spacing $spacing", (m) => {
    const found = hausdorff(fromRunLengths(m.prediction), fromRunLengths(m.reference), m.dims, m.spacing);
    expect(found?.average).toBeCloseTo(m.averageHausdorff, 9);
    expect(found?.maximum).toBeCloseTo(m.hausdorff, 9);
    const inVoxels = hausdorff(fromRunLengths(m.prediction), fromRunLengths(m.reference), m.dims, ONES);
    expect(inVoxels?.average).toBeCloseTo(m.averageHausdorffVoxels, 9);
  });

  const grids = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
    .chain((dims) => {
      const mask = fc
        .uint8Array({ min: 0, max: 1, minLength: dims[0] * dims[1] * dims[2], maxLength: dims[0] * dims[1] * dims[2] })
        .filter((m) => m.includes(1));
      return fc.tuple(
        fc.constant(dims),
        mask,
        mask,
        fc.tuple(
          ...([0, 1, 2].map(() => fc.double({ min: 0.3, max: 5, noNaN: true })) as [
            fc.Arbitrary<number>,
            fc.Arbitrary<number>,
            fc.Arbitrary<number>,
          ]),
        ),
      );
    });

  test.prop([grids])("equals the definition for every pair of masks", ([dims, a, b, spacing]) => {
    const found = hausdorff(a, b, dims, spacing);
    const expected = bruteForce(a, b, dims, spacing);
    expect(found?.average).toBeCloseTo(expected.average, 9);
    expect(found?.maximum).toBeCloseTo(expected.maximum, 9);
  });

  test.prop([grids])("is symmetric, and 0 from a mask to itself", ([dims, a, b, spacing]) => {
    expect(hausdorff(b, a, dims, spacing)?.average).toBeCloseTo(hausdorff(a, b, dims, spacing)?.average as number, 9);
    expect(hausdorff(a, a, dims, spacing)).toEqual({ average: 0, maximum: 0 });
    expect(surfaceDistances(a, a, dims, spacing)).toEqual({ average: 0, percentile95: 0 });
  });
});

describe("surface distances", () => {
  it.each(fixture.masks.map((m, n) => ({ n, ...m })))("equal MedPy on mask pair $n, spacing $spacing", (m) => {
    const found = surfaceDistances(fromRunLengths(m.prediction), fromRunLengths(m.reference), m.dims, m.spacing);
    expect(found?.average).toBeCloseTo(m.assd, 9);
    expect(found?.percentile95).toBeCloseTo(m.hd95, 9);
  });

  it("see the outline of a square on one slice of a volume as in 3D: every voxel is surface", () => {
    const square = (side: number): Uint8Array =>
      Uint8Array.from({ length: 75 }, (_, i) => (i >= 25 && i < 50 && i % 5 < side && Math.floor((i - 25) / 5) < side ? 1 : 0));
    // 9 voxels are 0 from the 16, of which row 4 and column 4 are 1 away, their corner √2
    expect(surfaceDistances(square(3), square(4), [5, 5, 3], ONES)?.average).toBeCloseTo((6 + Math.SQRT2) / 25, 12);
  });
});
