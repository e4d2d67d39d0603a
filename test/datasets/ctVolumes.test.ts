import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openCtVolumes } from "../../methods/datasets/ctVolumes.ts";
import { writeNifti } from "../../methods/imaging/nifti.ts";
import { dicomSegmentation, dicomSeries } from "./dicomFiles.ts";
import { axialGrid, ctOf, ellipsoid, labelVolume, put } from "./lymphNodeFolder.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-ct-volumes-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const ctOfSlices = (slices: number) =>
  ctOf(labelVolume(axialGrid([40, 30, slices], [1, 1, 2]), [ellipsoid([5, 4, 3], [8, 8, 2])]));
const SCAN = ctOfSlices(20);
const write = (folder: string, uid: string, ct = SCAN): void =>
  dicomSeries(ct, uid).forEach((bytes, z) => put(path.join(root, folder, `${uid}-${z}`), bytes));

it("finds NIfTI files and DICOM series by their paths, in one order", async () => {
  put(path.join(root, "B/image.nii.gz"), writeNifti(SCAN));
  put(path.join(root, "B/mask.nii.gz"), "is not read");
  put(path.join(root, "d.nii"), "is not read while listing");
  write("A/study/series", "61.7.1");
  put(path.join(root, "A/study/seg/1.dcm"), dicomSegmentation("61.8.1"));
  const { entries, skipped, load } = await openCtVolumes(root);
  expect(entries.map(({ id, patient, files }) => [id, patient, files.length])).toEqual([
    ["A_study_series", "A", 20],
    ["B_image", "B", 1],
    ["d", "d", 1],
  ]);
  expect(skipped).toEqual({});
  const [dicom, nifti] = await Promise.all([load(0), load(1)]);
  expect(dicom.volume.dims).toEqual(SCAN.dims);
  expect([...dicom.volume.data]).toEqual([...SCAN.data]);
  expect([...nifti.volume.data]).toEqual([...SCAN.data]);
});

it("tells series of one folder apart, and counts those that are no scan", async () => {
  write("A", "61.7.1");
  write("A", "61.7.2", { ...SCAN, data: SCAN.data.map((hu) => hu + 5) });
  write("A", "61.7.3", ctOfSlices(3));
  const { entries, skipped, load } = await openCtVolumes(root);
  expect(entries.map(({ id, patient }) => [id, patient])).toEqual([
    ["A_series-61.7.1", "A"],
    ["A_series-61.7.2", "A"],
  ]);
  expect(skipped).toEqual({ "CT series of fewer than 16 slices": 1 });
  const [first, second] = await Promise.all([load(0), load(1)]);
  expect(second.volume.data[0] - first.volume.data[0]).toBe(5);
});

it("says what is missing where there is nothing to search", async () => {
  await expect(openCtVolumes(path.join(root, "gone"))).rejects.toThrow(/cannot be listed \(ENOENT\)/);
  mkdirSync(path.join(root, "empty"));
  await expect(openCtVolumes(path.join(root, "empty"))).rejects.toThrow(/holds no CT volume — give a folder with NIfTI files/);
  write("A", "61.7.3", ctOfSlices(3));
  await expect(openCtVolumes(root)).rejects.toThrow(/holds only 1 CT series of fewer than 16 slices/);
});

it("refuses two volumes of one name", async () => {
  put(path.join(root, "a b.nii"), "");
  put(path.join(root, "a_b.nii"), "");
  await expect(openCtVolumes(root)).rejects.toThrow(/a_b\.nii: would be called a_b, as a b\.nii is/);
});
