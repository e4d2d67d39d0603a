import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNifti } from "../../methods/imaging/nifti.ts";
import { openImage } from "../../methods/imaging/openImage.ts";
import { encodeCtPng, encodeRgbPng } from "../../methods/imaging/png16.ts";
import { scalingAffine, type Vec3, type Volume } from "../../methods/imaging/volume.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-open-image-"));
});
afterAll(() => rmSync(root, { recursive: true }));

function folderOf(name: string, files: Record<string, Uint8Array>): string {
  const folder = path.join(root, name);
  mkdirSync(folder);
  for (const [file, bytes] of Object.entries(files)) writeFileSync(path.join(folder, file), bytes);
  return folder;
}
const slice = (hu: number, width = 3, height = 2) =>
  encodeCtPng({ data: new Int16Array(width * height).fill(hu), width, height });
const spacingMm: Vec3 = [0.5, 0.6, 5];

describe("openImage", () => {
  it("puts PNG slices in the order of their numbers, not of their names", async () => {
    const folder = folderOf("numbers", {
      "9.png": slice(9),
      "10.png": slice(10),
      "8.png": slice(8),
      LICENSE: Buffer.from("text"),
    });
    const { volume, kind } = await openImage(folder, { spacingMm });
    expect(kind).toBe("png-slices");
    expect(volume).toEqual({
      dims: [3, 2, 3],
      spacingMm,
      affine: scalingAffine(spacingMm),
      data: Int16Array.from([8, 9, 10].flatMap((hu) => Array(6).fill(hu))),
    });
  });

  it("needs a spacing for PNG slices, and none for others", async () => {
    const folder = folderOf("unspaced", { "001.png": slice(0) });
    await expect(openImage(folder)).rejects.toThrow(/do not say how large a pixel is — give the spacing/);
    await expect(openImage(folder, { spacingMm: [1, 0, 1] })).rejects.toThrow(/spacing is 1 × 0 × 1 mm/);
    const nifti = path.join(root, "spaced.nii.gz");
    writeFileSync(nifti, writeNifti({ dims: [1, 1, 1], spacingMm, affine: scalingAffine(spacingMm), data: new Int16Array(1) }));
    await expect(openImage(nifti, { spacingMm })).rejects.toThrow(/leave the spacing out/);
  });

  it("names the slice that is missing, odd, doubled or damaged", async () => {
    await expect(openImage(folderOf("gap", { "007.png": slice(0), "009.png": slice(0) }), { spacingMm })).rejects.toThrow(
      /slice 8 is missing between 007\.png and 009\.png/,
    );
    await expect(openImage(folderOf("odd", { "1.png": slice(0), "2.png": slice(0, 4) }), { spacingMm })).rejects.toThrow(
      /2\.png: is 4 × 2 pixels, 1\.png is 3 × 2/,
    );
    await expect(openImage(folderOf("doubled", { "1.png": slice(0), "01.png": slice(0) }), { spacingMm })).rejects.toThrow(
      /have one number/,
    );
    await expect(openImage(folderOf("unnumbered", { "a.png": slice(0) }), { spacingMm })).rejects.toThrow(
      /a\.png: its name does not end in the slice's number/,
    );
    await expect(
      openImage(folderOf("colour", { "1.png": encodeRgbPng(1, 1, new Uint8Array(3)) }), { spacingMm }),
    ).rejects.toThrow(/1\.png: the PNG is 8-bit colour/);
    await expect(openImage(folderOf("cut", { "1.png": slice(0).subarray(0, 50) }), { spacingMm })).rejects.toThrow(
      /1\.png: the PNG is damaged/,
    );
  });

  it("opens NIfTI by what it is, whatever it is called", async () => {
    const volume: Volume = {
      dims: [2, 1, 2],
      spacingMm: [1, 2, 3],
      affine: scalingAffine([1, 2, 3]),
      data: Int16Array.from([-1000, 0, 40, 3000]),
    };
    const file = path.join(root, "ct.image");
    writeFileSync(file, writeNifti(volume));
    expect(await openImage(file)).toEqual({ volume, kind: "nifti", notes: [] });
  });

  it("opens a folder with one DICOM series beside other files", async () => {
    const cases: { name: string; files: Record<string, string>; dims: number[] }[] = JSON.parse(
      readFileSync(new URL("../fixtures/dicomSeries.json", import.meta.url), "utf8"),
    );
    const axial = cases.find(({ name }) => name === "axial");
    const files = Object.entries(axial?.files ?? {}).map(([name, base64]): [string, Buffer] => [
      name.replace(".dcm", ""),
      Buffer.from(base64, "base64"),
    ]);
    const folder = folderOf("series", { ...Object.fromEntries(files), "README.txt": Buffer.from("text") });
    mkdirSync(path.join(folder, "other"));
    const { volume, kind } = await openImage(folder);
    expect(kind).toBe("dicom");
    expect(volume.dims).toEqual(axial?.dims);
    await expect(openImage(folderOf("torn", { ...Object.fromEntries(files), "9.dcm": Buffer.from("torn") }))).rejects.toThrow(
      /9\.dcm: is not a DICOM file/,
    );
  });

  it("says what it expected where there is nothing to open", async () => {
    await expect(openImage(path.join(root, "absent"))).rejects.toThrow(
      /absent: cannot be opened \(ENOENT\) — give a NIfTI file, a folder of PNG slices or a DICOM series/,
    );
    await expect(openImage(folderOf("empty", {}))).rejects.toThrow(/holds neither PNG slices nor a DICOM series/);
  });
});
