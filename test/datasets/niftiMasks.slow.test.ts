import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openNiftiMasks } from "../../methods/datasets/niftiMasks.ts";
import { lengthMm } from "../../methods/labels/recist.ts";

const shared = process.env.RECIST3D_SHARED_DATA ?? "../shared/data";

describe.skipIf(!existsSync(shared))("CT with masks (needs the shared data)", () => {
  it("has 11 lesions whose RECIST slice, long axis and size are those that Python measures", async () => {
    const source = await openNiftiMasks(path.join(shared, "ct-with-masks"), { seed: 1 });
    const measured = [];
    for (let i = 0; i < source.entries.length; i++) {
      for (const { marks, image, source: from, reference, window } of (await source.load(i)).cases)
        measured.push([
          marks.slice + from.origin[2],
          Number(lengthMm(marks.long, image.spacingMm).toFixed(3)),
          reference?.data.reduce((sum, value) => sum + value, 0),
          window.low,
        ]);
    }
    // scipy and the max-Feret measurement on the same sections: slice, mm, voxels; lung where the ring's median < −300 HU.
    expect(measured).toEqual([
      [23, 102.97, 125256, -160],
      [20, 94.075, 54639, -1350],
      [18, 37.395, 2256, -1350],
      [23, 55.286, 17090, -160],
      [24, 39.026, 8862, -160],
      [39, 88.156, 135745, -160],
      [22, 31.554, 5564, -160],
      [23, 51.684, 24892, -160],
      [29, 61.802, 35591, -160],
      [30, 45.155, 11450, -160],
      [27, 47.622, 11175, -160],
    ]);
  });
});
