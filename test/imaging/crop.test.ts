import { describe, expect, it } from "vitest";
import { cropSlice, cropVolume } from "../../methods/imaging/crop.ts";
import type { Volume } from "../../methods/imaging/volume.ts";

const volume: Volume = {
  dims: [4, 3, 2],
  spacingMm: [0.5, 2, 5],
  affine: [-0.5, 0, 0, 100, 0, 0, 5, -20, 0, 2, 0, 7, 0, 0, 0, 1],
  data: Int16Array.from({ length: 24 }, (_, i) => i),
};
const world = ({ affine }: Volume, [x, y, z]: number[]): number[] =>
  [0, 4, 8].map((r) => affine[r] * x + affine[r + 1] * y + affine[r + 2] * z + affine[r + 3]);

describe("cropVolume", () => {
  it("keeps every voxel's value and place in the world", () => {
    const crop = cropVolume(volume, [1, 1, 1], [4, 3, 2]);
    expect(crop.dims).toEqual([3, 2, 1]);
    expect(crop.data).toEqual(Int16Array.from([17, 18, 19, 21, 22, 23]));
    expect(world(crop, [0, 0, 0])).toEqual(world(volume, [1, 1, 1]));
    expect(world(crop, [2, 1, 0])).toEqual(world(volume, [3, 2, 1]));
  });
  it("is a copy", () => {
    const crop = cropVolume(volume, [0, 0, 0], [4, 3, 2]);
    expect(crop).toEqual(volume);
    expect(crop.data.buffer).not.toBe(volume.data.buffer);
  });
  it("refuses ranges that are empty, fractional or outside", () => {
    expect(() => cropVolume(volume, [0, 0, 0], [4, 4, 2])).toThrow(/y from 0 to 4/);
    expect(() => cropVolume(volume, [2, 0, 0], [2, 3, 2])).toThrow(RangeError);
    expect(() => cropVolume(volume, [0, 0, 0.5], [4, 3, 2])).toThrow(RangeError);
  });
});

describe("cropSlice", () => {
  it("takes the box's pixels", () => {
    const slice = { data: Uint8Array.from([1, 2, 3, 4, 5, 6]), width: 3, height: 2 };
    expect(cropSlice(slice, { x0: 1, y0: 0, x1: 3, y1: 2 })).toEqual({
      data: Uint8Array.from([2, 3, 5, 6]),
      width: 2,
      height: 2,
    });
    expect(() => cropSlice(slice, { x0: -1, y0: 0, x1: 3, y1: 2 })).toThrow(RangeError);
  });
});
