import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { isDicom } from "../../methods/imaging/dicomFile.ts";
import { assembleSeries, withoutCopies } from "../../methods/imaging/dicomSeries.ts";
import { type DicomSlice, readDicomSlices } from "../../methods/imaging/dicomSlice.ts";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";

/** Made by test/oracles/dicom_series.py: files written by GDCM, and what SimpleITK reads back. */
const cases: {
  name: string;
  files: Record<string, string>;
  dims: number[];
  spacingMm: number[];
  affine: number[];
  values: number[];
}[] = JSON.parse(readFileSync(new URL("../fixtures/dicomSeries.json", import.meta.url), "utf8"));
const filesOf = (name: string): Buffer[] =>
  Object.values(cases.find((c) => c.name === name)?.files ?? {}).map((file) => Buffer.from(file, "base64"));
const readDicomSlice = async (file: Uint8Array, where: string): Promise<DicomSlice> => (await readDicomSlices(file, where))[0];
const slicesOf = (files: readonly Buffer[]) => Promise.all(files.map((file, i) => readDicomSlice(file, `${i}.dcm`)));
const seriesOf = async (files: readonly Buffer[]) => assembleSeries(await slicesOf(files), "folder");

/** The file (implicit VR) with another value in an element: 16 bits for a number, text padded to the present length. */
function withElement(file: Buffer, group: number, element: number, value: string | number): Buffer {
  const edited = Buffer.from(file);
  const at = edited.indexOf(Buffer.from([group & 255, group >> 8, element & 255, element >> 8]));
  expect(at).toBeGreaterThan(0);
  const length = edited.readUInt32LE(at + 4);
  if (typeof value === "number") edited.writeUInt16LE(value, at + 8);
  else {
    expect(value.length).toBeLessThanOrEqual(length);
    edited.write(value.padEnd(length, group === 0x8 ? "\0" : " "), at + 8, "latin1");
  }
  return edited;
}

/** The file in explicit VR, of either byte order: what follows the meta header is written anew. */
function explicit(file: Buffer, littleEndian: boolean): Buffer {
  const short = (value: number): Buffer => {
    const bytes = Buffer.alloc(2);
    if (littleEndian) bytes.writeUInt16LE(value);
    else bytes.writeUInt16BE(value);
    return bytes;
  };
  const long = (value: number): Buffer =>
    littleEndian ? Buffer.from(Uint32Array.of(value).buffer) : Buffer.from(Uint32Array.of(value).buffer).reverse();
  const numeric = new Set([0x280002, 0x280010, 0x280011, 0x280100, 0x280101, 0x280102, 0x280103]);
  const start = 132 + 12 + file.readUInt32LE(140);
  const parts: Buffer[] = [];
  for (let at = start; at < file.length; ) {
    const [group, element, length] = [file.readUInt16LE(at), file.readUInt16LE(at + 2), file.readUInt32LE(at + 4)];
    const value = Buffer.from(file.subarray(at + 8, at + 8 + length));
    const isPixels = group === 0x7fe0;
    const isNumber = numeric.has(group * 65536 + element);
    if ((isPixels || isNumber) && !littleEndian) value.swap16();
    const vr = isPixels ? "OW" : isNumber ? "US" : group === 0x28 || group === 0x20 ? "DS" : "UI";
    parts.push(
      short(group),
      short(element),
      Buffer.from(vr),
      isPixels ? Buffer.concat([Buffer.alloc(2), long(length)]) : short(length),
      value,
    );
    at += 8 + length;
  }
  const meta = Buffer.from(file.subarray(0, start));
  const syntax = meta.indexOf(Buffer.from([2, 0, 0x10, 0]));
  const uid = `1.2.840.10008.1.2.${littleEndian ? 1 : 2}\0`;
  const grown = Buffer.concat([
    meta.subarray(0, syntax + 6),
    Buffer.from(Uint16Array.of(uid.length).buffer),
    Buffer.from(uid),
    meta.subarray(syntax + 8 + meta.readUInt16LE(syntax + 6)),
  ]);
  grown.writeUInt32LE(grown.length - 144, 140);
  return Buffer.concat([grown, ...parts]);
}

