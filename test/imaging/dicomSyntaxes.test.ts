import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { assembleSeries } from "../../methods/imaging/dicomSeries.ts";
import { readDicomSlices } from "../../methods/imaging/dicomSlice.ts";
import { InputError } from "../../methods/inputError.ts";

/** Made by test/oracles/dicom_syntaxes.py: files of DCMTK, GDCM, CharLS, OpenJPEG and OpenJPH, and what pydicom reads from lossy ones. */
const golden: {
  rows: number;
  columns: number;
  hu: string;
  slices: { name: string; kind: "lossless" | "lossy" | "unread"; file: string; hu?: string }[];
  volume: string;
  enhanced: { name: string; file: string }[];
} = JSON.parse(readFileSync(new URL("../fixtures/dicomSyntaxes.json", import.meta.url), "utf8"));
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const huOf = (base64: string): Int16Array => new Int16Array(bytesOf(base64).buffer);
const { rows, columns } = golden;
const original = huOf(golden.hu);
const kind = (name: string) => golden.slices.filter((slice) => slice.kind === name);

describe("a slice in every transfer syntax", () => {
  it.each(kind("lossless"))("$name: every voxel", async ({ file }) => {
    const [slice, ...others] = await readDicomSlices(bytesOf(file), "a.dcm");
    expect(others).toEqual([]);
    expect(slice.data).toEqual(original);
    expect(slice).toMatchObject({ rows, columns, lossy: undefined, spacingMm: [0.5, 0.75], position: [-12.5, 30.25, -410] });
  });

  it.each(kind("lossy"))("$name: what other programs read, and that it is lossy", async ({ name, file, hu }) => {
    const [{ data, lossy }] = await readDicomSlices(bytesOf(file), "a.dcm");
    expect(lossy).toMatch(/JPEG-LS Near-Lossless|JPEG 2000/);
    const differences = huOf(hu ?? "").map((value, i) => Math.abs(value - data[i]));
    // The irreversible wavelet is computed in floating point, by another codec there.
    expect(Math.max(...differences)).toBeLessThanOrEqual(name.startsWith("JPEG-LS") ? 0 : 1);
    expect(data).not.toEqual(original);
  });

  it.each(kind("unread"))("$name: refused by its name", async ({ file }) => {
    await expect(readDicomSlices(bytesOf(file), "c.dcm")).rejects.toThrow(
      /^c\.dcm: is stored in transfer syntax 1\.2\.840\.10008\.1\.2\.4\.51, JPEG Extended, which is not read — decompress/,
    );
  });
});

describe("an enhanced CT", () => {
  it.each(golden.enhanced)("$name: its frames in the order of their positions, each with its own rescaling", async ({ file }) => {
    const slices = await readDicomSlices(bytesOf(file), "e.dcm");
    expect(slices.map(({ where }) => where)).toEqual([1, 2, 3, 4].map((frame) => `e.dcm, frame ${frame}`));
    const { data, dims, spacingMm, affine } = assembleSeries(slices, "e.dcm");
    expect(dims).toEqual([columns, rows, 4]);
    expect(spacingMm).toEqual([0.5, 0.75, 2.5]);
    expect(affine).toEqual([-0.5, 0, 0, 12.5, 0, -0.75, 0, -30.25, 0, 0, 2.5, -410, 0, 0, 0, 1]);
    expect(data).toEqual(huOf(golden.volume));
  });
});

describe("damaged compressed pixels", () => {
  /** One file of each coding. */
  const files = [...kind("lossless"), ...kind("lossy")]
    .filter(({ name }) => /unsigned/.test(name))
    .map(({ file }) => bytesOf(file));
  const refusedOrRead = async (bytes: Uint8Array): Promise<void> => {
    try {
      for (const { data } of await readDicomSlices(bytes, "fuzz")) expect(data.length).toBe(rows * columns);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  };

  it.each(kind("lossless").filter(({ name }) => /JPEG|HTJ2K|RLE/.test(name)))(
    "$name: refused where cut off",
    async ({ file }) => {
      const whole = bytesOf(file);
      for (const end of [0.97, 0.9, 0.7, 0.5])
        await expect(readDicomSlices(whole.subarray(0, Math.floor(end * whole.length)), "cut")).rejects.toThrow(InputError);
    },
  );

  it("are refused where the codestream's size is not the file's", async () => {
    for (const { name, file } of kind("lossless").filter(({ name }) => /JPEG|HTJ2K/.test(name))) {
      const bytes = Buffer.from(bytesOf(file));
      const at = bytes.indexOf(Buffer.from([0x28, 0, 0x10, 0]));
      expect(bytes.readUInt16LE(at + 8)).toBe(rows);
      bytes.writeUInt16LE(8000, at + 8);
      await expect(readDicomSlices(bytes, name)).rejects.toThrow(/are damaged: 36 × 32 × 1 in place of 36 × 8000/);
    }
  });

  test.prop([fc.nat(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 })], { numRuns: 150 })(
    "wherever they are damaged: read or refused, never anything else",
    async (which, changes) => {
      const bytes = files[which % files.length].slice();
      // Behind most of the header, which has a test of its own.
      for (const [at, value] of changes) bytes[600 + (at % (bytes.length - 600))] = value;
      await refusedOrRead(bytes);
    },
    60_000,
  );

  it("change nothing about the file that is read next", async () => {
    for (const { file } of kind("lossless").filter(({ name }) => /JPEG-LS|2000|HTJ2K/.test(name))) {
      const torn = bytesOf(file).map((byte, i) => (i > 1000 && i % 50 === 0 ? byte ^ 0x55 : byte));
      await refusedOrRead(torn);
      const [{ data }] = await readDicomSlices(bytesOf(file), "whole");
      expect(data).toEqual(original);
    }
  });
});
