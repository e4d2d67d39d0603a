import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as propertyTest } from "@fast-check/vitest";
import dicomParser, { type DataSet } from "dicom-parser";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeSegmentation, framesOf, type Segment } from "../../methods/imaging/dicomSegmentation.ts";
import type { CtStack } from "../../methods/imaging/dicomSeries.ts";
import { openImage } from "../../methods/imaging/openImage.ts";
import type { Mask, Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { PERSON, text } from "../datasets/dicomFiles.ts";
import { reportedSeriesFiles, reportFixture } from "../datasets/reportFixture.ts";

/** 東京 in JIS X 0208, by escape sequences. */
const TOKYO = "\x1b$B\x45\x6c\x35\x7e\x1b(B";
let folder: string;
let volume: Volume;
let stack: CtStack;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-segmentation-"));
  const more = [
    text(0x0008, 0x0005, "\\ISO 2022 IR 87"),
    text(0x0008, 0x1030, TOKYO),
    // As archives write sequences that they do not know (CP-246), before the patient.
    Buffer.from("09001010ffffffff" + "feff00e0ffffffff" + "feff0de000000000" + "feffdde000000000", "hex"),
  ];
  reportedSeriesFiles(more).forEach((bytes, z) => writeFileSync(path.join(folder, `${9 - z}.dcm`), bytes));
  const opened = await openImage(folder);
  [volume, stack] = [opened.volume, opened.stack!];
});
afterAll(() => rmSync(folder, { recursive: true }));

const maskOf = (isInside: (x: number, y: number, z: number) => boolean): Mask => {
  const [nx, ny, nz] = volume.dims;
  const data = Uint8Array.from({ length: nx * ny * nz }, (_, i) =>
    isInside(i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))) ? 1 : 0,
  );
  return { ...volume, data };
};
async function encoded(segments: readonly Segment[], of = stack): Promise<DataSet> {
  const software = { name: "recist3d", version: "0" };
  const at = new Date("2026-11-29T10:20:30Z");
  return dicomParser.parseDicom(await encodeSegmentation(segments, { stack: of, algorithm: "ellipse", software, at }));
}
const items = (data: DataSet | undefined, ...tags: string[]): DataSet[] =>
  tags.reduce<DataSet[]>(
    (all, tag) => all.flatMap((one) => (one.elements[tag]?.items ?? []).map(({ dataSet }) => dataSet!)),
    [data!],
  );

/** The masks in a segmentation, by segment: slices by the images that its frames refer to. */
function masksIn(data: DataSet): Uint8Array[] {
  const [nx, ny, nz] = volume.dims;
  const { dataOffset } = data.elements.x7fe00010;
  const bit = (i: number): number => (data.byteArray[dataOffset + (i >> 3)] >> (i & 7)) & 1;
  const masks = items(data, "x00620002").map(() => new Uint8Array(nx * ny * nz));
  items(data, "x52009230").forEach((frame, i) => {
    const segment = items(frame, "x0062000a")[0].uint16("x0062000b")!;
    const image = items(frame, "x00089124", "x00082112")[0].string("x00081155")!;
    const z = Number(image.split(".").at(-1)) - 1;
    for (let p = 0; p < nx * ny; p++) masks[segment - 1][z * nx * ny + p] = bit(i * nx * ny + p);
  });
  return masks;
}

describe("a DICOM segmentation", () => {
  it("holds every mask on the images of its slices, and no empty slice", async () => {
    const masks = [
      maskOf((x, y, z) => z === 1 && x > 3 && x < 20 && y === 7),
      maskOf((x, y, z) => z > 1 && z < 5 && x * y === 12),
    ];
    const data = await encoded(masks.map((mask, i) => ({ label: `l${i}`, frames: framesOf(mask) })));
    expect(masksIn(data)).toEqual(masks.map(({ data }) => data));
    expect(data.string("x00280008")).toBe("4");
    expect(items(data, "x52009230", "x00209111").map((one) => [one.uint32("x00209157", 0), one.uint32("x00209157", 1)])).toEqual([
      [1, 1],
      [2, 2],
      [2, 3],
      [2, 4],
    ]);
    // Where the frames lie, as the images' own headers say.
    items(data, "x52009230", "x00209113").forEach((one, i) => {
      const position = one.string("x00200032")!.split("\\").map(Number);
      position.forEach((value, axis) => expect(value).toBeCloseTo(stack.slices[i + 1].position[axis], 5));
    });
  });

  it("is of the patient, study and frame of reference of its series, whatever character set they are written in", async () => {
    const data = await encoded([{ label: "a", frames: framesOf(maskOf((x) => x === 2)), trackingUid: "61.7.1.2" }]);
    expect(data.string("x00100010")).toBe(PERSON.name);
    expect(data.string("x00100020")).toBe(PERSON.id);
    expect(data.string("x0020000d")).toBe(`${reportFixture.uid}.0.1`);
    expect(data.string("x00200052")).toBe(reportFixture.frameOfReference);
    expect(items(data, "x00081115")[0].string("x0020000e")).toBe(reportFixture.uid);
    expect(items(data, "x00081115", "x0008114a")).toHaveLength(6);
    expect(items(data, "x00620002")[0].string("x00620021")).toBe("61.7.1.2");
    expect(data.string("x00080005")).toBe("\\ISO 2022 IR 87");
    expect(data.string("x00081030")).toBe(TOKYO);
    // Elements are in order, and those that must be there are there, if empty.
    const tags = Object.values(data.elements).sort((a, b) => a.dataOffset - b.dataOffset);
    expect(tags.map(({ tag }) => tag)).toEqual(Object.keys(data.elements).sort());
    for (const tag of ["x00080050", "x00080090", "x00100040", "x00200010", "x00201040"])
      expect(data.elements).toHaveProperty(tag);
  });

  it("is another object each time", async () => {
    const [a, b] = [
      await encoded([{ label: "a", frames: framesOf(maskOf((x) => x === 2)) }]),
      await encoded([{ label: "a", frames: framesOf(maskOf((x) => x === 2)) }]),
    ];
    for (const tag of ["x00080018", "x0020000e"]) expect(a.string(tag)).not.toBe(b.string(tag));
    expect(a.string("x00080018")).toMatch(/^2\.25\.[1-9]\d{1,38}$/);
  });

  propertyTest.prop([fc.array(fc.nat(40 * 30 * 6 - 1), { minLength: 1, maxLength: 40 })], { numRuns: 25 })(
    "of any mask gives it back",
    async (voxels) => {
      const mask = maskOf(() => false);
      for (const voxel of voxels) mask.data[voxel] = 1;
      expect(masksIn(await encoded([{ label: "a", frames: framesOf(mask) }]))).toEqual([mask.data]);
    },
  );

  it("of a series that is of no study is refused, and one without a frame of reference gets one", async () => {
    const source = dicomParser.parseDicom(readFileSync(path.join(folder, "9.dcm")));
    const without = (tag: string): CtStack => {
      const { dataOffset, length } = source.elements[tag];
      const bytes = Buffer.from(source.byteArray);
      bytes.fill(0, dataOffset, dataOffset + length);
      const file = path.join(folder, `without-${tag}`);
      writeFileSync(file, bytes);
      return { ...stack, file };
    };
    const segments = [{ label: "a", frames: framesOf(maskOf((x) => x === 2)) }];
    await expect(encoded(segments, without("x0020000d"))).rejects.toThrow(InputError);
    expect((await encoded(segments, without("x00200052"))).string("x00200052")).toMatch(/^2\.25\./);
  });
});