describe("a DICOM series", () => {
  it.each(cases)(
    "$name: voxels and RAS affine as SimpleITK reads them, whatever the file order",
    async ({ name, dims, spacingMm, affine, values }) => {
      const volume = await seriesOf(filesOf(name));
      expect(volume.dims).toEqual(dims);
      volume.spacingMm.forEach((s, axis) => expect(s).toBeCloseTo(spacingMm[axis], 5));
      volume.affine.forEach((value, i) => expect(value).toBeCloseTo(affine[i], 5));
      expect(volume.data).toEqual(Int16Array.from(values));
      expect(await seriesOf(filesOf(name).reverse())).toEqual(volume);
    },
  );

  it("names the step where a slice is missing", async () => {
    const files = filesOf("axial");
    // File order is not slice order: leave out the one in the middle of the positions.
    const slices = (await slicesOf(files)).sort((a, b) => a.position[2] - b.position[2]);
    expect(() => assembleSeries([slices[0], slices[2], slices[3]], "folder")).toThrow(
      /^folder: the step between \d\.dcm and \d\.dcm is (5|2\.5) mm, elsewhere (2\.5|5) mm/,
    );
  });

  it("refuses two series, two slices at one place, other sizes, other directions", async () => {
    const files = filesOf("axial");
    await expect(seriesOf([...files, ...filesOf("sagittal")])).rejects.toThrow(/holds slices of 2 series/);
    await expect(seriesOf([...files, files[1]])).rejects.toThrow(/two slices lie at one position/);
    const slices = await slicesOf(files);
    expect(() => assembleSeries([...slices.slice(1), { ...slices[0], columns: 8 }], "f")).toThrow(/image size differs/);
    expect(() => assembleSeries([...slices.slice(1), { ...slices[0], spacingMm: [0.7, 0.8] }], "f")).toThrow(
      /pixel spacing differs/,
    );
    expect(() => assembleSeries([...slices.slice(1), { ...slices[0], alongRows: [0, 0, 1] }], "f")).toThrow(
      /orientation differs/,
    );
    expect(() => assembleSeries([], "f")).toThrow(InputError);
  });

  it("leaves out copies of a slice, but not another one at its place", async () => {
    const slices = await slicesOf(filesOf("axial"));
    const copy = { ...slices[1], where: "copy.dcm" };
    expect(withoutCopies([...slices, copy])).toEqual(slices);
    const other = { ...copy, data: copy.data.map((hu) => hu + 1) };
    expect(withoutCopies([...slices, other])).toHaveLength(slices.length + 1);
  });

  it("refuses a tilted gantry: slices that are displaced sideways", async () => {
    const tilted = (await slicesOf(filesOf("axial"))).map((slice) => {
      const [x, y, z] = slice.position;
      return { ...slice, position: [x, y + 0.3 * (z + 410), z] as const };
    });
    expect(() => assembleSeries(tilted, "f")).toThrow(/displaced sideways by 0\.75 mm per step/);
  });

  it("takes a displacement below half a pixel for upright, and gives an affine that is right-angled", async () => {
    const slices = await slicesOf(filesOf("axial"));
    const leaning = slices.map((slice, i) => {
      const [x, y, z] = slice.position;
      return { ...slice, position: [x + 0.001 * i, y + 0.02 * (z + 410), z] as const, alongRows: [2e-4, 1, 0] as const };
    });
    const { affine } = assembleSeries(leaning, "f");
    const columns = [0, 1, 2].map((c) => [0, 4, 8].map((r) => affine[r + c]));
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ])
      expect(Math.abs(columns[a].reduce((sum, value, i) => sum + value * columns[b][i], 0))).toBeLessThan(1e-12);
  });

  it.each([0.625, 1.25, 3])("takes steps of %d mm whose positions were rounded to 0.1 mm for even", async (step) => {
    const [slice] = await slicesOf(filesOf("axial"));
    const series = Array.from({ length: 60 }, (_, i) => {
      const position = [0, 0.6 * i * step, 0.8 * i * step].map((mm) => Math.round(10 * mm) / 10) as unknown as Vec3;
      return { ...slice, where: `${i}`, position, alongColumns: [1, 0, 0] as const, alongRows: [0, 0.8, -0.6] as const };
    });
    const { spacingMm } = assembleSeries(series, "f");
    expect(spacingMm[2]).toBeCloseTo(step, 2);
    expect(() => assembleSeries(series.toSpliced(30, 1), "f")).toThrow(/the step between 29 and 31/);
  });

  it("refuses a spacing that grows, although no step is far from the usual one", async () => {
    const [slice] = await slicesOf(filesOf("axial"));
    const series = Array.from({ length: 40 }, (_, i) => {
      const position = [0, 0, 3 * i + 0.0015 * i * i] as const;
      return { ...slice, where: `${i}`, position };
    });
    expect(() => assembleSeries(series, "f")).toThrow(/mm off an even spacing of 3\.0/);
  });

  it("gives a single slice its thickness", async () => {
    const volume = await seriesOf(filesOf("axial").slice(0, 1));
    expect(volume.dims).toEqual([16, 8, 1]);
    expect(volume.spacingMm).toEqual([0.7, 0.9, 2.5]);
  });
});

