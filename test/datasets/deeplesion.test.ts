import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDeepLesion } from "../../methods/datasets/deeplesion.ts";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { encodeCtPng } from "../../methods/imaging/png16.ts";
import { InputError } from "../../methods/inputError.ts";
import { HEIGHT, infoCsv, writeMask, writeSlices } from "./deeplesionFolder.ts";

const SERIES = "000007_01_02";
let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-deeplesion-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const open = (rows: Parameters<typeof infoCsv>[0], options?: Parameters<typeof openDeepLesion>[1]) => {
  writeFileSync(path.join(root, "DL_info.csv"), infoCsv(rows));
  return openDeepLesion(root, options);
};
const slicesOf = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** Every voxel must hold the value of the place that its case says it comes from. */
function expectInPlace({ image, source }: LesionCase): void {
  const [nx, ny, nz] = image.dims;
  const [x0, y0, s0] = source.origin;
  const wrong = image.data.findIndex(
    (hu, i) => hu !== 100 * (s0 + Math.floor(i / (nx * ny))) + (x0 + (i % nx)) - (y0 + (Math.floor(i / nx) % ny)),
  );
  expect(image.data).toHaveLength(nx * ny * nz);
  expect(wrong).toBe(-1);
}

describe("openDeepLesion", () => {
  it("cuts the square of twice the long diameter on the unbroken slices around the key slice", async () => {
    writeSlices(root, SERIES, slicesOf(1, 8));
    const source = await open([{}]);
    expect(source.entries).toEqual([
      {
        id: `${SERIES}_004-1`,
        patient: "000007",
        officialSplit: "test",
        files: slicesOf(1, 8).map((s) => `Images_png/${SERIES}/00${s}.png`),
      },
    ]);
    expect(source.index).toEqual(["DL_info.csv"]);
    const lesion = await source.load(0);
    expectInPlace(lesion);
    // Marks: centre (20, 20), long diameter 20 px; with 2 px margin 22 on either side, clipped at the upper and left edge.
    expect(lesion.source).toEqual({ series: SERIES, origin: [0, 0, 1] });
    expect(lesion.image.dims).toEqual([43, HEIGHT, 8]);
    expect(lesion.image.spacingMm).toEqual([0.5, 0.5, 5]);
    expect(lesion.image.affine).toEqual([0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 5, 5, 0, 0, 0, 1]);
    expect(lesion.marks).toEqual({
      slice: 3,
      long: [
        [10, 20],
        [30, 20],
      ],
      short: [
        [19, 15],
        [19, 25],
      ],
    });
    expect(lesion).toMatchObject({ category: "mediastinum", window: { low: -175, high: 275 }, notes: [] });
    expect(lesion.reference).toBeUndefined();
  });

  it("moves marks with the crop", async () => {
    writeSlices(root, SERIES, slicesOf(1, 30));
    const lesion = await (
      await open([{ keySlice: 15, measurement: "33, 29, 37, 29, 35, 27, 35, 31", range: "1, 30", spacing: "1, 1, 1" }])
    ).load(0);
    expectInPlace(lesion);
    expect(lesion.source.origin).toEqual([28, 22, 11]);
    expect(lesion.marks).toEqual({
      slice: 4,
      long: [
        [4, 6],
        [8, 6],
      ],
      short: [
        [6, 4],
        [6, 8],
      ],
    });
  });

  it("takes 0.75 long diameters of slices where that is more than 4", async () => {
    writeSlices(root, SERIES, slicesOf(1, 40));
    const { image, source, notes } = await (await open([{ keySlice: 20, range: "1, 40", spacing: "0.5, 0.5, 1" }])).load(0);
    // L = 10 mm: ± 7 slices of 1 mm.
    expect([source.origin[2], image.dims[2], notes]).toEqual([13, 15, []]);
  });

  it("stops at a gap and says so, but not where DeepLesion itself ends", async () => {
    writeSlices(root, SERIES, [1, 2, 4, 5, 6, 7, 8]);
    const gap = await (await open([{ keySlice: 5 }])).load(0);
    expect([gap.source.origin[2], gap.image.dims[2], gap.marks.slice, gap.notes]).toEqual([
      4,
      5,
      1,
      ["neighbouring slices are absent"],
    ]);
    const end = await (await open([{ keySlice: 8, range: "4, 8" }])).load(0);
    expect([end.source.origin[2], end.image.dims[2], end.marks.slice, end.notes]).toEqual([4, 5, 4, []]);
    const single = await (await open([{ keySlice: 5, range: "5, 5" }])).load(0);
    expect(single.notes).toEqual([]);
  });

  it("takes a negative z spacing for positive, with a note", async () => {
    writeSlices(root, SERIES, slicesOf(1, 8));
    const { image, notes } = await (await open([{ spacing: "0.5, 0.5, -5" }])).load(0);
    expect([image.spacingMm, notes]).toEqual([[0.5, 0.5, 5], ["z spacing was negative"]]);
  });

  it("counts what it leaves out, by reason", async () => {
    writeSlices(root, SERIES, slicesOf(1, 8));
    const rows = [
      { spacing: "0.5, 0.5, NaN" },
      { spacing: "0.5, 0.5, 0" },
      { noisy: "1" },
      { keySlice: 9 },
      { series: "000008_01_01" },
      { measurement: "11, 21, 31, 21, 20, 16, 20, 16" },
      { measurement: "11, 21, 61, 21, 20, 16, 20, 26" },
      {},
    ];
    const source = await open(rows);
    expect(source.entries.map(({ id }) => id)).toEqual([`${SERIES}_004-6`]);
    expect(source.skipped).toEqual({
      "z spacing is unknown": 2,
      "possibly noisy": 1,
      "image file is absent": 2,
      "a diameter has length 0": 1,
      "marks lie outside the image": 1,
    });
    expect((await open(rows, { noisyRows: "keep" })).entries.map(({ id }) => id)).toEqual([`${SERIES}_004-3`, `${SERIES}_004-6`]);
  });

  it("says which slice is damaged or of another size", async () => {
    writeSlices(root, SERIES, slicesOf(1, 8));
    const file = path.join(root, "Images_png", SERIES, "006.png");
    truncateSync(file, 100);
    await expect((await open([{}])).load(0)).rejects.toThrow(/006\.png: the PNG is damaged or cut off/);
    writeFileSync(file, encodeCtPng({ data: new Int16Array(4), width: 2, height: 2 }));
    await expect((await open([{}])).load(0)).rejects.toThrow(/006\.png: is 2 × 2 pixels, its row says 48 × 40 — compare line 2/);
    await expect(openDeepLesion(path.join(root, "absent"))).rejects.toThrow(InputError);
  });
});

