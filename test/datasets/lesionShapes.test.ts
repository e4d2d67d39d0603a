import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLesionShapes, patientOfShape } from "../../methods/datasets/lesionShapes.ts";
import { writeShapes } from "./lymphNodeFolder.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-shapes-"));
});
afterAll(() => rmSync(root, { recursive: true }));

/** numpy.packbits of the voxels, in their order. */
function packed(voxels: readonly number[]): number[] {
  return Array.from({ length: Math.ceil(voxels.length / 8) }, (_, byte) =>
    voxels.slice(8 * byte, 8 * byte + 8).reduce((sum, bit, i) => sum + (bit << (7 - i)), 0),
  );
}
const row = (more: Record<string, unknown> = {}) => ({
  set: "NIH_LN_ABD",
  name: "ABD_LYMPH_001_lesion_01_sample_0",
  dims: [3, 2, 2],
  spacing: [0.5, 0.5, 1],
  voxels: 4,
  offset: 0,
  bytes: 2,
  ...more,
});

describe("openLesionShapes", () => {
  it("unpacks bits in z, y, x order, the most significant first", async () => {
    // The first byte holds (x, y, z) = (0,0,0) … (1,0,1); the second (2,0,1) … (2,1,1) and four bits of nothing.
    writeShapes(root, [row()], Uint8Array.from([0b10000010, 0b10010000]));
    const shapes = await openLesionShapes(root);
    expect(shapes.entries).toEqual([
      {
        name: "ABD_LYMPH_001_lesion_01_sample_0",
        set: "NIH_LN_ABD",
        patient: "ABD_LYMPH_001",
        dims: [3, 2, 2],
        spacingMm: [0.5, 0.5, 1],
        voxels: 4,
      },
    ]);
    expect([...shapes.load(0).data]).toEqual([1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1]);
    expect(shapes.load(0).affine).toEqual([0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });

  test.prop([
    fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fc.nat(1)),
      ),
      { minLength: 1, maxLength: 5 },
    ),
  ])("reads back what numpy's packbits would have written, each shape from a byte of its own", async (drawn) => {
    const shapes = drawn.map(([nx, ny, nz, bits]) => ({ dims: [nx, ny, nz], voxels: [...bits.take(nx * ny * nz)] }));
    const bytes: number[] = [];
    const rows = shapes.map(({ dims, voxels }, i) => {
      const own = packed(voxels);
      const listed = row({
        name: `liver_${i}_lesion_01_sample_0`,
        set: "LiTS",
        dims,
        voxels: voxels.reduce((a, b) => a + b, 0),
        offset: bytes.length,
        bytes: own.length,
      });
      bytes.push(...own);
      return listed;
    });
    writeShapes(root, rows, Uint8Array.from(bytes));
    const opened = await openLesionShapes(path.join(root, "masks_tight_index.json"));
    shapes.forEach(({ voxels }, i) => expect([...opened.load(i).data]).toEqual(voxels));
  });

  it.each([
    ["bits that end early", [row({ offset: 1 })], /ends before the voxels of ABD_LYMPH_001/],
    ["a size that is not the bits'", [row({ bytes: 3 })], /masks_tight_index\.json\[0\]: .* a bit for each voxel/],
    ["an unknown set", [row({ set: "NIH" })], /a set that is not known — sets are DeepLesion3D/],
    ["a name without a patient", [row({ name: "42" })], /the name 42 does not tell the patient/],
    ["dims that are not counts", [row({ dims: [3, 2, 0] })], /dims and spacing must be three positive numbers/],
  ])("refuses %s", async (_, rows, message) => {
    writeShapes(root, rows, Uint8Array.from([1, 2]));
    await expect(openLesionShapes(root)).rejects.toThrow(message);
  });

  it("refuses bits of another archive, what is not JSON or not gzip, and an absent folder", async () => {
    writeShapes(root, [row()], Uint8Array.from([0xff, 0xf0]));
    const shapes = await openLesionShapes(root);
    expect(() => shapes.load(0)).toThrow(/ABD_LYMPH_001_lesion_01_sample_0 has 12 voxels where the index says 4/);
    writeFileSync(path.join(root, "masks_tight_packbits_zyx.bin.gz"), "bits");
    await expect(openLesionShapes(root)).rejects.toThrow(/is not gzip/);
    writeFileSync(path.join(root, "masks_tight_index.json"), "{");
    await expect(openLesionShapes(root)).rejects.toThrow(/is not JSON/);
    await expect(openLesionShapes(path.join(root, "absent"))).rejects.toThrow(
      /cannot be read \(ENOENT\)|cannot be read \(ENOTDIR\)/,
    );
  });
});

it.each([
  ["DeepLesion3D", "000010_02_02_100_lesion_01", "000010"],
  ["NIH_LN_MED", "MED_LYMPH_090_lesion_01_sample_0", "MED_LYMPH_090"],
  ["Radboudumc_Bone", "bone_00002_lesion_01", "bone_00002"],
  ["Radboudumc_Pancreas", "diag_pancreas_0004_lesion_01", "diag_pancreas_0004"],
  ["kits21", "kidney21_case_00001_lesion_02_sample_0", "kidney21_case_00001"],
  ["LIDC-IDRI", "lidcidri_9_lesion_06_sample_0", "lidcidri_9"],
] as const)("the patient of %s's %s is %s", (set, name, patient) => {
  expect(patientOfShape(name, set)).toBe(patient);
});
