import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import { turnedTo } from "../../methods/imaging/turned.ts";
import type { Grid, LabelVolume, Vec3 } from "../../methods/imaging/volume.ts";

const GRID: Grid = {
  dims: [4, 3, 2],
  spacingMm: [0.5, 0.75, 5],
  affine: [-0.5, 0, 0, 12, 0, -0.75, 0, 7, 0, 0, 5, -100, 0, 0, 0, 1],
};
const VALUES = Uint8Array.from({ length: 24 }, (_, i) => i + 1);

/** The same voxels with axis `order[k]` stored as axis k, some of them the other way round. */
function storedAs(
  { dims, spacingMm, affine }: Grid,
  data: Uint8Array,
  order: readonly number[],
  reversed: readonly boolean[],
): LabelVolume {
  const newDims = order.map((axis) => dims[axis]) as unknown as Vec3;
  const newData = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const stored = [i % newDims[0], Math.floor(i / newDims[0]) % newDims[1], Math.floor(i / (newDims[0] * newDims[1]))];
    const voxel = [0, 0, 0];
    order.forEach((axis, k) => {
      voxel[axis] = reversed[k] ? newDims[k] - 1 - stored[k] : stored[k];
    });
    newData[i] = data[(voxel[2] * dims[1] + voxel[1]) * dims[0] + voxel[0]];
  }
  const rows = [0, 4, 8].flatMap((row) => [
    ...order.map((axis, k) => (reversed[k] ? -1 : 1) * affine[row + axis]),
    order.reduce((sum, axis, k) => sum + (reversed[k] ? affine[row + axis] * (dims[axis] - 1) : 0), affine[row + 3]),
  ]);
  return {
    dims: newDims,
    spacingMm: order.map((axis) => spacingMm[axis]) as unknown as Vec3,
    affine: [...rows, 0, 0, 0, 1],
    data: newData,
  };
}

describe("turnedTo", () => {
  test.prop([fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), fc.tuple(fc.boolean(), fc.boolean(), fc.boolean())])(
    "brings back every storage order of the axes, by the affines alone",
    (order, reversed) => {
      const { labels, turned } = turnedTo(GRID, storedAs(GRID, VALUES, order, reversed));
      expect(labels.data).toEqual(VALUES);
      checkSameGrid(GRID, labels, "ct", "mask");
      expect(labels.dims).toEqual(GRID.dims);
      expect(labels.spacingMm).toEqual(GRID.spacingMm);
      const moved = order.map((axis, k) => (axis !== k || reversed[k] ? "xyz"[k] : "")).join("");
      expect([...turned].sort().join("")).toBe(moved);
    },
  );

  it("changes nothing where an axis lies askew, or is shared by two", () => {
    const [c, s] = [Math.cos(0.2), Math.sin(0.2)];
    const oblique = {
      ...GRID,
      affine: [-0.5 * c, 0.75 * s, 0, 12, -0.5 * s, -0.75 * c, 0, 7, 0, 0, 5, -100, 0, 0, 0, 1],
      data: VALUES,
    };
    expect(turnedTo(GRID, oblique)).toEqual({ labels: oblique, turned: "" });
  });

  it("keeps a shift, which checkSameGrid then refuses", () => {
    const shifted = storedAs(GRID, VALUES, [0, 1, 2], [false, true, false]);
    const off = { ...shifted, affine: shifted.affine.map((value, i) => (i === 3 ? value + 0.5 : value)) };
    const { labels, turned } = turnedTo(GRID, off);
    expect(turned).toBe("y");
    expect(() => checkSameGrid(GRID, labels, "ct", "mask")).toThrow(/mask: lies on another grid than ct/);
  });
});