describe("the reference of a row", () => {
  beforeEach(() => writeSlices(root, SERIES, slicesOf(1, 12)));

  it("is the mask's component under the marks, whole, and enlarges the crop", async () => {
    // The lesion reaches slices 2 … 11, beyond the ± 4 of the marks; a neighbour is touched by an end point only.
    writeMask(root, SERIES, 1, 12, [
      [
        [11, 14, 2],
        [30, 27, 12],
      ],
      [
        [30, 30, 3],
        [36, 36, 6],
      ],
      [
        [31, 18, 4],
        [40, 24, 5],
      ],
    ]);
    const source = await open([{ keySlice: 6, range: "1, 12", measurement: "11, 21, 31, 21, 20, 16, 20, 26" }]);
    expect(source.entries[0].files).toEqual([
      ...slicesOf(1, 12).map((s) => `Images_png/${SERIES}/${String(s).padStart(3, "0")}.png`),
      `masks3d/${SERIES}_001-012_mask.nii.gz`,
    ]);
    const lesion = await source.load(0);
    expectInPlace(lesion);
    expect(lesion.source.origin[2]).toBe(2);
    expect(lesion.image.dims[2]).toBe(10);
    expect(lesion.reference).toMatchObject({ dims: lesion.image.dims, affine: lesion.image.affine });
    const [nx, ny] = lesion.image.dims;
    const [x0, y0] = lesion.source.origin;
    expect(lesion.reference?.data.reduce((sum, value) => sum + value, 0)).toBe(19 * 13 * 10);
    lesion.reference?.data.forEach((value, i) => {
      const [x, y] = [x0 + (i % nx), y0 + (Math.floor(i / nx) % ny)];
      if (value !== (x >= 11 && x < 30 && y >= 14 && y < 27 ? 1 : 0)) throw new Error(`wrong at ${x}, ${y}`);
    });
  });

  it("is absent for other lesions of the series", async () => {
    writeMask(root, SERIES, 1, 12, [
      [
        [29, 18, 2],
        [40, 24, 12],
      ],
    ]);
    expect((await (await open([{ keySlice: 6 }])).load(0)).reference).toBeUndefined();
    writeMask(root, SERIES, 1, 12, []);
    expect((await (await open([{ keySlice: 6 }])).load(0)).reference).toBeUndefined();
  });

  it("may come in parts that the marks join", async () => {
    writeMask(root, SERIES, 1, 12, [
      [
        [10, 15, 5],
        [17, 26, 8],
      ],
      [
        [20, 15, 5],
        [31, 26, 8],
      ],
    ]);
    const { reference } = await (await open([{ keySlice: 6 }])).load(0);
    expect(reference?.data.reduce((sum, value) => sum + value, 0)).toBe(7 * 11 * 3 + 11 * 11 * 3);
  });

  it("that reaches absent slices is cut, with a note", async () => {
    rmSync(path.join(root, "Images_png", SERIES, "009.png"));
    writeMask(root, SERIES, 1, 12, [
      [
        [11, 14, 2],
        [30, 27, 12],
      ],
    ]);
    const { reference, image, notes } = await (await open([{ keySlice: 6, range: "1, 12" }])).load(0);
    expect(notes).toEqual(["neighbouring slices are absent", "the reference reaches slices that are absent"]);
    expect(image.dims[2]).toBe(7);
    expect(reference?.data.reduce((sum, value) => sum + value, 0)).toBe(19 * 13 * 7);
  });

  it("must have the geometry of its series", async () => {
    writeMask(
      root,
      SERIES,
      1,
      12,
      [
        [
          [11, 14, 2],
          [30, 27, 12],
        ],
      ],
      [0.5, 0.5, 4],
    );
    await expect((await open([{ keySlice: 6 }])).load(0)).rejects.toThrow(
      /mask\.nii\.gz: is 48×40×12 voxels of 0\.5×0\.5×4 mm, its series is 48×40×12 voxels of 0\.5×0\.5×5 mm/,
    );
  });
});
