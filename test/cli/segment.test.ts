import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { register, type SegmentOptions, segmentImage } from "../../cli/commands/segment.ts";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { lesionRange, marksInRange } from "../../methods/datasets/lesionCrop.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { cropVolume } from "../../methods/imaging/crop.ts";
import { readNifti, readNiftiMask, writeNifti } from "../../methods/imaging/nifti.ts";
import { encodeCtPng } from "../../methods/imaging/png16.ts";
import { sliceOf, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { inscribedAxes } from "../../methods/labels/lesionBox.ts";
import { boundingBox, lengthMm, type Point, type RecistMarks, shiftedTo } from "../../methods/labels/recist.ts";
import { segmentVolume } from "../../methods/labels/volume.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { regionOfBox } from "../../methods/networks/lesionRegion.ts";
import { decodeModel, encodeModel, type Model } from "../../methods/networks/model.ts";
import { predictVolume } from "../../methods/networks/predictVolume.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { networkSpecSchema } from "../../methods/networks/spec.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import { initialWeights } from "../../methods/networks/weights.ts";
import { dicomSeries } from "../datasets/dicomFiles.ts";

/** A phantom in the midst of a larger image, so that what is cut out of it is less than the whole. */
function within(small: LesionCase): Pick<LesionCase, "marks" | "window" | "image"> {
  const [width, height, depth] = small.image.dims;
  const [mx, my, mz] = [23, 14, 2];
  const dims: Vec3 = [width + 2 * mx, height + my, depth + mz];
  // What lies around is nothing like the phantom.
  const data = Int16Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => ((i * 7919) % 900) - 600);
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const row = (z * height + y) * width;
      data.set(small.image.data.subarray(row, row + width), ((z + mz) * dims[1] + y + my) * dims[0] + mx);
    }
  }
  return {
    marks: { slice: small.marks.slice + mz, ...shiftedTo([-mx, -my], small.marks) },
    window: small.window,
    image: { dims, spacingMm: small.image.spacingMm, affine: small.image.affine, data },
  };
}

const lesion = within(synthesizeLesion({ seed: 4, index: 0, category: "abdomen", sliceMm: 5, longMm: [16, 24] }));
const nodule = within(synthesizeLesion({ seed: 4, index: 1, category: "lung", sliceMm: 5, longMm: [12, 20] }));
const [nx, ny, nz] = lesion.image.dims;
const [sx, sy, sz] = lesion.image.spacingMm;
/** Radiological x, oblique y and z, shifted: nothing that a writer could guess. */
const affine = [
  -sx,
  0,
  0,
  31,
  0,
  sy * Math.cos(0.3),
  -sz * Math.sin(0.3),
  -12,
  0,
  sy * Math.sin(0.3),
  sz * Math.cos(0.3),
  7,
  0,
  0,
  0,
  1,
];
const image: Volume = { ...lesion.image, affine };

/** The image as its file has it: a NIfTI's spacing is a 32-bit float, and a mask can hang on the last bit. */
const asFiled = readNifti(writeNifti(image), "image");

const voxelsOf = (mask: Uint8Array): number => mask.reduce((sum, v) => sum + v, 0);