describe("readDicomSlices", async () => {
  const [file] = filesOf("axial");
  const stored = (await readDicomSlice(file, "a")).data;

  it.each([true, false])("reads explicit VR, little endian: %s", async (littleEndian) => {
    const slice = await readDicomSlice(explicit(file, littleEndian), "a");
    expect(slice).toEqual(await readDicomSlice(file, "a"));
  });

  it("reads objects without preamble, and without the file's header, in implicit and explicit VR", async () => {
    const header = 132 + 12 + file.readUInt32LE(140);
    const [whole, named] = [await readDicomSlice(file, "a"), explicit(file, true)];
    const namedHeader = 132 + 12 + named.readUInt32LE(140);
    for (const bare of [file.subarray(132), file.subarray(header), named.subarray(132), named.subarray(namedHeader)]) {
      expect(isDicom(bare)).toBe(true);
      expect(await readDicomSlice(bare, "a")).toEqual(whole);
    }
  });

  it("rescales", async () => {
    const rescaled = withElement(withElement(file, 0x28, 0x1052, "-9"), 0x28, 0x1053, ".5");
    expect((await readDicomSlice(rescaled, "a")).data).toEqual(Float32Array.from(stored, (value) => value * 0.5 - 9));
  });

  it("takes only the stored bits, with their sign", async () => {
    const twelve = withElement(withElement(file, 0x28, 0x101, 12), 0x28, 0x102, 11);
    expect([...(await readDicomSlice(twelve, "a")).data]).toEqual([...stored]);
    const noisy = Buffer.from(twelve);
    // An overlay plane in the upper bits, as old scanners left it.
    for (let i = 0; i < stored.length; i++) noisy[noisy.length - 2 * stored.length + 2 * i + 1] ^= 0xa0;
    const sample = noisy.readInt16LE(noisy.length - 2 * stored.length);
    expect(sample).not.toBe(stored[0]);
    expect([...(await readDicomSlice(noisy, "a")).data]).toEqual(Array.from(stored, (value) => (value << 20) >> 20));
    const unsigned = withElement(twelve, 0x28, 0x103, 0);
    expect([...(await readDicomSlice(unsigned, "a")).data]).toEqual(Array.from(stored, (value) => value & 0xfff));
    // Values in the upper 12 bits: the highest bit is the 15th.
    const upper = withElement(twelve, 0x28, 0x102, 15);
    expect([...(await readDicomSlice(upper, "a")).data]).toEqual(Array.from(stored, (value) => value >> 4));
  });

  it("gives HU whatever is black on the screen", async () => {
    const inverse = withElement(file, 0x28, 0x4, "MONOCHROME1");
    expect(inverse).not.toEqual(file);
    expect(await readDicomSlice(inverse, "a")).toEqual(await readDicomSlice(file, "a"));
  });

  it.each<[string, Buffer, RegExp]>([
    [
      "other objects",
      withElement(file, 0x8, 0x16, "1.2.840.10008.5.1.4.1.1.4"),
      /is no CT image \(SOP class 1\.2\.840\.10008\.5\.1\.4\.1\.1\.4\)/,
    ],
    ["8-bit pixels", withElement(file, 0x28, 0x100, 8), /not stored in 16 bits/],
    ["a high bit below the stored bits", withElement(file, 0x28, 0x102, 7), /not stored in 16 bits/],
    ["colour", withElement(file, 0x28, 0x2, 3), /not plain grey values/],
    ["more pixels than bytes", withElement(file, 0x28, 0x10, 6000), /PixelData is not 16 × 6000 pixels/],
    ["more pixels than a CT has", withElement(file, 0x28, 0x10, 60000), /is 16 × 60000 pixels/],
    ["a malformed orientation", withElement(file, 0x20, 0x37, "1\\0\\0\\1\\0\\0"), /not two perpendicular directions/],
    ["a malformed position", withElement(file, 0x20, 0x32, "1\\2"), /ImagePositionPatient is absent or malformed/],
    ["zero spacing", withElement(file, 0x28, 0x30, "0\\1"), /PixelSpacing is 0 × 1 mm/],
    ["a file that is cut", file.subarray(0, -40), /PixelData is not|cannot be read as DICOM/],
    [
      "noise behind the preamble",
      Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), Buffer.alloc(50, 0xee)]),
      /cannot be read as DICOM|transfer syntax/,
    ],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(readDicomSlices(bytes, "x.dcm")).rejects.toThrow(InputError);
    await expect(readDicomSlices(bytes, "x.dcm")).rejects.toThrow(message);
  });

  it("knows DICOM by its preamble", () => {
    expect([isDicom(file), isDicom(Buffer.alloc(200)), isDicom(Buffer.alloc(3))]).toEqual([true, false, false]);
  });

  test.prop([fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 10 }), fc.nat(300)], { numRuns: 400 })(
    "reads damaged files or refuses them, never anything else",
    async (changes, cut) => {
      const bytes = Buffer.from(file.subarray(0, file.length - Math.max(0, cut - 200)));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      try {
        const { data, rows, columns } = await readDicomSlice(bytes, "fuzz");
        expect(data.length).toBe(rows * columns);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    },
  );
});
