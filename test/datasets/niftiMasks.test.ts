import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openNiftiMasks } from "../../methods/datasets/niftiMasks.ts";
import { marksOfMask, withNoise } from "../../methods/datasets/simulatedMarks.ts";
import { windowOf } from "../../methods/datasets/windowOf.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import type { Grid, Mask, Vec3 } from "../../methods/imaging/volume.ts";
import { intersection, lengthMm, type RecistMarks } from "../../methods/labels/recist.ts";

const GRID: Grid = { dims: [60, 50, 16], spacingMm: [1, 1, 4], affine: [-1, 0, 0, 30, 0, -1, 0, 20, 0, 0, 4, -100, 0, 0, 0, 1] };
let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-nifti-masks-"));
});
afterEach(() => rmSync(root, { recursive: true }));

type Inside = (x: number, y: number, z: number) => boolean;
function maskOf(inside: Inside, grid: Grid = GRID): Mask {
  const [nx, ny, nz] = grid.dims;
  return {
    ...grid,
    data: Uint8Array.from({ length: nx * ny * nz }, (_, i) =>
      inside(i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))) ? 1 : 0,
    ),
  };
}
const ellipsoid =
  ([cx, cy, cz]: Vec3, [rx, ry, rz]: Vec3): Inside =>
  (x, y, z) =>
    ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1;
const box =
  ([x0, y0, z0]: Vec3, [x1, y1, z1]: Vec3): Inside =>
  (x, y, z) =>
    x >= x0 && x < x1 && y >= y0 && y < y1 && z >= z0 && z < z1;

/** CT whose value tells the place: HU = 50 · z + x − y. */
function writeCase(name: string, masks: Record<string, Mask>, image = "CT_image.nii.gz", grid = GRID): void {
  const [nx, ny, nz] = grid.dims;
  const data = Int16Array.from(
    { length: nx * ny * nz },
    (_, i) => 50 * Math.floor(i / (nx * ny)) + (i % nx) - (Math.floor(i / nx) % ny),
  );
  const put = (file: string, bytes: Buffer): void => {
    mkdirSync(path.dirname(path.join(root, name, file)), { recursive: true });
    writeFileSync(path.join(root, name, file), bytes);
  };
  put(image, writeNifti({ ...grid, data }));
  for (const [file, mask] of Object.entries(masks)) put(file, writeNiftiMask(mask));
}
const totalOf = (mask: Mask | undefined) => mask?.data.reduce((sum, value) => sum + value, 0);