let folder: string;
const at = (name: string): string => path.join(folder, name);
const marked = (id: string, { slice, long, short }: RecistMarks): unknown => ({ id, slice, long, short });
/** Writes a marks file and segments the phantom with it. */
async function segment(marks: unknown, options: Partial<SegmentOptions> = {}): ReturnType<typeof segmentImage> {
  await writeFile(at("marks.json"), typeof marks === "string" ? marks : JSON.stringify(marks));
  return segmentImage({ image: at("image.nii.gz"), marks: at("marks.json"), out: at("out"), ...options });
}
async function refusal(work: Promise<unknown>): Promise<InputError> {
  const error = await work.then(
    () => new Error("it was accepted"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}
const good = [marked("a", lesion.marks)];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "recist3d-segment-"));
  await writeFile(at("image.nii.gz"), writeNifti(image));
  await writeFile(at("lung.nii.gz"), writeNifti(nodule.image));
  await mkdir(at("000123_01_02"));
  for (let z = 0; z < nz; z++)
    await writeFile(
      at(`000123_01_02/${String(40 + z).padStart(3, "0")}.png`),
      encodeCtPng(sliceOf(lesion.image as Volume & { data: Int16Array }, z)),
    );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("what is written", () => {
  it.each([
    "recist",
    "dcrf",
    "grabcut",
    "grabcut-i",
    "grabcut-r",
    "grabcut-r-sr",
    "ellipse",
    "grabcut-3d",
    "grabcut-3de",
    "ellipsoid",
  ] as const)("%s: the method's mask of the whole image, on the image's grid and affine", async (method) => {
    const { lesions } = await segment(good, { method, window: lesion.window });
    const mask = readNiftiMask(await readFile(at("out/a.nii.gz")), "a.nii.gz");
    expect(mask.dims).toEqual(image.dims);
    mask.affine.forEach((value, i) => expect(value).toBeCloseTo(affine[i], 4));
    expect(mask.data).toEqual(segmentVolume(method, asFiled, lesion.marks, lesion.window).mask.data);
    expect(lesions[0].outcome).toBe(mask.data.includes(1) ? "segmented" : "empty");
  });

  it("grabcut-r without a method or a model, and a table with the measurements", async () => {
    const document = await segment([marked("a", lesion.marks), marked("b.2", lesion.marks)], { out: at("table") });
    expect(document).toMatchObject({ method: "grabcut-r", kind: "nifti", dims: [nx, ny, nz] });
    expect((await readdir(at("table"))).sort()).toEqual(["a.nii.gz", "a.png", "b.2.nii.gz", "b.2.png", "measurements.csv"]);
    const [header, a, b, end] = (await readFile(at("table/measurements.csv"), "utf8")).split("\r\n");
    expect(header).toBe("id,slice,long_mm,short_mm,marks_long_mm,marks_short_mm,volume_ml,method,outcome,slices_by_outcome");
    const mask = readNiftiMask(await readFile(at("table/a.nii.gz")), "a.nii.gz");
    const voxels = mask.data.reduce((sum, v) => sum + v, 0);
    const cells = a.split(",");
    expect([cells[0], cells[1], cells[7], cells[8], cells[9]]).toEqual([
      "a",
      String(lesion.marks.slice),
      "grabcut-r",
      "segmented",
      "grabcut: 1",
    ]);
    expect(Number(cells[4])).toBeCloseTo(lengthMm(lesion.marks.long, lesion.image.spacingMm), 2);
    expect(Number(cells[6])).toBeCloseTo((voxels * sx * sy * sz) / 1000, 3);
    expect(Math.abs(Number(cells[2]) / Number(cells[4]) - 1)).toBeLessThan(0.35);
    expect(b.split(",").slice(1)).toEqual(cells.slice(1));
    expect(end).toBe("");
  });

  it("a picture of the RECIST slice with outline and marks", async () => {
    await segment(good);
    const { width, height, data, channels } = decode(await readFile(at("out/a.png")));
    expect(Math.max(width, height)).toBeGreaterThan(300);
    let coloured = 0;
    for (let i = 0; i < data.length; i += channels) if (data[i] !== data[i + 1] || data[i + 1] !== data[i + 2]) coloured++;
    expect(coloured).toBeGreaterThan(200);
    expect(coloured).toBeLessThan((width * height) / 3);
  });

  it("nothing found is an outcome with an empty mask, not a failure", async () => {
    const flat = { ...image, data: new Int16Array(nx * ny * nz).fill(40) };
    await writeFile(at("flat.nii.gz"), writeNifti(flat));
    const { lesions } = await segment(good, { image: at("flat.nii.gz"), method: "grabcut", out: at("flat") });
    expect(lesions[0]).toMatchObject({ outcome: "empty", longMm: null, shortMm: null, volumeMl: 0 });
    expect(readNiftiMask(await readFile(at("flat/a.nii.gz")), "a").data.includes(1)).toBe(false);
    expect(await readFile(at("flat/measurements.csv"), "utf8")).toMatch(/^a,\d+,,,[\d.]+,[\d.]+,0\.0000,grabcut,empty,/m);
  });

  it("of the DICOM series that is asked for, where a folder holds several", async () => {
    for (const [uid, hu] of [
      ["1.2.1", lesion.image.data],
      ["1.2.2", lesion.image.data.map(() => 40)],
    ] as const) {
      await mkdir(at(`pacs/${uid}`), { recursive: true });
      for (const [z, file] of dicomSeries({ ...lesion.image, data: hu }, uid).entries())
        await writeFile(at(`pacs/${uid}/IM${z}`), file);
    }
    const { message } = await refusal(segment(good, { image: at("pacs") }));
    expect(message).toMatch(/pacs: holds 2 CT series — choose one by its UID or number \(--series\):\n {2}1\.2\.1 /);
    const document = await segment(good, { image: at("pacs"), series: "1.2.1", window: lesion.window, out: at("series") });
    expect(document).toMatchObject({ kind: "dicom", dims: [nx, ny, nz] });
    expect(readNiftiMask(await readFile(at("series/a.nii.gz")), "a").data).toEqual(
      segmentVolume("grabcut-r", asFiled, lesion.marks, lesion.window).mask.data,
    );
  });

  it("marks with the axes the other way round give the same", async () => {
    const { lesions } = await segment([
      { id: "a", slice: lesion.marks.slice, long: lesion.marks.short, short: lesion.marks.long },
    ]);
    expect(lesions[0].marksLongMm).toBeCloseTo(lengthMm(lesion.marks.long, lesion.image.spacingMm), 6);
  });
});

