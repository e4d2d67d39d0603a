import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  readNifti,
  readNiftiGrid,
  readNiftiImage,
  readNiftiMask,
  writeNifti,
  writeNiftiMask,
} from "../../methods/imaging/nifti.ts";
import { readHeader, undirectedAffine } from "../../methods/imaging/niftiHeader.ts";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import { type Grid, type Mask, scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";

/** Made by test/oracles/nifti_affines.py: what nibabel reads from files that nibabel wrote. */
const cases: {
  name: string;
  file: string;
  dims: [number, number, number];
  spacingMm: number[];
  affine: number[];
  values: number[];
}[] = JSON.parse(readFileSync(new URL("../fixtures/niftiAffines.json", import.meta.url), "utf8"));
const fileOf = (name: string): Buffer => Buffer.from(cases.find((c) => c.name === name)?.file ?? "", "base64");

/** The header's fields as another reader would find them. */
const fieldsOf = (gz: Uint8Array) => {
  const file = gunzipSync(gz);
  return {
    qform: file.readInt16LE(252),
    sform: file.readInt16LE(254),
    srow: Array.from({ length: 12 }, (_, i) => file.readFloatLE(280 + 4 * i)),
    withoutSform: Buffer.concat([file.subarray(0, 254), Buffer.alloc(2), file.subarray(256)]),
  };
};
const maximalDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

describe("readNifti", () => {
  it.each(cases)("reads $name as nibabel does", ({ file, dims, spacingMm, affine, values }) => {
    const volume = readNifti(Buffer.from(file, "base64"), "a.nii");
    expect(volume.dims).toEqual(dims);
    expect(volume.spacingMm).toEqual(spacingMm);
    expect(maximalDifference(volume.affine, affine)).toBeLessThan(1e-12);
    expect([...volume.data]).toEqual(values);
  });

  it("gives Int16Array for integers of 16 bits, however they are stored, and Float32Array otherwise", () => {
    for (const name of ["uint8 <", "float64 >", "rescaled to HU"])
      expect(readNifti(fileOf(name), name).data).toBeInstanceOf(Int16Array);
    expect(readNifti(fileOf("rescaled by a fraction"), "f").data).toBeInstanceOf(Float32Array);
    const wide = fileOf("uint16 <");
    wide.writeUInt16LE(40000, 352);
    expect(readNifti(wide, "wide").data).toBeInstanceOf(Float32Array);
    expect(readNifti(wide, "wide").data[0]).toBe(40000);
  });

  it("reads gzip, also of several members", () => {
    const file = fileOf("int16 <");
    const whole = readNifti(file, "a");
    expect(readNifti(gzipSync(file), "a.gz")).toEqual(whole);
    expect(readNifti(Buffer.concat([gzipSync(file.subarray(0, 355)), gzipSync(file.subarray(355))]), "b.gz")).toEqual(whole);
  });

  it("takes a slice, and a fourth dimension of 1, for a volume", () => {
    const file = fileOf("int16 <");
    file.writeInt16LE(4, 40);
    expect(readNifti(file, "one frame").dims).toEqual([4, 3, 2]);
    file.writeInt16LE(2, 40);
    expect(readNifti(file.subarray(0, 352 + 24), "slice").dims).toEqual([4, 3, 1]);
  });

  const edited = (edit: (file: Buffer) => unknown): Buffer => {
    const file = fileOf("oblique, qform 1, sform 0");
    edit(file);
    return file;
  };
  const withSform = (rows: number[]): Buffer =>
    edited((file) => {
      file.writeInt16LE(1, 254);
      rows.forEach((value, i) => file.writeFloatLE(value, 280 + 4 * i));
    });
  it.each<[string, Buffer, RegExp]>([
    ["four frames", edited((f) => [40, 48].map((at) => f.writeInt16LE(4, at))), /holds 4 frames \(4 × 3 × 2 × 4\)/],
    ["RGB", edited((f) => f.writeInt16LE(128, 70)), /stores RGB voxels/],
    ["an unknown datatype", edited((f) => f.writeInt16LE(77, 70)), /datatype 77/],
    ["more voxels than bytes", edited((f) => f.writeInt16LE(5, 42)), /cannot hold the 5 × 3 × 2 voxels/],
    ["fewer voxels than bytes", edited((f) => f.writeInt16LE(3, 42)), /48 bytes of voxels are not the 3 × 3 × 2/],
    ["a size of 0", edited((f) => f.writeInt16LE(0, 44)), /size of 4 × 0 × 2/],
    ["NaN spacing", edited((f) => f.writeFloatLE(Number.NaN, 88)), /spacing is 0\.69.* × NaN mm/],
    ["negative spacing", edited((f) => f.writeFloatLE(-5, 88)), /× -5 mm/],
    ["an infinite affine", withSform([Infinity, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]), /affine is not finite/],
    ["an affine of another spacing", withSform([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]), /pixdim says .*, the affine 1 × 1 × 1 mm/],
    ["a quaternion beyond 1", edited((f) => f.writeFloatLE(1.5, 256)), /is no rotation/],
    ["metres", edited((f) => f.writeUInt8(1, 123)), /in metres/],
    ["infinite rescaling", edited((f) => f.writeFloatLE(Infinity, 112)), /scales its values by Infinity/],
    ["a .hdr of a pair", edited((f) => f.write("ni1", 344)), /\.hdr\/\.img pair/],
    ["a voxel offset in the header", edited((f) => f.writeFloatLE(12, 108)), /begin at byte 12/],
    ["another format", Buffer.alloc(400, 7), /is not a NIfTI file/],
    ["nothing", Buffer.alloc(0), /is not a NIfTI file/],
    ["a cut gzip", gzipSync(fileOf("int16 <")).subarray(0, -20), /damaged or cut off/],
    [
      "gzip with too much in it",
      gzipSync(Buffer.concat([fileOf("int16 <"), Buffer.alloc(9)])),
      /more bytes than its header declares/,
    ],
  ])("refuses %s", (_, file, message) => {
    expect(() => readNifti(file, "dir/x.nii")).toThrow(InputError);
    expect(() => readNifti(file, "dir/x.nii")).toThrow(message);
    expect(() => readNifti(file, "dir/x.nii")).toThrow(/^dir\/x\.nii: /);
  });

  const notesOf = (bytes: Uint8Array) => readNiftiImage(bytes, "x").notes;

  it("tells how far the qform lies from the sform that counts", () => {
    const grid = { dims: [4, 3, 2], spacingMm: [1, 1, 3], affine: scalingAffine([1, 1, 3]) } as const;
    const file = gunzipSync(writeNifti({ ...grid, data: new Int16Array(24) }));
    expect(notesOf(file)).toEqual([]);
    file.writeFloatLE(25, 268);
    expect(notesOf(file)).toEqual([expect.stringMatching(/^its qform places it up to 25 mm from its sform/)]);
    expect(notesOf(gzipSync(file))).toHaveLength(1);
    file.writeFloatLE(7, 256);
    expect(notesOf(file), "a quaternion that is none").toEqual([]);
    file.writeInt16LE(0, 252);
    expect(notesOf(file)).toEqual([]);
  });

  it("tells of axes that are not perpendicular", () => {
    const affine = [1, 0, 0, 0, 0, 1, 0.1, 0, 0, 0, Math.sqrt(9 - 0.01), 0, 0, 0, 0, 1];
    const file = writeNifti({ dims: [4, 3, 2], spacingMm: [1, 1, 3], affine, data: new Int16Array(24) });
    expect(notesOf(file)).toEqual([expect.stringMatching(/^its axes are not perpendicular/)]);
  });

  it("refuses axes that lean by more than half a voxel, as a tilted gantry leaves them", () => {
    const tilt = Math.tan((25 * Math.PI) / 180);
    const up = 3 / Math.hypot(1, tilt);
    const affine = [1, 0, 0, 0, 0, 1, tilt * up, 0, 0, 0, up, 0, 0, 0, 0, 1];
    const file = writeNiftiMask({ dims: [20, 20, 6], spacingMm: [1, 1, 3], affine, data: new Uint8Array(2400) });
    expect(() => readNiftiMask(file, "tilted.nii.gz")).toThrow(
      /axes are not perpendicular: .* 6\.3 voxels askew — a tilted gantry/,
    );
    expect(() => readNiftiGrid(file, "tilted.nii.gz")).toThrow(InputError);
  });

  it("tells of values that are no HU: bright ones, and none below 0", () => {
    const grid = { dims: [2, 1, 1], spacingMm: [1, 1, 1], affine: scalingAffine([1, 1, 1]) } as const;
    const notes = (...values: number[]) => notesOf(writeNifti({ ...grid, data: Int16Array.from(values) }));
    expect(notes(0, 1400)).toEqual([
      expect.stringMatching(/^its values are 0 to 1400, none below 0: HU without their intercept/),
    ]);
    expect(notes(-1, 1400)).toEqual([]);
    expect(notes(0, 120)).toEqual([]);
  });

  it("says how large a file is that cannot be read for its size, before it unpacks it", () => {
    const header = gunzipSync(
      writeNifti({ dims: [1, 1, 1], spacingMm: [1, 1, 1], affine: scalingAffine([1, 1, 1]), data: new Float32Array(1) }),
    );
    [3, 1024, 1024, 1100].forEach((n, i) => header.writeInt16LE(n, 40 + 2 * i));
    const file = Buffer.concat([gzipSync(header), Buffer.alloc(5e6)]);
    expect(() => readNifti(file, "huge.nii.gz")).toThrow(/unpacks to 4\.3 GiB, more than the .* GiB that are read — crop it/);
  });

  it("refuses voxels that are not numbers, and counts them", () => {
    const file = fileOf("float32 <");
    file.writeFloatLE(Number.NaN, 352);
    file.writeFloatLE(-Infinity, 360);
    expect(() => readNifti(file, "x")).toThrow(/2 voxels are NaN or infinite/);
    expect(() => readNiftiMask(file, "x")).toThrow(/2 voxels are NaN or infinite/);
  });

  it("allocates nothing for sizes that the bytes cannot hold", () => {
    const file = fileOf("float64 <");
    for (const at of [42, 44, 46]) file.writeInt16LE(32767, at);
    expect(() => readNifti(gzipSync(file), "bomb.nii.gz")).toThrow(/cannot hold the 32767 × 32767 × 32767 voxels/);
  });
});

describe("readNiftiMask", () => {
  it("takes every value but 0 for lesion: labels and fractions", () => {
    const file = fileOf("float32 <");
    for (let i = 0; 352 + 4 * i < file.length; i++) file.writeFloatLE([0, 1, 2, 0.25, 0][i % 5], 352 + 4 * i);
    expect([...readNiftiMask(file, "m").data.subarray(0, 5)]).toEqual([0, 1, 1, 1, 0]);
  });

  it("refuses an image that is given for a mask", () => {
    const file = fileOf("float32 <");
    file.writeFloatLE(-1000, 352);
    expect(() => readNiftiMask(file, "CT_image.nii")).toThrow(
      /^CT_image\.nii: holds negative values \(-1000\): this is an image, not a mask/,
    );
  });
});

describe("writeNifti", () => {
  it.each(cases)("places $name as it was: sform to the last bit, qform the same", ({ name, file }) => {
    const volume = readNifti(Buffer.from(file, "base64"), name);
    const written = writeNifti(volume);
    const again = readNifti(written, "again");
    expect(again.data).toEqual(volume.data);
    expect(again.spacingMm).toEqual(volume.spacingMm.map(Math.fround));
    const { qform, sform, srow, withoutSform } = fieldsOf(written);
    if (name === "neither code is set") {
      expect([qform, sform]).toEqual([0, 0]);
      expect(again.affine).toEqual(volume.affine);
      return;
    }
    expect([qform, sform]).toEqual([1, 1]);
    expect(srow).toEqual(volume.affine.slice(0, 12).map(Math.fround));
    expect(maximalDifference(readHeader(withoutSform, "qform").affine, volume.affine)).toBeLessThan(2e-6);
  });

  it("leaves the qform out where the axes are sheared", () => {
    const sheared = [1, 0.3, 0, 5, 0, Math.sqrt(1 - 0.09), 0, 6, 0, 0, 2, 7, 0, 0, 0, 1];
    const written = writeNifti({ dims: [2, 2, 2], spacingMm: [1, 1, 2], affine: sheared, data: new Int16Array(8) });
    expect(fieldsOf(written)).toMatchObject({ qform: 0, sform: 1 });
    expect(readNifti(written, "sheared").affine).toEqual(sheared.map(Math.fround));
  });

  it("leaves the qform out where float32 would turn the image: 0.0003 rad from a half turn", () => {
    const [cos, sin] = [Math.cos(Math.PI - 0.0003), Math.sin(Math.PI - 0.0003)];
    const affine = [cos, -sin, 0, 0, sin, cos, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const written = writeNifti({ dims: [64, 64, 1], spacingMm: [1, 1, 1], affine, data: new Int16Array(64 * 64) });
    expect(fieldsOf(written)).toMatchObject({ qform: 0, sform: 1 });
    expect(readNifti(written, "turned").affine).toEqual(affine.map(Math.fround));
  });

  it("writes the same bytes for the same mask, with no time and no operating system in them", () => {
    const mask: Mask = {
      dims: [3, 2, 1],
      spacingMm: [1, 1, 1],
      affine: scalingAffine([1, 1, 1]),
      data: Uint8Array.from([0, 1, 1, 0, 0, 1]),
    };
    const bytes = writeNiftiMask(mask);
    expect(bytes.equals(writeNiftiMask({ ...mask, data: mask.data.slice() }))).toBe(true);
    expect([...bytes.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    expect(readNiftiMask(bytes, "m")).toEqual(mask);
  });
});

describe("damaged files", () => {
  const plain = fileOf("oblique, qform 1, sform 1");
  const gz = gzipSync(plain);
  const outcome = (bytes: Uint8Array): void => {
    try {
      const { dims, data, spacingMm } = readNifti(bytes, "fuzz");
      expect(data.length).toBe(dims[0] * dims[1] * dims[2]);
      expect(spacingMm.every((s) => s > 0)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  };
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
  test.prop([edits, fc.nat(400)], { numRuns: 400 })("are read or refused, never anything else", (changes, cut) => {
    for (const whole of [plain, gz]) {
      const bytes = Buffer.from(whole.subarray(0, whole.length - Math.max(0, cut - 300)));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      outcome(bytes);
    }
  });
  test.prop([edits])("also where only the header inside the gzip is damaged", (changes) => {
    const bytes = Buffer.from(plain);
    for (const [at, value] of changes) bytes[at % 348] = value;
    outcome(gzipSync(bytes, { level: 1 }));
  });
  test.prop([fc.uint8Array({ maxLength: 700 })])("and so is noise", outcome);
});

describe("checkSameGrid", () => {
  const grid: Grid = {
    dims: [512, 512, 60],
    spacingMm: [0.7, 0.7, 5],
    affine: [-0.7, 0, 0, 180, 0, -0.7, 0, 170, 0, 0, 5, -400, 0, 0, 0, 1],
  };
  const moved = (index: number, by: number): Grid => ({
    ...grid,
    affine: grid.affine.map((value, i) => (i === index ? value + by : value)),
  });
  it("accepts float32 rounding", () => {
    expect(() => checkSameGrid(grid, { ...grid, affine: grid.affine.map(Math.fround) }, "ct", "mask")).not.toThrow();
  });
  it.each<[string, Grid]>([
    ["another size", { ...grid, dims: [512, 512, 61] }],
    ["an origin moved by 0.1 mm", moved(7, 0.1)],
    ["a spacing 0.02 % larger", moved(0, -0.00014)],
    ["a flip", moved(0, 1.4)],
    ["a tilt of 0.1 degrees", moved(6, 0.0087)],
  ])("refuses %s and names both grids", (_, other) => {
    expect(() => checkSameGrid(grid, other, "ct.nii", "mask.nii")).toThrow(
      /^mask\.nii: lies on another grid than ct\.nii: 512×512×6[01] voxels of 0\.7×0\.7×5 mm, affine \[-?0\.[67].* there/,
    );
  });
});

describe("undirectedAffine", () => {
  it("puts the middle of the image at the origin and x to the left", () => {
    const spacing: Vec3 = [2, 3, 4];
    expect(undirectedAffine([3, 5, 2], spacing)).toEqual([-2, 0, 0, 2, 0, 3, 0, -6, 0, 0, 4, -2, 0, 0, 0, 1]);
  });
});
