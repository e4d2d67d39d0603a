import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ctSeriesAmong, dicomFilesBelow, framePlane } from "../../methods/imaging/dicomFolder.ts";
import { openImage } from "../../methods/imaging/openImage.ts";
import { encodeCtPng } from "../../methods/imaging/png16.ts";
import type { Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { dicomSegmentation, dicomSeries, number, text } from "../datasets/dicomFiles.ts";
import { axialGrid } from "../datasets/lymphNodeFolder.ts";

const GRID = axialGrid([9, 7, 5], [0.8, 0.8, 2]);
const CT: Volume = { ...GRID, data: Int16Array.from({ length: 9 * 7 * 5 }, (_, i) => ((i * 37) % 2000) - 1000) };
const AFTER: Volume = { ...GRID, data: CT.data.map((hu) => hu + 50) };

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-dicom-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(name: string, bytes: Uint8Array | string): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), bytes);
}
const putSeries = (folder: string, files: readonly Buffer[]): void =>
  // Names are no order, as archives number them.
  files.forEach((file, i) => {
    put(path.join(folder, `IM${(i * 3 + 1) % files.length}`), file);
  });
const about = (series: string, description: string) => [text(0x0008, 0x103e, description), text(0x0020, 0x0011, series)];

describe("a folder as archives export it", () => {
  it("holds one series in subfolders, among directories, previews, localizers and other objects", async () => {
    putSeries("DICOM/PA0/ST0/SE1", dicomSeries(CT, "1.2.1"));
    const [scout] = dicomSeries(CT, "1.2.2", () => [text(0x0008, 0x0008, "ORIGINAL\\PRIMARY\\LOCALIZER")]);
    put("DICOM/PA0/ST0/SE0/IM0", scout);
    put("DICOM/PA0/ST0/SE2/IM0", dicomSegmentation("1.2.3"));
    put("DICOMDIR", dicomSegmentation("1.2.4"));
    put("INDEX.XML", "<xml/>");
    put("README", "text");
    put("thumbnail.png", encodeCtPng({ data: new Int16Array(4), width: 2, height: 2 }));
    const { volume, kind, notes } = await openImage(root);
    expect(kind).toBe("dicom");
    expect(volume.data).toEqual(CT.data);
    expect(notes).toEqual([]);
  });

  it("may hold links to folders and files, even in a circle; one to nothing is told", async () => {
    putSeries("archive.zip/SE1", dicomSeries(CT, "1.2.1"));
    mkdirSync(path.join(root, "work"));
    symlinkSync(path.join(root, "archive.zip/SE1"), path.join(root, "work/series"));
    symlinkSync(path.join(root, "work"), path.join(root, "work/again"));
    expect((await openImage(path.join(root, "work"))).volume.data).toEqual(CT.data);
    symlinkSync(path.join(root, "gone"), path.join(root, "work/IM9"));
    const refused = openImage(path.join(root, "work"));
    await expect(refused).rejects.toThrow(`${path.join(root, "work/IM9")}: is not there, or a link to nothing`);
    await expect(refused).rejects.toBeInstanceOf(InputError);
  });

  it("names its series where it holds several, and opens the one that is asked for by UID or number", async () => {
    putSeries(
      "a",
      dicomSeries(CT, "1.2.1", () => about("2", "Abdomen 2.0")),
    );
    putSeries(
      "b",
      dicomSeries(AFTER, "1.2.2", () => about("3", "venous")),
    );
    const choice =
      "choose one by its UID or number (--series):\n  1.2.1  number 2  5 slices  Abdomen 2.0\n  1.2.2  number 3  5 slices  venous";
    await expect(openImage(root)).rejects.toThrow(`${root}: holds 2 CT series — ${choice}`);
    expect((await openImage(root, { series: "1.2.2" })).volume.data).toEqual(AFTER.data);
    expect((await openImage(root, { series: "2" })).volume.data).toEqual(CT.data);
    await expect(openImage(root, { series: "4" })).rejects.toThrow(/holds no CT series 4 — choose one of:\n {2}1\.2\.1/);
  });

  it("may hold slices twice and a localizer of the series: left out, with a note", async () => {
    const files = dicomSeries(CT, "1.2.1");
    putSeries("a", files);
    put("copy/1", files[1]);
    put("copy/2", files[3]);
    const [scout] = dicomSeries(CT, "1.2.1", () => [text(0x0008, 0x0008, "DERIVED\\SECONDARY\\LOCALIZER")]);
    put("scout", scout);
    const { volume, notes } = await openImage(root);
    expect(volume.data).toEqual(CT.data);
    expect(notes).toEqual(["1 localizer of the series left out", "2 slices left out: copies of others"]);
  });

  it("may hold an enhanced CT, all slices in one file, which can be named itself", async () => {
    const golden: { columns: number; rows: number; volume: string; enhanced: { file: string }[] } = JSON.parse(
      readFileSync(new URL("../fixtures/dicomSyntaxes.json", import.meta.url), "utf8"),
    );
    put("SE1/IM1", Buffer.from(golden.enhanced[0].file, "base64"));
    const { volume, kind } = await openImage(root);
    expect([kind, volume.dims]).toEqual(["dicom", [golden.columns, golden.rows, 4]]);
    expect(volume.data).toEqual(new Int16Array(new Uint8Array(Buffer.from(golden.volume, "base64")).buffer));
    expect((await openImage(path.join(root, "SE1/IM1"))).volume).toEqual(volume);
  });

  it("without CT is refused by what it holds", async () => {
    put("a", dicomSegmentation("1.2.1"));
    const [scout] = dicomSeries(CT, "1.2.2", () => [text(0x0008, 0x0008, "ORIGINAL\\PRIMARY\\LOCALIZER")]);
    put("b", scout);
    await expect(openImage(root)).rejects.toThrow(/holds no CT series, only 1 × SEG, 1 × CT localizer/);
    await expect(openImage(root, { series: "1" })).rejects.toThrow(/holds no CT series/);
  });

  it("of another kind has no series to choose", async () => {
    put("001.png", encodeCtPng({ data: new Int16Array(4), width: 2, height: 2 }));
    await expect(openImage(root, { series: "1", spacingMm: [1, 1, 1] })).rejects.toThrow(
      /holds no DICOM series — leave the series out/,
    );
  });
});