describe("openNiftiMasks", () => {
  it("finds the layouts: files side by side, several masks, folders called image and mask", async () => {
    const lesion = maskOf(ellipsoid([25, 25, 8], [9, 6, 3]));
    writeCase("b side", { "CT_mask.nii.gz": lesion });
    writeCase("a", { "mask_GTV-1.nii.gz": lesion, "mask_GTV-2.nii.gz": lesion });
    writeCase("c", { "nifti/mask/m.nii.gz": lesion }, "nifti/image/phantom.nii.gz");
    mkdirSync(path.join(root, "empty"));
    writeFileSync(path.join(root, "README.md"), "");
    const { entries, skipped, load } = await openNiftiMasks(root, { seed: 1 });
    expect(entries).toEqual([
      { id: "a", patient: "a", files: ["a/CT_image.nii.gz", "a/mask_GTV-1.nii.gz", "a/mask_GTV-2.nii.gz"] },
      { id: "b_side", patient: "b side", files: ["b side/CT_image.nii.gz", "b side/CT_mask.nii.gz"] },
      { id: "c", patient: "c", files: ["c/nifti/image/phantom.nii.gz", "c/nifti/mask/m.nii.gz"] },
    ]);
    expect(skipped).toEqual({ "folder has no CT image": 1 });
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await load(i)).cases.map(({ id }) => id));
    expect(ids).toEqual([["a-mask_GTV-1-1", "a-mask_GTV-2-1"], ["b_side-CT_mask-1"], ["c-m-1"]]);
  });

  it("makes a lesion of every component of 30 voxels, with its own reference, in place", async () => {
    const [first, second] = [ellipsoid([18, 20, 5], [7, 5, 2]), ellipsoid([40, 32, 11], [5, 8, 3])];
    const speck = box([2, 2, 2], [5, 5, 5]);
    writeCase("p", { "CT_mask.nii.gz": maskOf((x, y, z) => first(x, y, z) || second(x, y, z) || speck(x, y, z)) });
    const source = await openNiftiMasks(root, { seed: 1 });
    const { cases, skipped } = await source.load(0);
    expect(cases.map(({ id }) => id)).toEqual(["p-CT_mask-1", "p-CT_mask-2"]);
    expect(skipped).toEqual({ "component of fewer than 30 voxels": 1 });
    for (const [i, inside] of [first, second].entries()) {
      const { image, reference, marks, source: from } = cases[i];
      const [x0, y0, z0] = from.origin;
      const [nx, ny] = image.dims;
      const at = (p: number): [number, number, number] => [
        x0 + (p % nx),
        y0 + (Math.floor(p / nx) % ny),
        z0 + Math.floor(p / (nx * ny)),
      ];
      expect(image.data.findIndex((hu, p) => hu !== 50 * at(p)[2] + at(p)[0] - at(p)[1])).toBe(-1);
      expect(reference?.data.findIndex((value, p) => value !== (inside(...at(p)) ? 1 : 0))).toBe(-1);
      expect(totalOf(reference)).toBe(totalOf(maskOf(inside)));
      expect([image.affine[3], image.affine[7], image.affine[11]]).toEqual([30 - x0, 20 - y0, -100 + 4 * z0]);
      expect(marks.slice + z0).toBe([5, 11][i]);
      // The end points lie in the lesion, so they moved with the crop.
      for (const [x, y] of [...marks.long, ...marks.short])
        expect(inside(Math.round(x) + x0, Math.round(y) + y0, marks.slice + z0)).toBe(true);
    }
  });

  it("refuses a mask on another grid, before any lesion is loaded", async () => {
    const lesion = maskOf(ellipsoid([25, 25, 8], [9, 6, 3]));
    writeCase("p", { "CT_mask.nii.gz": { ...lesion, affine: lesion.affine.map((value, i) => (i === 0 ? 1 : value)) } });
    await expect(openNiftiMasks(root, { seed: 1 })).rejects.toThrow(
      /CT_mask\.nii\.gz: lies on another grid than .*CT_image\.nii\.gz: 60×50×16/,
    );
  });

  it("reads no voxel of a mask before its case is loaded", async () => {
    writeCase("p", { "CT_mask.nii.gz": maskOf(ellipsoid([25, 25, 8], [9, 6, 3])) });
    const file = path.join(root, "p", "CT_mask.nii.gz");
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length - 40));
    const source = await openNiftiMasks(root, { seed: 1 });
    expect(source.entries).toHaveLength(1);
    await expect(source.load(0)).rejects.toThrow(/CT_mask\.nii\.gz: the gzip stream is damaged or cut off/);
  });

  it("refuses two CTs, equal ids and an empty root", async () => {
    const lesion = maskOf(ellipsoid([25, 25, 8], [9, 6, 3]));
    await expect(openNiftiMasks(root, { seed: 1 })).rejects.toThrow(/no folder in it holds a CT image and a mask/);
    await expect(openNiftiMasks(path.join(root, "absent"), { seed: 1 })).rejects.toThrow(/cannot be listed/);
    writeCase("p", { "x/mask.nii.gz": lesion, "y/mask.nii.gz": lesion });
    await expect(openNiftiMasks(root, { seed: 1 })).rejects.toThrow(/a second lesion would be called p-mask-1/);
    writeCase("p", {}, "other_image.nii.gz");
    await expect(openNiftiMasks(root, { seed: 1 })).rejects.toThrow(/holds 2 CT images: CT_image\.nii\.gz, other_image\.nii\.gz/);
  });

  it("counts empty masks and lesions without two diameters", async () => {
    writeCase("p", { "empty_mask.nii.gz": maskOf(() => false), "line_mask.nii.gz": maskOf(box([5, 5, 5], [45, 6, 6])) });
    const { cases, skipped } = await (await openNiftiMasks(root, { seed: 1 })).load(0);
    expect(cases).toEqual([]);
    expect(skipped).toEqual({ "mask is empty": 1, "component is too thin to have two diameters": 1 });
  });

  it("draws noise by seed and id only", async () => {
    writeCase("p", { "CT_mask.nii.gz": maskOf(ellipsoid([25, 25, 8], [9, 6, 3])) });
    const marksFor = async (seed: number, noise: number) => {
      const [{ marks, source }] = (await (await openNiftiMasks(root, { seed, noise })).load(0)).cases;
      return {
        ...marks,
        long: marks.long.map(([x, y]) => [x + source.origin[0], y + source.origin[1]]),
        length: lengthMm(marks.long, GRID.spacingMm),
      };
    };
    expect(await marksFor(3, 0.2)).toEqual(await marksFor(3, 0.2));
    expect((await marksFor(3, 0.2)).length).not.toBe((await marksFor(4, 0.2)).length);
    expect((await marksFor(3, 0)).length).toBe(18);
    await expect(marksFor(3, 1)).rejects.toThrow(/noise of the marks is 1/);
  });
});

