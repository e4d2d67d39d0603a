import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { segmentImage } from "../../cli/commands/segment.ts";
import { readMarksFile } from "../../cli/marksFile.ts";
import { writeNifti } from "../../methods/imaging/nifti.ts";
import { openImage } from "../../methods/imaging/openImage.ts";
import { put } from "../datasets/lymphNodeFolder.ts";
import { reportBytes, reportedSeriesFiles, reportFixture } from "../datasets/reportFixture.ts";

let root: string;
let said: string[];
const at = (name: string): string => path.join(root, name);
const putSeries = (folder: string, uid = reportFixture.uid): void =>
  reportedSeriesFiles([], uid).forEach((bytes, z) => put(at(`${folder}/${z}.dcm`), bytes));
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-report-marks-"));
  said = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  putSeries("ct");
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => expect.fail("it was accepted"),
    (error: Error) => error.message.replaceAll(root, "."),
  );

describe("marks in a DICOM structured report", () => {
  it("are those of a marks file with the same end points", async () => {
    put(at("sr.dcm"), reportBytes("dcmjs"));
    const marks = reportFixture.lesions.map(({ slice, long, short }, i) => ({ id: `m${i}`, slice, long, short }));
    writeFileSync(at("marks.json"), JSON.stringify(marks));
    const options = { image: at("ct"), method: "ellipse", window: { low: 0, high: 400 } };
    const reported = await segmentImage({ ...options, marks: at("sr.dcm"), out: at("reported") });
    const filed = await segmentImage({ ...options, marks: at("marks.json"), out: at("filed") });
    expect(reported.lesions.map(({ id }) => id)).toEqual(["Target-1", "Target-2"]);
    reported.lesions.forEach(({ volumeMl, slice, marksLongMm, marksShortMm }, i) => {
      const other = filed.lesions[i];
      expect([volumeMl, slice]).toEqual([other.volumeMl, other.slice]);
      expect(marksLongMm).toBeCloseTo(other.marksLongMm!, 3);
      expect(marksShortMm).toBeCloseTo(other.marksShortMm!, 3);
    });
  });

  it("give a DICOM segmentation that goes on tracking its lesions, where it is asked for", async () => {
    put(at("sr.dcm"), reportBytes("highdicom, 2D"));
    const options = { image: at("ct"), marks: at("sr.dcm"), method: "ellipse", dicomSeg: true };
    expect((await segmentImage({ ...options, out: at("out") })).segmentation).toBe("segmentation.dcm");
    const written = readFileSync(at("out/segmentation.dcm")).toString("latin1");
    for (const { tracking } of reportFixture.lesions) expect(written).toContain(tracking);
    // Without the option, what it wrote is not of the masks beside it.
    expect((await segmentImage({ ...options, dicomSeg: false, out: at("out") })).segmentation).toBeUndefined();
    expect(said.join("")).toContain("segmentation.dcm is of an earlier run, and not of these masks");
    put(at("foreign/segmentation.dcm"), "not ours");
    expect(await refusal(segmentImage({ ...options, out: at("foreign") }))).toContain(
      "./foreign/segmentation.dcm: would be replaced, and is not of an earlier run",
    );
    writeFileSync(at("ct.nii"), writeNifti((await openImage(at("ct"))).volume));
    const nifti = { image: at("ct.nii"), boxes: ["3,3,9,9,1"], dicomSeg: true, out: at("out") };
    expect(await refusal(segmentImage(nifti))).toBe(
      "./ct.nii: is no DICOM series, to which a segmentation could refer — leave out --dicom-seg",
    );
  });

  it("are found in a folder, what is no lesion's being told", async () => {
    put(at("all/sr.dcm"), reportBytes("partial"));
    reportedSeriesFiles().forEach((bytes, z) => put(at(`all/${z}.dcm`), bytes));
    const { lesions, series } = await readMarksFile(at("all"), at("all"));
    expect(lesions.map(({ id }) => id)).toEqual(["Target-1"]);
    expect(series).toBe(reportFixture.uid);
    expect(said.join("")).toContain("1 measurement left out: one axis alone");
  });

  it("of lesions with one name have names of their own", async () => {
    const twice = reportBytes("highdicom, 3D").toString("latin1").replaceAll("Target 2", "Target 1");
    put(at("sr.dcm"), Buffer.from(twice, "latin1"));
    const { lesions } = await readMarksFile(at("sr.dcm"), at("ct"));
    expect(lesions.map(({ id }) => id)).toEqual(["Target-1", "Target-1-2"]);
  });

  it("drawn in a view that is not the series' own, or outside of it, are left out", async () => {
    put(at("sr.dcm"), reportBytes("highdicom, 3D"));
    const { lesions } = await readMarksFile(at("sr.dcm"), at("ct"));
    const { volume } = await openImage(at("ct"));
    const { affine } = volume;
    // The same volume cut along other slices: its y and z axes exchanged.
    const reformatted = [0, 4, 8].flatMap((row) => [affine[row], affine[row + 2], affine[row + 1], affine[row + 3]]);
    expect(await lesions[0].marksOn({ ...volume, affine: [...reformatted, 0, 0, 0, 1] })).toBe(
      "diameters do not lie in one slice",
    );
    expect(await lesions[0].marksOn({ ...volume, dims: [20, 30, 6] })).toBe("diameters lie outside the series");
    expect(await lesions[0].marksOn(volume)).toMatchObject({ slice: reportFixture.lesions[0].slice });
  });

  it("are asked for by series where they are of several", async () => {
    const bytes = reportBytes("highdicom, 2D").toString("latin1");
    put(at("sr/1.dcm"), reportBytes("highdicom, 2D"));
    put(at("sr/2.dcm"), Buffer.from(bytes.replaceAll(/61\.7\.44(?!\.9|\.0\.2)/g, "61.7.45"), "latin1"));
    putSeries("ct/other", "61.7.45");
    expect(await refusal(readMarksFile(at("sr"), at("ct")))).toMatch(
      /^\.\/sr: tells of lesions in 2 series of \.\/ct — choose one \(--series\):\n {2}61\.7\.44 {2}2 lesions/,
    );
    expect((await readMarksFile(at("sr"), at("ct"), "61.7.45")).series).toBe("61.7.45");
  });

  it("are refused where they are of other images, or none are there", async () => {
    put(at("sr.dcm"), reportBytes("dcmjs"));
    putSeries("other", "61.7.45");
    expect(await refusal(readMarksFile(at("sr.dcm"), at("other")))).toBe(
      "./sr.dcm: holds no lesion with two diameters that was measured in ./other — give the folder with the DICOM series that the report is about",
    );
    writeFileSync(at("ct.nii"), "no DICOM");
    expect(await refusal(readMarksFile(at("sr.dcm"), at("ct.nii")))).toContain("was measured in ./ct.nii");
    expect(await refusal(readMarksFile(at("ct"), at("ct")))).toContain("./ct: holds no DICOM structured report");
    expect(await refusal(readMarksFile(at("ct/0.dcm"), at("ct")))).toContain("is no structured report with coordinates");
  });
});