describe("the window", () => {
  it("is the lung's or soft tissue's by what lies around the marks, unless it is given", async () => {
    const {
      lesions: [soft],
    } = await segment(good);
    expect(soft).toMatchObject({ window: { low: -160, high: 240 }, windowFrom: "image" });
    const {
      lesions: [lung],
    } = await segment([marked("n", nodule.marks)], { image: at("lung.nii.gz") });
    expect(lung).toMatchObject({ window: { low: -1350, high: 150 }, windowFrom: "image" });
    const {
      lesions: [given],
    } = await segment(good, { window: { low: -100, high: 200 } });
    expect(given).toMatchObject({ window: { low: -100, high: 200 }, windowFrom: "option" });
  });
});

describe("DeepLesion's slices and table", () => {
  const header =
    "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Measurement_coordinates,Bounding_boxes,Lesion_diameters_Pixel_,Normalized_lesion_location,Coarse_lesion_type,Possibly_noisy,Slice_range,Spacing_mm_px_,Image_size,DICOM_windows,Patient_gender,Patient_age,Train_Val_Test";
  const row = (key: number, { spacing = `${sx}, ${sy}, ${-sz}`, size = `${nx}, ${ny}` } = {}): string => {
    // The table counts pixels from 1.
    const points = [...lesion.marks.long, ...lesion.marks.short].flat().map((v) => v + 1);
    return `000123_01_02_${String(key).padStart(3, "0")}.png,123,1,2,${key},"${points.join(", ")}","0, 0, 0, 0","0, 0","0, 0, 0",2,0,"40, ${40 + nz - 1}","${spacing}","${size}","-175, 275",F,NaN,3`;
  };
  const withTable = async (lines: readonly string[], options: Partial<SegmentOptions> = {}): ReturnType<typeof segmentImage> => {
    await writeFile(at("DL_info.csv"), [header, ...lines].join("\n"));
    return segmentImage({ image: at("000123_01_02"), marks: at("DL_info.csv"), out: at("deeplesion"), ...options });
  };

  it("are used as they are: 1-based marks, slices by number, spacing and window from the row", async () => {
    const key = 40 + lesion.marks.slice;
    const { kind, spacingMm, lesions } = await withTable([row(key).replaceAll("000123", "000009"), row(key)], {
      method: "ellipsoid",
    });
    expect({ kind, spacingMm }).toEqual({ kind: "png-slices", spacingMm: [sx, sy, sz] });
    expect(lesions).toMatchObject([
      { id: `000123_01_02_0${key}-1`, slice: lesion.marks.slice, window: { low: -175, high: 275 }, windowFrom: "marks file" },
    ]);
    const mask = readNiftiMask(await readFile(at(`deeplesion/${lesions[0].mask}`)), "mask");
    expect(mask.data).toEqual(segmentVolume("ellipsoid", lesion.image, lesion.marks, lesion.window).mask.data);
    expect(mask.spacingMm.map((s) => Math.round(s * 1e4))).toEqual([sx, sy, sz].map((s) => Math.round(s * 1e4)));
  });

  it("a spacing that the row does not know must be given", async () => {
    const lines = [row(40 + lesion.marks.slice, { spacing: `${sx}, ${sy}, NaN` })];
    expect((await refusal(withTable(lines))).message).toMatch(/spacing/);
    expect((await withTable(lines, { spacingMm: [sx, sy, 2.5] })).spacingMm).toEqual([sx, sy, 2.5]);
  });

  it("rows whose slice is absent, other sizes, other series are errors that name the line", async () => {
    const missing = await refusal(withTable([row(40 + lesion.marks.slice), row(90)]));
    expect(missing.where).toMatch(/DL_info\.csv:3: lesion 000123_01_02_090-1/);
    expect(missing.what).toMatch(/slice 90 is not in .* slices 40 to/);
    expect((await refusal(withTable([row(40, { size: "512, 512" })]))).what).toMatch(/512 × 512/);
    expect((await refusal(withTable([row(40).replaceAll("000123", "000009")]))).what).toMatch(/no row for series 000123_01_02/);
    expect((await refusal(withTable([row(40)], { image: at("image.nii.gz") }))).message).toMatch(/series/);
  });

  it("JSON marks count slices in file order", async () => {
    const { lesions } = await segment(good, { image: at("000123_01_02"), spacingMm: [sx, sy, sz], method: "ellipse" });
    expect(lesions[0].slice).toBe(lesion.marks.slice);
    expect((await refusal(segment(good, { image: at("000123_01_02") }))).message).toMatch(/spacing/);
  });
});