describe("marksOfMask", () => {
  it("measures the longest axis within two slices of the largest section", () => {
    // Areas by slice; the largest is slice 6. Slice 8 has a long thin section, slice 9 a longer one that is too far.
    const sections: Record<number, Inside> = {
      5: box([10, 10, 5], [20, 20, 6]),
      6: box([10, 10, 6], [22, 22, 7]),
      8: box([10, 10, 8], [40, 13, 9]),
      9: box([10, 10, 9], [50, 13, 10]),
    };
    const marks = marksOfMask(maskOf((x, y, z) => sections[z]?.(x, y, z) ?? false)) as RecistMarks;
    expect(marks.slice).toBe(8);
    expect(lengthMm(marks.long, GRID.spacingMm)).toBeCloseTo(Math.hypot(29, 2), 10);
  });

  it("measures the largest part of a section, not from one part to another", () => {
    const marks = marksOfMask(
      maskOf((x, y, z) => box([10, 10, 3], [22, 16, 4])(x, y, z) || box([40, 10, 3], [44, 12, 4])(x, y, z)),
    ) as RecistMarks;
    expect(lengthMm(marks.long, GRID.spacingMm)).toBeCloseTo(Math.hypot(11, 5), 10);
  });
});

describe("withNoise", () => {
  const marks: RecistMarks = {
    slice: 3,
    long: [
      [10, 20],
      [30, 20],
    ],
    short: [
      [18, 15],
      [18, 25],
    ],
  };
  it("stretches each axis by its own factor in 1 ± noise about the intersection", () => {
    const factors = Array.from({ length: 200 }, (_, i) => {
      const noisy = withNoise(marks, 0.2, 1, `lesion ${i}`);
      expect(noisy.slice).toBe(3);
      expect(intersection(noisy)[0]).toBeCloseTo(18, 9);
      expect(intersection(noisy)[1]).toBeCloseTo(20, 9);
      return [lengthMm(noisy.long, [1, 1, 1]) / 20, lengthMm(noisy.short, [1, 1, 1]) / 10];
    });
    for (const axis of [0, 1]) {
      const values = factors.map((pair) => pair[axis]);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0.8);
      expect(Math.max(...values)).toBeLessThan(1.2);
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(0.35);
    }
    expect(factors.filter(([a, b]) => Math.abs(a - b) < 1e-9)).toEqual([]);
  });
});

describe("windowOf", () => {
  const [width, height] = [30, 30];
  const section = {
    data: Uint8Array.from({ length: 900 }, (_, i) =>
      Math.abs((i % 30) - 15) <= 4 && Math.abs(Math.floor(i / 30) - 15) <= 4 ? 1 : 0,
    ),
    width,
    height,
  };
  const around = (hu: number) => ({ data: Int16Array.from(section.data, (inside) => (inside ? 40 : hu)), width, height });
  it("is the lung's where the surroundings are air, else soft tissue's", () => {
    expect(windowOf(around(-850), section)).toEqual({ low: -1350, high: 150 });
    expect(windowOf(around(-301), section)).toEqual({ low: -1350, high: 150 });
    expect(windowOf(around(-300), section)).toEqual({ low: -160, high: 240 });
    expect(windowOf(around(40), section)).toEqual({ low: -160, high: 240 });
  });
  it("looks no further than six city-block steps", () => {
    const far = {
      ...around(40),
      data: around(40).data.map((hu, i) => (Math.abs((i % 30) - 15) > 10 || Math.abs(Math.floor(i / 30) - 15) > 10 ? -1000 : hu)),
    };
    expect(windowOf(far, section)).toEqual({ low: -160, high: 240 });
  });
});
