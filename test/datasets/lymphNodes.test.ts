import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { openLymphNodes } from "../../methods/datasets/lymphNodes.ts";
import { marksOfMask } from "../../methods/datasets/simulatedMarks.ts";
import { splitByPatient } from "../../methods/datasets/split.ts";
import { writeNifti } from "../../methods/imaging/nifti.ts";
import { openImage } from "../../methods/imaging/openImage.ts";
import type { LabelVolume } from "../../methods/imaging/volume.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { PERSON } from "./dicomFiles.ts";
import {
  axialGrid,
  ctOf,
  ellipsoid,
  labelVolume,
  type PlacedNode,
  put,
  stored,
  writeDicomCt,
  writeNiftiCt,
  writeNodes,
} from "./lymphNodeFolder.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-lymph-nodes-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const GRID = axialGrid([72, 60, 24], [0.8, 0.8, 2]);
/** Two nodes that touch, and one elsewhere. */
const NODES = [ellipsoid([9, 6, 4], [8, 10, 3]), ellipsoid([6, 6, 5], [24, 12, 4]), ellipsoid([5, 8, 3], [50, 30, 12])];
const LABELS = labelVolume(GRID, NODES);
const CT = ctOf(LABELS);
const open = (options: Partial<Parameters<typeof openLymphNodes>[1]> = {}) => openLymphNodes(root, { seed: 1, ...options });
const casesOf = async (): Promise<readonly LesionCase[]> => (await (await open()).load(0)).cases;

/** Voxels of the volume where the case's reference is 1. */
function referenceVoxels({ reference, source }: LesionCase): number[] {
  const { dims, data } = reference!;
  const [x0, y0, z0] = source.origin;
  return [...data.keys()]
    .filter((i) => data[i] === 1)
    .map((i) => {
      const [x, y, z] = [i % dims[0], Math.floor(i / dims[0]) % dims[1], Math.floor(i / (dims[0] * dims[1]))];
      return ((z0 + z) * GRID.dims[1] + y0 + y) * GRID.dims[0] + x0 + x;
    });
}
const voxelsOf = ({ data }: LabelVolume, label: number) => [...data.keys()].filter((i) => data[i] === label);

describe("findLymphNodes", () => {
  it("finds DICOM series and NIfTI volumes however deep, tells the CT from segmentations, and counts the rest", async () => {
    writeDicomCt(path.join(root, "manifest-1680277513580"), "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", LABELS);
    writeNiftiCt(root, "MED_LYMPH_002", CT);
    writeNodes(root, "MED_LYMPH_002", LABELS);
    writeNodes(root, "MED_LYMPH_003", LABELS);
    put(path.join(root, "ABD_LYMPH_004", "ct.nii.gz"), writeNifti(CT));
    put(path.join(root, "MED_ABD_LYMPH_ANNOTATIONS", "ABD_LYMPH_001", "ABD_LYMPH_001_lymphnodes_indices.txt"), "1 2 3\n");
    const { entries, skipped } = await open();
    expect(entries.map(({ id, patient, files }) => [id, patient, files.length])).toEqual([
      ["ABD_LYMPH_001", "ABD_LYMPH_001", 1 + GRID.dims[2]],
      ["MED_LYMPH_002", "MED_LYMPH_002", 2],
    ]);
    expect(entries[1].files).toEqual([
      "MED_ABD_LYMPH_MASKS/MED_LYMPH_002/MED_LYMPH_002_mask.nii.gz",
      "volumes/MED_LYMPH_002_0000.nii.gz",
    ]);
    expect(skipped).toEqual({ "patient has no CT": 1, "patient has no mask": 1 });
  });

  it("refuses an empty folder, two masks and two CTs", async () => {
    await expect(open()).rejects.toThrow(/holds no patient of the lymph-node set — expected e\.g\. CT Lymph Nodes/);
    await expect(openLymphNodes(path.join(root, "absent"), { seed: 1 })).rejects.toThrow(/cannot be listed \(ENOENT\)/);
    writeNiftiCt(root, "MED_LYMPH_002", CT);
    writeDicomCt(root, "MED_LYMPH_002", CT);
    await expect(open()).rejects.toThrow(/MED_LYMPH_002 has 2 CTs: volumes\/MED_LYMPH_002_0000\.nii\.gz, CT Lymph Nodes/);
    rmSync(path.join(root, "volumes"), { recursive: true });
    writeNodes(root, "MED_LYMPH_002", LABELS);
    writeNodes(path.join(root, "again"), "MED_LYMPH_002", LABELS);
    await expect(open()).rejects.toThrow(/MED_LYMPH_002 has 2 masks/);
  });

  it("reads no mask before its patient is loaded", async () => {
    writeNiftiCt(root, "MED_LYMPH_002", CT);
    const file = writeNodes(root, "MED_LYMPH_002", LABELS);
    writeFileSync(file, readFileSync(file).subarray(0, 300));
    const source = await open();
    expect(source.entries).toHaveLength(1);
    await expect(source.load(0)).rejects.toThrow(/MED_LYMPH_002_mask\.nii\.gz: the gzip stream is damaged or cut off/);
  });
});