describe("a marks file of several images", () => {
  const of = (id: string, more: object): object => ({ ...(marked(id, lesion.marks) as object), patient: "P", ...more });

  it("gives the lesions of the image, and what it says about them", async () => {
    const lesions = [
      of("here", { image: "image.nii.gz", window: [-100, 200] }),
      of("there", { image: "lung.nii.gz" }),
      of("slices", { image: "000123_01_02", spacing: [sx, sy, sz] }),
    ];
    const here = await segment(lesions);
    expect(here.lesions).toMatchObject([{ id: "here", window: { low: -100, high: 200 }, windowFrom: "marks file" }]);
    const slices = await segment(lesions, { image: at("000123_01_02") });
    expect(slices).toMatchObject({ kind: "png-slices", spacingMm: [sx, sy, sz], lesions: [{ id: "slices" }] });
    const none = await refusal(segment([lesions[1]]));
    expect(none.what).toBe(`has no lesion of ${at("image.nii.gz")}`);
  });

  it("names the DICOM series where a folder has several", async () => {
    await mkdir(at("two"));
    for (const uid of ["61.7.1", "61.7.2"])
      for (const [z, bytes] of dicomSeries(asFiled, uid).entries()) await writeFile(at(`two/${uid}-${z}.dcm`), bytes);
    const lesions = [of("a", { image: "two", series: "61.7.2" })];
    expect((await segment(lesions, { image: at("two") })).kind).toBe("dicom");
    const both = [...lesions, of("b", { image: "two", series: "61.7.1" })];
    expect((await refusal(segment(both, { image: at("two") }))).message).toMatch(/another series than lesion a .*--series/);
    expect((await segment(both, { image: at("two"), series: "61.7.1" })).lesions.map(({ id }) => id)).toEqual(["b"]);
    expect((await refusal(segment(both, { image: at("two"), series: "61.7.3" }))).what).toBe("has no lesion of series 61.7.3");
  });

  it("that gives an image two spacings is refused", async () => {
    const lesions = [2, 3].map((z) => of(`z${z}`, { image: "000123_01_02", spacing: [sx, sy, z] }));
    expect(await refusal(segment(lesions, { image: at("000123_01_02") }))).toMatchObject({
      where: expect.stringMatching(/lesion z3$/),
      what: "has another spacing than lesion z2",
    });
  });
});

describe("wrong input is refused by name, and nothing is written", () => {
  const { slice, long, short } = lesion.marks;
  const wrong: [string, unknown, RegExp, RegExp][] = [
    [
      "marks outside the image",
      [
        {
          id: "a",
          slice,
          long: [
            [5, 5],
            [nx + 3, 5],
          ],
          short,
        },
      ],
      /lesion a$/,
      /outside the image/,
    ],
    [
      "an axis without length",
      [
        {
          id: "a",
          slice,
          long,
          short: [
            [9, 9],
            [9, 9],
          ],
        },
      ],
      /lesion a$/,
      /short axis has no length/,
    ],
    [
      "a slice that the image lacks",
      [{ id: "a", slice: nz, long, short }],
      /lesion a$/,
      new RegExp(`slice ${nz} is not in the image`),
    ],
    ["the second of two lesions", [marked("a", lesion.marks), { id: "b", slice: 99, long, short }], /lesion b$/, /slice 99/],
    ["one id for two", [marked("a", lesion.marks), marked("a", lesion.marks)], /lesion a$/, /two lesions/],
    ["an id that leaves the folder", [{ id: "../a", slice, long, short }], /lesion number 1$/, /^id: /],
    [
      "a point of three numbers",
      [
        {
          id: "a",
          slice,
          long: [
            [1, 2, 3],
            [4, 5],
          ],
          short,
        },
      ],
      /lesion a$/,
      /^long\[0\]/,
    ],
    ["a slice that is text", [{ id: "a", slice: "12", long, short }], /lesion a$/, /^slice: /],
    ["a misspelt key", [{ id: "a", slice, long, short, Short: short }], /lesion a$/, /Short/],
    ["no lesion", [], /marks\.json$/, /names no lesion/],
    ["an object", { id: "a" }, /marks\.json$/, /array/],
    ["a file that is cut off", '[{"id": "a", "slice"', /marks\.json$/, /is not JSON/],
    ["an empty file", "", /marks\.json$/, /is not JSON/],
  ];
  it.each(wrong)("%s", async (_, marks, where, what) => {
    const error = await refusal(segment(marks, { out: at("refused") }));
    expect(error.where).toMatch(where);
    expect(error.what).toMatch(what);
    expect(existsSync(at("refused"))).toBe(false);
  });

  it("unknown methods get the nearest name; methods and models must match", async () => {
    expect(await refusal(segment(good, { method: "grabcutt-r" }))).toMatchObject({
      where: "--method",
      remedy: 'did you mean "grabcut-r"?',
    });
    expect((await refusal(segment(good, { method: "wsss" }))).what).toMatch(/needs a model/);
    expect((await refusal(segment(good, { method: "ellipse", model: folder }))).what).toMatch(/uses no model/);
    expect((await refusal(segment(good, { model: folder }))).message).toMatch(/model\.json is missing/);
  });

  it("images that are absent, damaged, or of another kind", async () => {
    const whole = await readFile(at("image.nii.gz"));
    await writeFile(at("cut.nii.gz"), whole.subarray(0, whole.length >> 1));
    await writeFile(at("text.nii"), "not an image");
    await mkdir(at("empty"), { recursive: true });
    for (const name of ["absent.nii.gz", "cut.nii.gz", "text.nii", "empty"]) {
      expect((await refusal(segment(good, { image: at(name), out: at("refused") }))).where).toBe(at(name));
    }
    expect((await refusal(segment(good, { spacingMm: [1, 1, 1] }))).what).toMatch(/spacing of its own/);
    expect((await refusal(segmentImage({ image: at("image.nii.gz"), marks: at("absent.json"), out: at("refused") }))).where).toBe(
      at("absent.json"),
    );
    expect(existsSync(at("refused"))).toBe(false);
  });

  it("an output that is a file, or lies in one", async () => {
    await writeFile(at("file"), "");
    expect((await refusal(segment(good, { out: at("file") }))).where).toBe(at("file"));
    expect((await refusal(segment(good, { out: at("file/below") }))).where).toBe(at("file/below"));
  });
});

