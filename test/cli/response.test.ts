import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assessMeasurements } from "../../cli/commands/response.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { defaultAssessment } from "../../methods/response/assess.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "recist3d-response-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function saveBox(name: string, size: Vec3): Promise<void> {
  const dims: Vec3 = [40, 40, 20];
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let i = 0; i < data.length; i++) {
    const [x, y, z] = [i % 40, Math.floor(i / 40) % 40, Math.floor(i / 1600)];
    if (x < size[0] && y < size[1] && z < size[2]) data[i] = 1;
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