describe("a patient's nodes", () => {
  it.each([
    ["DICOM", writeDicomCt],
    ["NIfTI", writeNiftiCt],
  ])("are one lesion each, without the nodes that touch them (%s)", async (_, writeCt) => {
    writeCt(root, "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", LABELS);
    const cases = await casesOf();
    expect(cases.map(({ id }) => id)).toEqual(["ABD_LYMPH_001-01", "ABD_LYMPH_001-02", "ABD_LYMPH_001-03"]);
    for (const [i, lesion] of cases.entries()) {
      expect(referenceVoxels(lesion)).toEqual(voxelsOf(LABELS, i + 1));
      expect(lesion).toMatchObject({
        patient: "ABD_LYMPH_001",
        category: "abdomen",
        window: { low: -160, high: 240 },
        notes: [],
      });
      const { image, source, marks } = lesion;
      const [nx, ny] = image.dims;
      const at = (p: number) =>
        ((source.origin[2] + Math.floor(p / (nx * ny))) * GRID.dims[1] + source.origin[1] + (Math.floor(p / nx) % ny)) *
          GRID.dims[0] +
        source.origin[0] +
        (p % nx);
      expect(image.data.findIndex((hu, p) => hu !== CT.data[at(p)])).toBe(-1);
      const own = { ...GRID, data: LABELS.data.map((label) => (label === i + 1 ? 1 : 0)) };
      const measured = marksOfMask(own)!;
      expect(marks.slice + source.origin[2]).toBe(measured.slice);
      expect(lengthMm(marks.long, image.spacingMm)).toBeCloseTo(lengthMm(measured.long, GRID.spacingMm), 5);
    }
  });

  it("are those of the mediastinum for MED_*, and marks carry noise by id", async () => {
    writeNiftiCt(root, "MED_LYMPH_090", CT);
    writeNodes(root, "MED_LYMPH_090", LABELS);
    const exact = await casesOf();
    expect(new Set(exact.map(({ category }) => category))).toEqual(new Set(["mediastinum"]));
    const noisy = (await (await open({ noise: 0.2 })).load(0)).cases;
    const again = (await (await open({ noise: 0.2 })).load(0)).cases;
    expect(noisy.map(({ marks }) => marks)).toEqual(again.map(({ marks }) => marks));
    const factors = noisy.flatMap(({ marks }, i) => [
      lengthMm(marks.long, GRID.spacingMm) / lengthMm(exact[i].marks.long, GRID.spacingMm),
      lengthMm(marks.short, GRID.spacingMm) / lengthMm(exact[i].marks.short, GRID.spacingMm),
    ]);
    expect(new Set(factors.map((factor) => factor.toFixed(6))).size).toBe(6);
    for (const factor of factors) expect(Math.abs(factor - 1)).toBeLessThanOrEqual(0.2);
  });

  it("keep the archive's pseudonym only: nothing of the headers, no date, no folder", async () => {
    writeDicomCt(root, "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", LABELS);
    const { cases } = await (await open()).load(0);
    const said = JSON.stringify(
      cases.map(({ image, reference, ...rest }) => ({ ...rest, image: image.affine, reference: reference?.affine })),
    );
    for (const secret of [...Object.values(PERSON), "09-14-2014", "30274", "61.7.1", root]) expect(said).not.toContain(secret);
    expect(cases[0].source.series).toBe("ABD_LYMPH_001");
  });

  it("are counted where they are too thin to measure, and where a mask is empty", async () => {
    const line: PlacedNode = { dims: [6, 1, 1], data: new Uint8Array(6).fill(1), at: [60, 5, 20] };
    writeNiftiCt(root, "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", labelVolume(GRID, [NODES[0], line, NODES[2]]));
    writeNiftiCt(root, "ABD_LYMPH_002", CT);
    writeNodes(root, "ABD_LYMPH_002", labelVolume(GRID, []));
    const source = await open();
    const [some, none] = [await source.load(0), await source.load(1)];
    expect(some.cases.map(({ id }) => id)).toEqual(["ABD_LYMPH_001-01", "ABD_LYMPH_001-03"]);
    expect(some.skipped).toEqual({ "node is too thin to have two diameters": 1 });
    expect(none).toEqual({ cases: [], skipped: { "mask is empty": 1 } });
  });

  it("carry a note where they reach the end of the scan", async () => {
    writeNiftiCt(root, "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", labelVolume(GRID, [ellipsoid([9, 6, 4], [8, 10, 0]), NODES[1]]));
    expect((await casesOf()).map(({ notes }) => notes)).toEqual([["mask reaches the end of the scan"], []]);
  });

  it("of all patients fall on one side of the split each", async () => {
    for (let n = 1; n <= 10; n++) {
      const patient = `${n % 2 === 0 ? "MED" : "ABD"}_LYMPH_${String(n).padStart(3, "0")}`;
      put(path.join(root, "volumes", `${patient}.nii.gz`), "");
      writeNodes(root, patient, LABELS);
    }
    const { entries } = await open();
    const sides = [...splitByPatient(entries, { testFraction: 0.2, seed: 7 }).values()];
    expect(sides.filter((side) => side === "test")).toHaveLength(2);
    expect(sides).toHaveLength(10);
  });
});