describe("the folder", () => {
  it("keeps what lies in it and replaces files of the same name", async () => {
    await mkdir(at("kept"));
    await writeFile(at("kept/notes.txt"), "mine");
    await writeFile(at("kept/a.png"), "old");
    await segment(good, { out: at("kept") });
    expect(await readFile(at("kept/notes.txt"), "utf8")).toBe("mine");
    expect((await readFile(at("kept/a.png"))).subarray(1, 4).toString()).toBe("PNG");
  });

  it("is as before when the work fails, and no temporary folder is left", async () => {
    await mkdir(at("old"));
    await writeFile(at("old/measurements.csv"), "old");
    // A window that is none fails only once the lesions are worked on.
    await expect(segment(good, { out: at("old"), window: { low: 100, high: 100 } })).rejects.toThrow(/window/);
    expect(await readdir(at("old"))).toEqual(["measurements.csv"]);
    expect(await readFile(at("old/measurements.csv"), "utf8")).toBe("old");
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("never replaces what is read: the image, the marks, or a file by another name", async () => {
    await mkdir(at("own"));
    await writeFile(at("own/scan.nii.gz"), await readFile(at("image.nii.gz")));
    await symlink(at("own/scan.nii.gz"), at("own/a.nii.gz"));
    await link(at("own/scan.nii.gz"), at("own/b.nii.gz"));
    const before = await readFile(at("own/scan.nii.gz"));
    for (const id of ["scan", "a", "b"]) {
      const error = await refusal(segment([marked(id, lesion.marks)], { image: at("own/scan.nii.gz"), out: at("own") }));
      expect(error).toMatchObject({
        where: at(`own/${id}.nii.gz`),
        what: expect.stringMatching(/^would replace .*scan\.nii\.gz/),
      });
    }
    expect((await readFile(at("own/scan.nii.gz"))).equals(before)).toBe(true);
    expect((await readdir(at("own"))).sort()).toEqual(["a.nii.gz", "b.nii.gz", "scan.nii.gz"]);
  });

  it("is not half replaced where a name is taken by a folder", async () => {
    await mkdir(at("half/a.png"), { recursive: true });
    await writeFile(at("half/a.nii.gz"), "old");
    const error = await refusal(segment(good, { out: at("half") }));
    expect(error.where).toBe(at("half/a.png"));
    expect(await readFile(at("half/a.nii.gz"), "utf8")).toBe("old");
  });

  it("may be a link to another file system", async () => {
    const other = await mkdtemp("/dev/shm/recist3d-segment-");
    try {
      await symlink(other, at("link"));
      await segment(good, { out: at("link") });
      expect((await readdir(other)).sort()).toEqual(["a.nii.gz", "a.png", "measurements.csv"]);
    } finally {
      await rm(other, { recursive: true });
    }
  });

  it("tells of masks that the new table no longer lists", async () => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      await segment([marked("first", lesion.marks)], { out: at("twice") });
      await segment([marked("second", lesion.marks)], { out: at("twice") });
      const text = said.mock.calls.map(([line]) => line).join("");
      expect(text).toContain(`${at("twice")} also holds masks of earlier runs`);
      expect(text).toMatch(/no longer tells of: first\.nii\.gz\n/);
    } finally {
      said.mockRestore();
    }
  });

  it("tells of marks that an earlier run measured, and of its own that are hardly of one lesion", async () => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      await mkdir(at("measured"));
      for (const file of ["marks.json", "measurements.csv"]) await writeFile(at(`measured/${file}`), "[]");
      const { slice, long, short } = lesion.marks;
      const aside = short.map(([x, y]) => [x + 15, y]);
      await segment([{ id: "a", slice, long, short: aside }], { out: at("measured") });
      const text = said.mock.calls.map(([line]) => line).join("");
      expect(text).toContain(`${at("measured/marks.json")} is of an earlier run`);
      expect(text).toMatch(/lesion a: its diameters do not cross each other: are these the marks of one lesion\?/);
    } finally {
      said.mockRestore();
    }
  });

  it("whose name is empty is refused", async () => {
    expect((await refusal(segment(good, { out: "" }))).what).toMatch(/empty/);
  });

  it.skipIf(process.getuid?.() === 0)("that cannot be written is refused (root can write anywhere)", async () => {
    await mkdir(at("locked"));
    await chmod(at("locked"), 0o555);
    expect((await refusal(segment(good, { out: at("locked/out") }))).what).toMatch(/cannot be written/);
  });
});