describe("what slices say about their pixels", () => {
  it("padding below air is air; padding that could be tissue stays", async () => {
    const outside = { ...CT, data: CT.data.map((hu, i) => (i % 9 === 0 ? -3024 : hu)) };
    putSeries(
      "a",
      dicomSeries(outside, "1.2.1", () => [number(0x0028, 0x0120, 65536 - 2000)]),
    );
    expect((await openImage(path.join(root, "a"))).volume.data).toEqual(CT.data.map((hu, i) => (i % 9 === 0 ? -1024 : hu)));
    putSeries(
      "b",
      dicomSeries(CT, "1.2.2", () => [number(0x0028, 0x0120, 1024 + CT.data[5])]),
    );
    expect((await openImage(path.join(root, "b"))).volume.data).toEqual(CT.data);
    putSeries("c", dicomSeries(outside, "1.2.3"));
    expect((await openImage(path.join(root, "c"))).volume.data).toEqual(outside.data);
  });

  it("an earlier lossy compression is noted", async () => {
    putSeries(
      "a",
      dicomSeries(CT, "1.2.1", () => [text(0x0028, 0x2110, "01")]),
    );
    expect((await openImage(root)).notes).toEqual(["pixels were compressed with losses (before they were stored as they are)"]);
  });

  it("values that are not HU are refused", async () => {
    putSeries(
      "a",
      dicomSeries(CT, "1.2.1", () => [text(0x0028, 0x1054, "Z_EFF")]),
    );
    await expect(openImage(root)).rejects.toThrow(/IM\d: its values are Z_EFF, not HU — give a series of HU/);
  });
});

describe("headers of more than 64 KiB", () => {
  it("are read whole, also where a part of them parses", async () => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(0x1010_0009, 0);
    head.writeUInt32LE(70_000, 4);
    const large = Buffer.concat([head, Buffer.alloc(70_000)]);
    putSeries(
      "a",
      dicomSeries(CT, "1.2.1", () => [large]),
    );
    putSeries(
      "b",
      dicomSeries(AFTER, "1.2.2", () => [large]),
    );
    const files = await dicomFilesBelow(root);
    expect((await ctSeriesAmong(files)).map(({ uid, images }) => [uid, images])).toEqual([
      ["1.2.1", 5],
      ["1.2.2", 5],
    ]);
    expect((await openImage(root, { series: "1.2.2" })).volume.data).toEqual(AFTER.data);
    expect((await framePlane(files[0], 1))?.spacingMm).toEqual([0.8, 0.8]);
    expect(await framePlane(files[0], 2)).toBeUndefined();
  });
});
