import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openDeepLesion } from "../../methods/datasets/deeplesion.ts";

const shared = process.env.RECIST3D_SHARED_DATA ?? "../shared/data";

describe.skipIf(!existsSync(shared))("the published slices (need the shared data)", () => {
  it("loads the five rows that have images, with the references of two", async () => {
    const source = await openDeepLesion(path.join(shared, "deeplesion"));
    expect(source.skipped).toEqual({ "image file is absent": 7 });
    const cases = [];
    for (let i = 0; i < source.entries.length; i++) cases.push(await source.load(i));
    expect(cases.map(({ id, reference }) => [id, reference?.data.reduce((sum, value) => sum + value, 0)])).toEqual([
      ["000001_01_01_109-1", undefined],
      ["000001_02_01_014-1", undefined],
      ["000001_02_01_017-1", 11697],
      ["000001_03_01_088-1", undefined],
      ["000002_03_01_041-1", 3961],
    ]);
    for (const { image } of cases) expect(image.data.every((hu) => hu >= -1100 && hu <= 3100)).toBe(true);
  });

  it("lists nothing where no image is present, and counts all rows", async () => {
    const { entries, skipped } = await openDeepLesion(path.join(shared, "deeplesion"), {
      info: "annotations/DL_info_158rows.csv",
    });
    expect([entries.length, skipped]).toEqual([0, { "image file is absent": 158 }]);
  });
});