describe("without marks", () => {
  const { low, high } = boundingBox(lesion.marks);
  const box = {
    slice: lesion.marks.slice,
    low: low.map(Math.floor) as unknown as Point,
    high: high.map(Math.ceil) as unknown as Point,
  };
  const boxText = [...box.low, ...box.high, box.slice].join(",");
  const place = (options: Partial<SegmentOptions>): ReturnType<typeof segmentImage> =>
    segmentImage({ image: at("image.nii.gz"), out: at("unmarked"), window: lesion.window, ...options });
  /** A model that was trained with this share of samples without marks; null: it does not say. */
  const models = async (absent: number | null): Promise<string> => {
    const spec = networkSpecSchema.parse({ network: "unet", width: 0.03, channels: 2 });
    const preprocessing = preprocessingSchema.parse({ channels: ["window", "ellipsoid"], crop: { size: 32 } });
    const options =
      absent === null ? null : trainingOptionsSchema.parse({ seed: 1, augmentation: { from: "image", marks: { absent } } });
    const model: Model = { spec, preprocessing, training: options && { options, history: [] }, weights: initialWeights(spec, 3) };
    const name = at(`absent-${absent}`);
    await mkdir(name, { recursive: true });
    for (const [file, bytes] of Object.entries(encodeModel(model))) await writeFile(path.join(name, file), bytes);
    return name;
  };

  it("a box, without a model: the method from the axes of the ellipse inscribed in it; measured as marks", async () => {
    const document = await place({ boxes: [boxText] });
    const marks = inscribedAxes(box, asFiled);
    expect(document).toMatchObject({ method: "grabcut-prior-3d", marks: "marks.json" });
    expect(document.lesions).toMatchObject([{ id: "box-1", from: "box", marksLongMm: null, outcome: "segmented" }]);
    const mask = readNiftiMask(await readFile(at("unmarked/box-1.nii.gz")), "mask");
    expect(mask.data).toEqual(segmentVolume("grabcut-prior-3d", asFiled, marks, lesion.window).mask.data);
    expect((await readdir(at("unmarked"))).sort()).toEqual(["box-1.nii.gz", "box-1.png", "marks.json", "measurements.csv"]);
    // What was measured is a marks file: from it the same image is segmented again.
    const again = await segmentImage({ image: at("image.nii.gz"), marks: at("unmarked/marks.json"), out: at("again") });
    const [{ measured }] = document.lesions;
    expect(again.lesions[0]).toMatchObject({ id: "box-1", slice: measured?.slice, from: "marks" });
    expect(again.lesions[0].marksLongMm).toBeCloseTo(lengthMm(measured!.long, asFiled.spacingMm), 6);
  });

  it("a box in which nothing is found leaves no marks of an earlier run beside the empty mask", async () => {
    await place({ boxes: [boxText], out: at("emptied") });
    const corner = `0,0,1,1,${box.slice}`;
    const document = await place({ boxes: [corner], out: at("emptied") });
    expect(document).toMatchObject({ marks: "marks.json", lesions: [{ outcome: "empty" }] });
    expect(JSON.parse(await readFile(at("emptied/marks.json"), "utf8"))).toEqual([]);
    expect(
      (await refusal(segmentImage({ image: at("image.nii.gz"), marks: at("emptied/marks.json"), out: at("again") }))).what,
    ).toMatch(/no lesion/);
  });

  it("a box, beside a file marks.json that no earlier run wrote, is refused", async () => {
    await mkdir(at("foreign"));
    await writeFile(at("foreign/marks.json"), "by hand");
    const error = await refusal(place({ boxes: [boxText], out: at("foreign") }));
    expect(error).toMatchObject({ where: at("foreign/marks.json"), what: expect.stringContaining("not of an earlier run") });
    expect(await readFile(at("foreign/marks.json"), "utf8")).toBe("by hand");
    await place({ boxes: [boxText], out: at("unmarked") });
    await place({ boxes: [boxText], out: at("unmarked") });
  });

  it("GrabCut from a box is that of that box, whatever axes lie in it", async () => {
    await place({ boxes: [boxText], method: "grabcut-i", out: at("grabcut") });
    const diagonal: RecistMarks = {
      slice: box.slice,
      long: [box.low, box.high],
      short: [
        [box.low[0], box.high[1]],
        [box.high[0], box.low[1]],
      ],
    };
    const mask = readNiftiMask(await readFile(at("grabcut/box-1.nii.gz")), "mask");
    expect(voxelsOf(mask.data)).toBeGreaterThan(0);
    expect(mask.data).toEqual(segmentVolume("grabcut-i", asFiled, diagonal, lesion.window).mask.data);
  });

  it("PNG slices too, several boxes", async () => {
    const { kind, lesions } = await place({
      image: at("000123_01_02"),
      spacingMm: [sx, sy, sz],
      boxes: [boxText, boxText],
      method: "ellipse",
      out: at("unmarked-png"),
    });
    expect(kind).toBe("png-slices");
    expect(lesions.map(({ id }) => id)).toEqual(["box-1", "box-2"]);
  });

  it("a box with a model is the network's mask in the region of the box, with marks that it measures", async () => {
    const model = await models(0.2);
    const { lesions } = await place({ boxes: [boxText], model, out: at("network") });
    const decoded = decodeModel(
      {
        "model.json": await readFile(`${model}/model.json`),
        "weights.safetensors": await readFile(`${model}/weights.safetensors`),
      },
      model,
    );
    const seen = { image: asFiled, marks: regionOfBox(box), window: lesion.window };
    const { mask } = await predictVolume(decoded, await openBackend(), seen, { measured: true });
    const written = readNiftiMask(await readFile(at(`network/${lesions[0].mask}`)), "mask");
    expect(written.dims).toEqual(asFiled.dims);
    expect(voxelsOf(mask.data)).toBeGreaterThan(0);
    expect(written.data).toEqual(mask.data);
  }, 60_000);

  it("a model that was shown marks in every sample, or does not say, is refused", async () => {
    for (const absent of [0, null]) {
      const { what } = await refusal(place({ boxes: [boxText], model: await models(absent), out: at("refused") }));
      expect(what).toMatch(/is shown the marks \(ellipsoid\) and (never|does not say)/);
    }
    expect(existsSync(at("refused"))).toBe(false);
  });

  it.each([
    ["a slice that is not there", { boxes: [`1,1,9,9,${nz}`] }, /slice \d+ is not in the image/],
    ["half a slice", { boxes: ["1,1,9,9,1.5"] }, /slice 1.5 is not in the image/],
    ["a box that leaves the image", { boxes: [`1,1,${nx},9,1`] }, /outside the image/],
    ["a box the wrong way round", { boxes: ["9,1,1,9,1"] }, /x goes from 9 back to 1/],
    ["an empty box", { boxes: ["4,1,4,9,1"] }, /box is empty: x/],
    ["a second box that is wrong", { boxes: [boxText, "1,1,2,1,0"] }, /box is empty: y/],
    ["four numbers", { boxes: ["1,1,9,9"] }, /not 5 numbers/],
    ["words", { boxes: ["1,1,9,x,2"] }, /not 5 numbers/],
    ["a point without a model", { points: ["5,5,1"] }, /a point needs a model/],
    ["a method that needs the axes", { boxes: [boxText], method: "grabcut-r" }, /grabcut-r needs marks/],
    ["nothing", {}, /nothing says where/],
    ["marks and a box", { boxes: [boxText], marks: "marks.json" }, /at once/],
  ] as [string, Partial<SegmentOptions>, RegExp][])("refuses %s, and writes nothing", async (_, options, what) => {
    expect((await refusal(place({ ...options, out: at("refused") }))).what).toMatch(what);
    expect(existsSync(at("refused"))).toBe(false);
  });
});