describe("orientation", () => {
  const everySign = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => [(bits & 1) !== 0, (bits & 2) !== 0, (bits & 4) !== 0] as const);

  it.each(everySign)("mask stored with x, y, z reversed %s %s %s: the same lesions, and a note", async (x, y, z) => {
    writeDicomCt(root, "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", stored(LABELS, [x, y, z]));
    const cases = await casesOf();
    const axes = ["x", "y", "z"].filter((_, axis) => [x, y, z][axis]).join("");
    const note = `mask's axes (${axes}) were turned to the CT's, as both affines say`;
    for (const [i, lesion] of cases.entries()) {
      expect(referenceVoxels(lesion)).toEqual(voxelsOf(LABELS, i + 1));
      expect(lesion.notes).toEqual(axes === "" ? [] : [note]);
    }
  });

  it.each(everySign)("CT converted with x, y, z reversed %s %s %s: every node lies on its own HU", async (x, y, z) => {
    writeNiftiCt(root, "ABD_LYMPH_001", stored(CT, [x, y, z]));
    writeNodes(root, "ABD_LYMPH_001", LABELS);
    for (const { image, reference, notes } of await casesOf()) {
      expect(notes).toHaveLength(x || y || z ? 1 : 0);
      expect([...reference!.data.keys()].filter((i) => reference!.data[i] === 1 && image.data[i] < 60)).toEqual([]);
    }
  });

  it.each([
    ["shifted by a voxel", { ...LABELS, affine: LABELS.affine.map((value, i) => (i === 3 ? value + 0.8 : value)) }],
    ["on other spacing", { ...LABELS, ...axialGrid(LABELS.dims, [0.8, 0.8, 2.5]) }],
    ["of other size", labelVolume(axialGrid([72, 60, 23], [0.8, 0.8, 2]), NODES.slice(0, 2))],
    [
      "turned, but shifted",
      ((t) => ({ ...t, affine: t.affine.map((value, i) => (i === 7 ? value + 0.8 : value)) }))(
        stored(LABELS, [false, true, false]),
      ),
    ],
  ])("a mask %s is refused", async (_, labels) => {
    writeDicomCt(root, "ABD_LYMPH_001", CT);
    writeNodes(root, "ABD_LYMPH_001", labels);
    await expect(casesOf()).rejects.toThrow(/ABD_LYMPH_001_mask\.nii\.gz: lies on another grid than .*abdominallymphnodes-15844/);
  });

  it("a header that does not tell how the voxels lie shows in the HU", async () => {
    writeDicomCt(root, "ABD_LYMPH_001", { ...CT, data: CT.data.map((hu) => (hu < 0 ? -700 : hu)) });
    writeNodes(root, "ABD_LYMPH_001", { ...stored(LABELS, [false, true, false]), affine: LABELS.affine });
    const notes = (await casesOf()).map((lesion) => lesion.notes);
    expect(notes).toEqual([1, 2, 3].map(() => ["HU in the mask are not a lymph node's"]));
  });

  it("slices must be axial", async () => {
    const { dims, spacingMm, data } = CT;
    const affine = [0, 0, 2, 0, -0.8, 0, 0, 0, 0, -0.8, 0, 0, 0, 0, 0, 1];
    writeNiftiCt(root, "ABD_LYMPH_001", { dims, spacingMm, affine, data });
    writeNodes(root, "ABD_LYMPH_001", { ...LABELS, affine });
    await expect(casesOf()).rejects.toThrow(/its slices are not axial/);
  });
});

it("labels are integers from 0 to 255", async () => {
  writeNiftiCt(root, "ABD_LYMPH_001", CT);
  for (const value of [300, 1.5, -1]) {
    const data = Float32Array.from(LABELS.data, (label) => (label === 1 ? value : label));
    put(path.join(root, "MED_ABD_LYMPH_MASKS/ABD_LYMPH_001/ABD_LYMPH_001_mask.nii.gz"), writeNifti({ ...GRID, data }));
    await expect(casesOf()).rejects.toThrow(`holds the value ${value}: labels are integers from 0 to 255`);
  }
});

it("the test's DICOM series is the volume that it was written from", async () => {
  writeDicomCt(root, "ABD_LYMPH_001", CT);
  writeNodes(root, "ABD_LYMPH_001", LABELS);
  const [{ files }] = (await open()).entries;
  const { volume } = await openImage(path.join(root, path.dirname(files[1])));
  expect(volume.data).toEqual(CT.data);
  volume.affine.forEach((value, i) => expect(value).toBeCloseTo(GRID.affine[i], 5));
});
