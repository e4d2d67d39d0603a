import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { distanceTo } from "../../methods/imaging/distanceTransform.ts";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { fixture, fromRunLengths } from "../metrics/fixture.ts";

function bruteForce(mask: Uint8Array, [nx, ny, nz]: Vec3, [sx, sy, sz]: Vec3): number[] {
  const voxels = Array.from({ length: nx * ny * nz }, (_, i) => [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))]);
  const marked = voxels.filter((_, i) => mask[i] !== 0);
  return voxels.map(([x, y, z]) =>
    Math.min(Infinity, ...marked.map(([a, b, c]) => Math.hypot((x - a) * sx, (y - b) * sy, (z - c) * sz))),
  );
}

const volumes = fc
  .record({
    dims: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 })),
    spacing: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.1, max: 8, noNaN: true }))) as fc.Arbitrary<
      [number, number, number]
    >,
    sparsity: fc.integer({ min: 1, max: 40 }),
  })
  .chain(({ dims, spacing, sparsity }) =>
    fc.record({
      dims: fc.constant(dims),
      spacing: fc.constant(spacing),
      mask: fc
        .array(fc.nat(sparsity), { minLength: dims[0] * dims[1] * dims[2], maxLength: dims[0] * dims[1] * dims[2] })
        .map((values) => Uint8Array.from(values, (value) => (value === 0 ? 7 : 0))),
    }),
  );

describe("distanceTo", () => {
  test.prop([volumes])("equals the minimum over all marked voxels, anisotropic, 1-D to 3-D", ({ dims, spacing, mask }) => {
    const expected = bruteForce(mask, dims, spacing);
    const actual = distanceTo(mask, dims, spacing);
    for (let i = 0; i < expected.length; i++) {
      if (expected[i] === Infinity) expect(actual[i]).toBe(Infinity);
      else expect(Math.abs(actual[i] - expected[i])).toBeLessThanOrEqual(1e-12 * Math.max(1, expected[i]));
    }
  });

  it.each(fixture.distanceMaps.map((map, n) => ({ n, ...map })))(
    "equals SciPy's and SimpleITK's map $n, spacing $spacing",
    (map) => {
      const found = distanceTo(fromRunLengths(map.mask), map.dims, map.spacing);
      expect(found.reduce((sum, d) => sum + d, 0)).toBeCloseTo(map.sum, 6);
      expect(Math.max(...found)).toBeCloseTo(map.maximum, 12);
      for (const [i, distance] of map.every97th.entries()) expect(found[97 * i]).toBeCloseTo(distance, 12);
    },
  );

  it("is Infinity everywhere where the mask is empty", () => {
    expect([...distanceTo(new Uint8Array(6), [3, 2, 1], [1, 1, 1])]).toEqual(Array(6).fill(Infinity));
  });

  it("measures along x, y and z with their own spacing", () => {
    const mask = new Uint8Array(2 * 2 * 2);
    mask[0] = 1;
    const d = distanceTo(mask, [2, 2, 2], [3, 4, 12]);
    expect([...d]).toEqual([0, 3, 4, 5, 12, Math.hypot(3, 12), Math.hypot(4, 12), 13]);
  });

  it("refuses a mask of another size and a spacing that is not positive", () => {
    expect(() => distanceTo(new Uint8Array(5), [3, 2, 1], [1, 1, 1])).toThrow(RangeError);
    expect(() => distanceTo(new Uint8Array(6), [3, 2, 1], [1, 0, 1])).toThrow(RangeError);
    expect(() => distanceTo(new Uint8Array(6), [3, 2, 1], [1, Number.NaN, 1])).toThrow(RangeError);
  });
});