describe("with a model", () => {
  it("wsss is the model's prediction on the crop that data sets make, put back in its place; wsss-gc and wsss-prior its refinements", async () => {
    const spec = networkSpecSchema.parse({ network: "unet", width: 0.03, channels: 2 });
    const preprocessing = preprocessingSchema.parse({ channels: ["window", "ellipsoid"], crop: { size: 32 } });
    const model: Model = { spec, preprocessing, training: null, weights: initialWeights(spec, 3) };
    await mkdir(at("model"));
    for (const [name, bytes] of Object.entries(encodeModel(model))) await writeFile(path.join(at("model"), name), bytes);
    const backend = await openBackend();
    const range = lesionRange(lesion.marks, asFiled.spacingMm, asFiled.dims);
    expect(range.start).not.toEqual([0, 0, 0]);
    const crop = {
      image: cropVolume(asFiled, range.start, range.end),
      marks: marksInRange(lesion.marks, range),
      window: lesion.window,
    };
    for (const [method, postprocess] of [
      ["wsss", "none"],
      ["wsss-gc", "grabcut"],
      ["wsss-prior", "prior"],
    ] as const) {
      const document = await segment(good, {
        model: at("model"),
        window: lesion.window,
        ...(method === "wsss" ? {} : { method }),
      });
      const { mask } = await predictVolume(model, backend, crop, { postprocess });
      expect(document.method).toBe(method);
      expect(mask.data.includes(1)).toBe(true);
      const written = readNiftiMask(await readFile(at("out/a.nii.gz")), "a");
      expect(written.dims).toEqual(asFiled.dims);
      expect(cropVolume(written, range.start, range.end).data).toEqual(mask.data);
      expect(voxelsOf(written.data)).toBe(voxelsOf(mask.data));
    }
  }, 60_000);

  it("a folder's model that looks at enhanced slices is refused, since its stacked GAN is not there", async () => {
    const spec = networkSpecSchema.parse({ network: "unet", width: 0.03, channels: 2 });
    const preprocessing = preprocessingSchema.parse({ channels: ["window", "enhanced"], crop: { size: 32 } });
    const model: Model = { spec, preprocessing, training: null, weights: initialWeights(spec, 3) };
    await mkdir(at("enhanced"));
    for (const [name, bytes] of Object.entries(encodeModel(model))) await writeFile(path.join(at("enhanced"), name), bytes);
    const { what, remedy } = await refusal(segment(good, { model: at("enhanced") }));
    expect(what).toContain("a stacked GAN enhances, which is not in the folder");
    expect(remedy).toContain("CAMPAIGN/STEP.model");
  });

  it("a model that is damaged is refused by file", async () => {
    await mkdir(at("broken"));
    await writeFile(at("broken/model.json"), "{");
    await writeFile(at("broken/weights.safetensors"), "");
    expect((await refusal(segment(good, { model: at("broken") }))).where).toBe(`${at("broken")}/model.json`);
  });
});

