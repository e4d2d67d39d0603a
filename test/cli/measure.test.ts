import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { measureMask } from "../../cli/commands/measure.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { type Mask, scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "recist3d-measure-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function save(
  name: string,
  dims: Vec3,
  spacingMm: Vec3,
  inside: (x: number, y: number, z: number) => boolean,
): Promise<string> {
  const [nx, ny, nz] = dims;
  const data = Uint8Array.from({ length: nx * ny * nz }, (_, i) =>
    inside(i % nx, Math.floor(i / nx) % ny, Math.floor(i / nx / ny)) ? 1 : 0,
  );
  const mask: Mask = { data, dims, spacingMm, affine: scalingAffine(spacingMm) };
  const file = path.join(folder, name);
  await writeFile(file, writeNiftiMask(mask));
  return file;
}

describe("measure", () => {
  it("gives a box's diameters, slice and volume by hand", async () => {
    // 11 × 5 pixels of 0.5 mm on slice 2, 7 × 5 on slices 1 and 3 of 4 mm
    const file = await save(
      "box.nii.gz",
      [30, 20, 6],
      [0.5, 0.5, 4],
      (x, y, z) => y >= 8 && y < 13 && z >= 1 && z <= 3 && x >= 4 && x < (z === 2 ? 15 : 11),
    );
    const { components, total } = await measureMask(file);
    const [box] = components;
    expect(box).toMatchObject({ component: 1, slice: 2, voxels: 125, volumeMm3: 125, volumeMl: 0.125 });
    expect(box.longMm).toBeCloseTo(Math.hypot(5, 2), 9); // corner to corner: 10 and 4 pixels
    const ends = [...(box.long ?? [])].map((p) => [...p]).sort((a, b) => a[0] - b[0]);
    expect(ends.map((p) => p[0])).toEqual([4, 14]);
    expect(ends.map((p) => p[1]).sort((a, b) => a - b)).toEqual([8, 12]);
    expect(total).toEqual({ components: 1, voxels: 125, volumeMm3: 125, volumeMl: 0.125 });
  });

  it("measures in mm where pixels are not square", async () => {
    // a column of 9 pixels of 2 mm is longer than a row of 15 of 1 mm
    const file = await save(
      "cross.nii.gz",
      [40, 20, 1],
      [1, 2, 1],
      (x, y) => (y === 10 && x >= 3 && x < 18) || (x === 10 && y >= 6 && y < 15),
    );
    const [cross] = (await measureMask(file)).components;
    expect(cross.longMm).toBeCloseTo(16, 9);
    expect(cross.long?.map((p) => p[0])).toEqual([10, 10]);
    expect(cross.shortMm).toBeCloseTo(14, 9);
  });

  it("does not span what touches only in other slices", async () => {
    // two limbs of 8 pixels, 40 apart on slice 0, joined on slice 1 by a bar of 49 pixels
    const file = await save("horseshoe.nii.gz", [60, 20, 3], [1, 1, 1], (x, y, z) =>
      z === 0 ? y >= 4 && y < 12 && ((x >= 2 && x < 4) || (x >= 49 && x < 51)) : z === 1 && y === 4 && x >= 2 && x < 30,
    );
    const [limbs] = (await measureMask(file)).components;
    expect(limbs.slice).toBe(1);
    expect(limbs.longMm).toBeCloseTo(27, 9);
  });

  it("measures one label of a label map, and tells of several, of fractions and of slices that are not axial", async () => {
    const dims: Vec3 = [20, 10, 2];
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const lines = (): string =>
      said.mock.calls
        .splice(0)
        .map(([text]) => String(text))
        .join("");
    const put = async (name: string, values: number[], affine: readonly number[] = scalingAffine([1, 1, 1])): Promise<string> => {
      const data = Float32Array.from({ length: 400 }, (_, i) => (i < 15 ? values[Math.floor(i / 5)] : 0));
      await writeFile(path.join(folder, name), writeNifti({ data, dims, spacingMm: [1, 1, 1], affine }));
      return path.join(folder, name);
    };
    try {
      const labelled = await put("labels.nii.gz", [1, 2, 1]);
      expect((await measureMask(labelled)).total.voxels).toBe(15);
      expect(lines()).toMatch(/labels\.nii\.gz holds the labels 1, 2: all of them count\n/);
      expect((await measureMask(labelled, 2)).total.voxels).toBe(5);
      expect(lines()).toBe("");
      await expect(measureMask(labelled, 3)).rejects.toThrow(/has no label 3 — its labels are 1, 2/);
      await measureMask(await put("fractions.nii.gz", [0.25, 0.5, 1]));
      expect(lines()).toMatch(/holds fractions \(0\.25, 0\.50, 1\.0\)/);
      await measureMask(await put("sagittal.nii.gz", [1, 1, 1], [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]));
      expect(lines()).toMatch(/its slices are sagittal/);
      await measureMask(await put("one.nii.gz", [7, 7, 7]));
      expect(lines()).toBe("");
    } finally {
      said.mockRestore();
    }
  });

  it("orders components from the largest down; touching at a corner is touching", async () => {
    const file = await save(
      "two.nii.gz",
      [20, 20, 4],
      [1, 1, 1],
      (x, y, z) =>
        (x < 3 && y < 3 && z === 0) || (x === 3 && y === 3 && z === 1) || (x >= 10 && x < 15 && y >= 10 && y < 15 && z === 2),
    );
    const { components } = await measureMask(file);
    expect(components.map((c) => [c.component, c.voxels, c.slice])).toEqual([
      [1, 25, 2],
      [2, 10, 0],
    ]);
    expect(components[0].long?.flat().every((v) => v >= 10 && v < 15)).toBe(true);
  });

  it("has no diameters for a speck, but a volume", async () => {
    const file = await save("speck.nii.gz", [5, 5, 2], [1, 1, 2.5], (x, y, z) => x === 2 && y === 2 && z === 1);
    expect((await measureMask(file)).components).toEqual([
      {
        component: 1,
        slice: null,
        longMm: null,
        shortMm: null,
        long: null,
        short: null,
        voxels: 1,
        volumeMm3: 2.5,
        volumeMl: 0.0025,
      },
    ]);
  });

  it("an empty mask has no component", async () => {
    const { components, total } = await measureMask(await save("empty.nii.gz", [4, 4, 4], [1, 1, 1], () => false));
    expect([components, total.voxels]).toEqual([[], 0]);
  });

  it("says what is wrong with a path", async () => {
    await expect(measureMask(path.join(folder, "none.nii.gz"))).rejects.toThrow(/none\.nii\.gz: there is no such file/);
    await expect(measureMask(folder)).rejects.toThrow(/is a folder/);
    await writeFile(path.join(folder, "text.nii.gz"), "hello");
    await expect(measureMask(path.join(folder, "text.nii.gz"))).rejects.toThrow(InputError);
  });
});
