import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeCsvTable } from "../../methods/datasets/csvTable.ts";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { openMarkedScans } from "../../methods/datasets/markedScans.ts";
import { marksOfMask } from "../../methods/datasets/simulatedMarks.ts";
import { splitByPatient } from "../../methods/datasets/split.ts";
import { LUNG, SOFT_TISSUE } from "../../methods/datasets/windowOf.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { encodeCtPng } from "../../methods/imaging/png16.ts";
import { type LabelVolume, scalingAffine, sliceOf, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { lengthMm, type RecistMarks } from "../../methods/labels/recist.ts";
import { dicomSeries, PERSON } from "./dicomFiles.ts";
import { axialGrid, ctOf, ellipsoid, labelVolume, put, stored } from "./lymphNodeFolder.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-marked-scans-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const GRID = axialGrid([96, 60, 24], [0.8, 0.8, 2]);
/** Two lesions, far from each other. */
const LESIONS = labelVolume(GRID, [ellipsoid([9, 6, 4], [8, 10, 3]), ellipsoid([5, 8, 3], [70, 30, 12])]);
const CT = ctOf(LESIONS);
const onlyLabel = (label: number): LabelVolume => ({ ...LESIONS, data: LESIONS.data.map((one) => (one === label ? 1 : 0)) });
const [A, B] = [1, 2].map((label) => marksOfMask(onlyLabel(label))!);

const writeMarks = (lesions: unknown): void => put(path.join(root, "marks.json"), JSON.stringify(lesions));
const lesion = (id: string, { slice, long, short }: RecistMarks, more: object = {}): object => ({
  id,
  slice,
  long,
  short,
  image: "one/ct.nii.gz",
  patient: "P1",
  ...more,
});
const writeNiftiCt = (file = "one/ct.nii.gz", ct: Volume = CT): void => put(path.join(root, file), writeNifti(ct));
const writeDicomCt = (folder: string, uid: string, ct: Volume = CT): void =>
  dicomSeries(ct, uid).forEach((bytes, z) => put(path.join(root, folder, `${z}.dcm`), bytes));
const allCases = async (): Promise<LesionCase[]> => {
  const source = await openMarkedScans(root);
  const cases = [];
  for (const [i] of source.entries.entries()) cases.push(...(await source.load(i)).cases);
  return cases;
};
async function refusal(promise: Promise<unknown>): Promise<InputError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** The HU that a case shows at a voxel of its volume. */
function huAt({ image, source }: LesionCase, [x, y, z]: Vec3): number {
  const [nx, ny] = image.dims;
  const [i, j, k] = [x - source.origin[0], y - source.origin[1], z - source.origin[2]];
  return image.data[(k * ny + j) * nx + i];
}

describe("marked scans", () => {
  it("lists images with their files, and reads every lesion where it was marked", async () => {
    writeNiftiCt();
    writeDicomCt("two/series", "61.7.1");
    writeMarks([
      lesion("a", A),
      lesion("c", A, { image: "two/series", patient: "P2", category: "liver" }),
      lesion("b", B, { window: [-100, 200] }),
    ]);
    const { entries, index, skipped } = await openMarkedScans(root);
    expect(index).toEqual(["marks.json"]);
    expect(skipped).toEqual({});
    expect(entries).toEqual([
      { id: "one/ct.nii.gz", patient: "P1", files: ["one/ct.nii.gz"] },
      { id: "two/series", patient: "P2", files: expect.arrayContaining(["two/series/0.dcm", "two/series/23.dcm"]) },
    ]);
    expect(entries[1].files).toHaveLength(24);
    const cases = await allCases();
    expect(cases.map(({ id, patient, category }) => [id, patient, category])).toEqual([
      ["a", "P1", "unknown"],
      ["b", "P1", "unknown"],
      ["c", "P2", "liver"],
    ]);
    for (const one of cases) {
      const marks = one.id === "b" ? B : A;
      const [x0, y0, z0] = one.source.origin;
      expect(one.marks.slice + z0).toBe(marks.slice);
      expect(one.marks.long.map(([x, y]) => [x + x0, y + y0])).toEqual(marks.long.map((point) => [...point]));
      const [x, y] = marks.long[0].map(Math.round);
      expect(huAt(one, [x, y, marks.slice])).toBe(sliceOf(CT, marks.slice).data[y * 96 + x]);
      expect(one.reference).toBeUndefined();
      expect(one.notes).toEqual([]);
    }
    expect(cases.map(({ window }) => window)).toEqual([SOFT_TISSUE, { low: -100, high: 200 }, SOFT_TISSUE]);
  });

  it("keeps nothing that DICOM headers say of the person", async () => {
    writeDicomCt("two", "61.7.1");
    writeMarks([lesion("c", A, { image: "two" })]);
    const said = JSON.stringify(await allCases());
    for (const secret of Object.values(PERSON)) expect(said).not.toContain(secret);
  });

  it("reads PNG slices by the spacing that the lesion gives", async () => {
    for (let z = 0; z < 24; z++)
      put(
        path.join(root, "png", `${String(z + 1).padStart(3, "0")}.png`),
        encodeCtPng(sliceOf(CT as Volume & { data: Int16Array }, z)),
      );
    writeMarks([lesion("a", A, { image: "png", spacing: [0.8, 0.8, 2] })]);
    const [{ image, source }] = await allCases();
    expect(image.spacingMm).toEqual([0.8, 0.8, 2]);
    expect(image.affine.filter((_, i) => i % 5 === 0)).toEqual(scalingAffine([0.8, 0.8, 2]).filter((_, i) => i % 5 === 0));
    expect(source.series).toBe("png");
  });

  it("chooses the window by what lies around the marks", async () => {
    writeNiftiCt("one/ct.nii.gz", { ...CT, data: CT.data.map((hu) => (hu < 0 ? -850 : hu)) });
    writeMarks([lesion("a", A)]);
    expect((await allCases())[0].window).toEqual(LUNG);
  });

  it("takes of a mask the part at the marks, wherever its axes run", async () => {
    writeNiftiCt();
    put(path.join(root, "one/masks.nii.gz"), writeNiftiMask(stored(LESIONS, [false, true, false])));
    writeMarks([lesion("a", A, { mask: "one/masks.nii.gz" }), lesion("b", B, { mask: "one/masks.nii.gz" })]);
    const cases = await allCases();
    for (const [i, { reference, source, notes }] of cases.entries()) {
      const { dims, data } = reference!;
      const voxels = LESIONS.data.reduce((sum, label) => sum + (label === i + 1 ? 1 : 0), 0);
      expect(data.reduce((sum, value) => sum + value, 0)).toBe(voxels);
      data.forEach((value, p) => {
        if (value === 0) return;
        const [x, y, z] = [p % dims[0], Math.floor(p / dims[0]) % dims[1], Math.floor(p / (dims[0] * dims[1]))];
        const [x0, y0, z0] = source.origin;
        expect(LESIONS.data[((z + z0) * 60 + y + y0) * 96 + x + x0]).toBe(i + 1);
      });
      expect(notes).toEqual(["mask's axes (y) were turned to the CT's, as both affines say"]);
    }
  });

  it("puts the longer axis first, and tells marks that hardly are one lesion's", async () => {
    writeNiftiCt();
    writeMarks([lesion("a", { ...A, long: A.short, short: A.long }), lesion("odd", { ...A, short: B.short })]);
    const [first, odd] = await allCases();
    expect(lengthMm(first.marks.long, GRID.spacingMm)).toBeGreaterThan(lengthMm(first.marks.short, GRID.spacingMm));
    expect(first.notes).toEqual([]);
    expect(odd.notes).toEqual([expect.stringMatching(/diameters/)]);
  });

  it("splits as the file says", async () => {
    writeNiftiCt();
    writeNiftiCt("two.nii.gz");
    writeMarks([lesion("a", A, { split: "train" }), lesion("b", A, { image: "two.nii.gz", patient: "P2", split: "test" })]);
    const { entries } = await openMarkedScans(root);
    expect([...splitByPatient(entries, { official: true })]).toEqual([
      ["P1", "train"],
      ["P2", "test"],
    ]);
  });

  it.each<[string, object[], RegExp, string?]>([
    ["no image", [{ image: undefined }], /names no image/],
    ["no patient", [{ patient: undefined }], /names no patient/],
    ["a patient's name", [{ patient: "Doe, Jane^" }], /pseudonym/],
    ["an image that is not there", [{ image: "three.nii.gz" }], /cannot be opened \(ENOENT\)/],
    ["an empty folder", [{ image: "empty" }], /neither PNG slices nor a DICOM series/],
    ["an image elsewhere", [{ image: "../ct.nii.gz" }], /does not lie below/],
    ["an absolute path", [{ image: "/etc/passwd" }], /does not lie below/],
    ["a mask elsewhere", [{ mask: "one/../../mask.nii.gz" }], /does not lie below/],
    ["an unknown category", [{ category: "brain" }], /category/],
    ["a window upside down", [{ window: [200, -100] }], /window: must ascend/],
    ["a word that is none of the form", [{ pateint: "P1" }], /pateint/],
    ["two patients of one image", [{}, { patient: "P2" }], /another patient than lesion a0/, "lesion a1"],
    ["two sides of a split", [{ split: "train" }, { split: "test" }], /another split than lesion a0/, "lesion a1"],
  ])("%s is refused before anything is read, with the lesion", async (_, changes, what, where = "lesion a0") => {
    writeNiftiCt();
    put(path.join(root, "empty/readme.txt"), "nothing");
    writeMarks(changes.map((more, i) => lesion(`a${i}`, A, more)));
    const error = await refusal(openMarkedScans(root));
    expect(error.what).toMatch(what);
    expect(error.where).toContain(path.join(root, "marks.json"));
    expect(error.where).toContain(where);
  });

  it.each<[string, object, RegExp]>([
    ["a slice beyond the image", { slice: 24 }, /slice 24 is not in the image, which has slices 0 to 23/],
    [
      "a point outside",
      {
        long: [
          [1, 1],
          [97, 1],
        ],
      },
      /outside the image of 96 × 60 pixels/,
    ],
    [
      "an axis without length",
      {
        short: [
          [3, 3],
          [3, 3],
        ],
      },
      /the short axis has no length/,
    ],
    ["a mask of another lesion", { mask: "one/b.nii.gz" }, /less than half of its marks lie in the mask/],
    ["an empty mask", { mask: "one/none.nii.gz" }, /is empty/],
    ["a mask on another grid", { mask: "one/other.nii.gz" }, /lies on another grid than/],
    ["a mask that is not there", { mask: "one/gone.nii.gz" }, /cannot be read \(ENOENT\)/],
    ["a series where there is none", { series: "1.2.3" }, /no DICOM series/],
    ["a spacing of what has its own", { spacing: [1, 1, 1] }, /has a spacing of its own/],
  ])("%s is refused", async (_, more, what) => {
    writeNiftiCt();
    put(path.join(root, "one/b.nii.gz"), writeNiftiMask(onlyLabel(2)));
    put(path.join(root, "one/none.nii.gz"), writeNiftiMask(onlyLabel(3)));
    const other = labelVolume(axialGrid([95, 60, 24], [0.8, 0.8, 2]), [ellipsoid([9, 6, 4], [8, 10, 3])]);
    put(path.join(root, "one/other.nii.gz"), writeNiftiMask(other));
    writeMarks([lesion("a", A, more)]);
    const error = await refusal(allCases());
    expect(`${error.where} ${error.what}`).toMatch(what);
  });

  it("of several DICOM series the one that is meant is read, each with its lesions", async () => {
    writeDicomCt("two/a", "61.7.1");
    writeDicomCt("two/b", "61.7.2", { ...CT, data: CT.data.map((hu) => hu + 5) });
    writeMarks([lesion("a", A, { image: "two", series: "61.7.1" }), lesion("b", A, { image: "./two/", series: "61.7.2" })]);
    const [first, second] = await allCases();
    const middle = A.long[0].map(Math.round);
    const at: Vec3 = [middle[0], middle[1], A.slice];
    expect(huAt(second, at) - huAt(first, at)).toBe(5);
    writeMarks([lesion("a", A, { image: "two" })]);
    expect((await refusal(allCases())).what).toBe("holds 2 CT series");
  });

  it("may list its lesions in a table", async () => {
    writeNiftiCt();
    const cells = [A, B].map(({ slice, long, short }, i) => [
      `l${i}`,
      slice,
      ...[...long, ...short].flat(),
      "one/ct.nii.gz",
      "P1",
    ]);
    const axes = ["long", "short"].flatMap((axis) => ["x1", "y1", "x2", "y2"].map((end) => `${axis}_${end}`));
    put(path.join(root, "marks.csv"), writeCsvTable(["id", "slice", ...axes, "image", "patient"], cells));
    const tabled = await allCases();
    expect((await openMarkedScans(root)).index).toEqual(["marks.csv"]);
    rmSync(path.join(root, "marks.csv"));
    writeMarks([lesion("l0", A), lesion("l1", B)]);
    expect(tabled).toEqual(await allCases());
    put(path.join(root, "marks.csv"), "");
    expect((await refusal(openMarkedScans(root))).message).toBe(`${root}: holds marks.json and marks.csv — leave one of them`);
  });

  it("a folder without marks.json says what is wanted", async () => {
    expect(await refusal(openMarkedScans(root))).toMatchObject({ where: root, what: expect.stringContaining("marks.json") });
  });
});