describe("the command", () => {
  const run = async (...words: string[]): Promise<{ stdout: string; stderr: string }> => {
    const [stdout, stderr] = [
      vi.spyOn(process.stdout, "write").mockReturnValue(true),
      vi.spyOn(process.stderr, "write").mockReturnValue(true),
    ];
    try {
      const program = new Command().exitOverride();
      register(program);
      await program.parseAsync(
        ["segment", "--image", at("image.nii.gz"), "--marks", at("good.json"), "--out", at("command"), ...words],
        { from: "user" },
      );
      return {
        stdout: stdout.mock.calls.map(([text]) => text).join(""),
        stderr: stderr.mock.calls.map(([text]) => text).join(""),
      };
    } finally {
      stdout.mockRestore();
      stderr.mockRestore();
    }
  };
  beforeAll(() => writeFile(at("good.json"), JSON.stringify(good)));

  it("prints one JSON document with --json, and says on stderr which window it chose", async () => {
    const { stdout, stderr } = await run("--json");
    expect(JSON.parse(stdout)).toMatchObject({
      method: "grabcut-r",
      lesions: [{ id: "a", outcome: "segmented", mask: "a.nii.gz", overlay: "a.png" }],
    });
    expect(stderr).toMatch(/a: soft-tissue window -160 … 240 HU/);
  });

  it("says of a method for one slice that its volume is that slice's", async () => {
    const ending = "; ml is of the marked slice alone (volumes: --method grabcut-prior-3d)\n";
    expect((await run()).stdout.endsWith(ending)).toBe(true);
    expect((await run("--method", "ellipsoid")).stdout).not.toContain("slice alone");
  });

  it("ends with 2 where the input is wrong, with one line on stderr and nothing on stdout", () => {
    const program = fileURLToPath(new URL("../../bin/recist3d", import.meta.url));
    const { status, stdout, stderr } = spawnSync(
      program,
      ["segment", "--image", at("image.nii.gz"), "--marks", at("absent.json"), "--out", at("command"), "--json"],
      {
        encoding: "utf8",
        env: { ...process.env, RECIST3D_SETUP: "none" },
      },
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^recist3d: .*absent\.json: cannot be read \(ENOENT\) — .*\n$/);
  });

  it("takes a window that begins with a minus", async () => {
    const { stdout, stderr } = await run("--window", "-150,250", "--json");
    expect(JSON.parse(stdout).lesions[0].window).toEqual({ low: -150, high: 250 });
    expect(stderr).toBe("");
  });

  it.each([
    ["--window", "250,-150"],
    ["--window", "1,2,3"],
    ["--window", "a,b"],
    ["--window", ",5"],
    ["--spacing", "1,1"],
    ["--spacing", "1,1,0"],
    ["--spacing", "1,1,1e999"],
  ])("refuses %s %s", async (option, value) => {
    expect((await refusal(run(option, value))).where).toBe(option);
  });
});

const shared = path.resolve(process.env.RECIST3D_SHARED_DATA ?? "../shared/data", "deeplesion");
describe.skipIf(!existsSync(shared))("real slices (skipped where ../shared/data is absent)", () => {
  it("of DeepLesion with the table as distributed: GrabCut-R agrees with the human 3D mask on the key slice", async () => {
    const { lesions } = await segmentImage({
      image: path.join(shared, "Images_png/000001_02_01"),
      marks: path.join(shared, "DL_info.csv"),
      out: at("real"),
    });
    const key = lesions.find(({ id }) => id.startsWith("000001_02_01_017"));
    const mask = readNiftiMask(await readFile(at(`real/${key?.mask}`)), "mask");
    const truth = readNiftiMask(await readFile(path.join(shared, "masks3d/000001_02_01_008-023_mask.nii.gz")), "truth");
    const [a, b] = [sliceOf(mask, 9).data, sliceOf(truth, 9).data];
    let [both, sum] = [0, 0];
    for (let i = 0; i < a.length; i++) [both, sum] = [both + (a[i] & b[i]), sum + a[i] + b[i]];
    expect((2 * both) / sum).toBeGreaterThan(0.9);
  });
});
