import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { assessMeasurements } from "../../cli/commands/response.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { defaultAssessment } from "../../methods/response/assess.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "recist3d-response-"));
});
afterAll(() => rm(folder, { recursive: true }));

const saveBox = (name: string, [nx, ny, nz]: Vec3): Promise<void> => saveVoxels(name, (x, y, z) => x < nx && y < ny && z < nz);

async function saveVoxels(name: string, inside: (x: number, y: number, z: number) => boolean): Promise<void> {
  const dims: Vec3 = [40, 40, 20];
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let i = 0; i < data.length; i++) {
    const [x, y, z] = [i % 40, Math.floor(i / 40) % 40, Math.floor(i / 1600)];
    if (inside(x, y, z)) data[i] = 1;
  }
  await writeFile(
    path.join(folder, name),
    writeNiftiMask({ data, dims, spacingMm: [1, 1, 2], affine: scalingAffine([1, 1, 2]) }),
  );
}

async function assessed(rows: readonly string[]) {
  const file = path.join(folder, "m.csv");
  await writeFile(file, rows.join("\n"));
  return assessMeasurements(file, defaultAssessment);
}

describe("response", () => {
  it("measures what masks beside the table show, as measure does", async () => {
    await saveBox("before.nii.gz", [31, 2, 5]);
    await saveBox("after.nii.gz", [31, 2, 10]);
    await saveBox("gone.nii.gz", [0, 0, 0]);
    const { patients, volumes } = await assessed([
      "patient,day,lesion,role,mask",
      "P,0,L,target,before.nii.gz",
      "P,60,L,,after.nii.gz",
      "P,120,L,,gone.nii.gz",
    ]);
    const [before, after, gone] = patients[0].timePoints;
    expect(before.sumMm).toBeCloseTo(Math.hypot(30, 1), 9);
    expect(before.volumeMl).toBeCloseTo(0.62, 9); // 31 · 2 · 5 voxels of 2 mm³
    // twice as tall: the diameters in the slice say nothing of it
    expect(after).toMatchObject({ target: "SD", volumetric: "PD", disagrees: true, volumeFromBaseline: 1 });
    expect(gone).toMatchObject({ sumMm: 0, volumeMl: 0, overall: "CR", volumetric: "CR" });
    expect(volumes).toEqual({ compared: 2, disagree: 1 });
  });

  it("adds up the parts of a lesion that has split, and says so", async () => {
    await saveBox("whole.nii.gz", [30, 2, 5]);
    await saveVoxels("split.nii.gz", (x, y, z) => y < 2 && z < 5 && (x < 18 || (x >= 20 && x < 38)));
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      const { patients } = await assessed(["patient,day,lesion,role,mask", "P,0,L,target,whole.nii.gz", "P,60,L,,split.nii.gz"]);
      expect(patients[0].timePoints[1].sumMm).toBeCloseTo(2 * Math.hypot(17, 1), 9);
      expect(patients[0].timePoints[1].target).toBe("SD");
      expect(said.mock.calls.join("")).toMatch(/m\.csv:3:1: the mask has 2 parts; their diameters are added up/);
    } finally {
      said.mockRestore();
    }
  });

  it.each([
    ["Latin-1", Buffer.from("patient;day;lesion;role;long_mm\nM\u00fcller;0;L;target;40,5\n", "latin1"), "m.csv:2: is not UTF-8"],
    ["UTF-16", Buffer.from("\ufeffpatient,day\n", "utf16le"), "m.csv: is UTF-16 text"],
  ])("refuses a table in %s: names would not be the names", async (_, bytes, message) => {
    const file = path.join(folder, "m.csv");
    await writeFile(file, bytes);
    await expect(assessMeasurements(file, defaultAssessment)).rejects.toThrow(message);
    await expect(assessMeasurements(file, defaultAssessment)).rejects.toBeInstanceOf(InputError);
  });

  it("prefers what the table says to what the mask shows", async () => {
    await saveBox("box.nii.gz", [20, 10, 5]);
    const { patients } = await assessed(["patient,day,lesion,role,long_mm,mask", "P,0,L,target,25,box.nii.gz"]);
    expect(patients[0].timePoints[0]).toMatchObject({ sumMm: 25, volumeMl: 2 });
  });

  it("names the row of a mask that is not there, and a file that is not there", async () => {
    await expect(assessed(["patient,day,lesion,role,mask", "P,0,L,target,nowhere.nii.gz"])).rejects.toThrow(
      /m\.csv:2:1: mask .*nowhere\.nii\.gz: there is no such file/,
    );
    await expect(assessMeasurements(path.join(folder, "none.csv"), defaultAssessment)).rejects.toThrow(
      /none\.csv: cannot be read/,
    );
  });
});
