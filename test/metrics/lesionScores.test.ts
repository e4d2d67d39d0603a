import { describe, expect, it } from "vitest";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { scoreLesion, scoreRegion } from "../../methods/metrics/lesionScores.ts";
import { ellipsoidVolumeMm3, maskVolumeMm3, millilitres } from "../../methods/metrics/volume.ts";

const dims: Vec3 = [4, 1, 4];
const spacingMm: Vec3 = [0.5, 0.5, 5];
const options = { tolerancesMm: [1] };
/** Four slices of one row. */
const rows = (...text: string[]): Uint8Array => Uint8Array.from(text.join(""), Number);

describe("scoreLesion", () => {
  const reference = rows("0000", "0110", "1110", "0100");
  const prediction = rows("1000", "0110", "0111", "0000");
  const score = scoreLesion({ prediction, reference, dims, spacingMm, marks: { slice: 2 } }, options);

  it("scores the volume and the RECIST slice apart", () => {
    expect(score.volume).toMatchObject({ tp: 4, fp: 2, fn: 2, tn: 8, dice: 2 / 3 });
    expect(score.slice).toMatchObject({ tp: 2, fp: 1, fn: 1, tn: 0, dice: 2 / 3 });
  });

  it("measures distances in voxels and in mm", () => {
    // on the RECIST slice each mask has one of three voxels one column beside the other
    expect(score.slice.avdVoxels).toBeCloseTo(1 / 3, 12);
    expect(score.slice.avdMm).toBeCloseTo(1 / 6, 12);
    expect(score.slice.hausdorffMm).toBe(0.5);
    // (0,0,0) is (1,0,1) away: √2 voxels, √(0.5² + 5²) mm
    expect(score.volume?.hausdorffVoxels).toBeCloseTo(Math.SQRT2, 12);
    expect(score.volume?.hausdorffMm).toBeCloseTo(Math.hypot(0.5, 5), 12);
  });

  it("scores every slice by its offset from the RECIST slice", () => {
    expect(score.offsets.map(({ offset, dice }) => ({ offset, dice }))).toEqual([
      { offset: -2, dice: 0 }, // only predicted
      { offset: -1, dice: 1 },
      { offset: 0, dice: 2 / 3 },
      { offset: 1, dice: 0 }, // missed
    ]);
  });

  it("leaves out slices that neither mask reaches", () => {
    const alone = rows("0000", "0110", "0000", "0000");
    const { offsets } = scoreLesion({ prediction: alone, reference: alone, dims, spacingMm, marks: { slice: 1 } }, options);
    expect(offsets.map((o) => [o.offset, o.dice])).toEqual([[0, 1]]);
  });

  it("scores the slice alone where the method fills no other", () => {
    const alone = scoreLesion({ prediction, reference, dims, spacingMm, marks: { slice: 2 } }, options, "slice");
    expect(alone).toMatchObject({ slice: score.slice, volume: null, offsets: [], failures: [] });
  });

  it("measures volumes", () => {
    expect(score.volume).toMatchObject({ referenceMm3: 7.5, predictedMm3: 7.5, volumeDifferenceMm3: 0 });
    const larger = scoreRegion({ prediction: rows("1111"), reference: rows("0110"), dims: [4, 1, 1], spacingMm }, options);
    expect(larger).toMatchObject({ volumeDifferenceMm3: 2.5, relativeVolumeDifference: 1 });
    const none = scoreRegion({ prediction: rows("1111"), reference: rows("0000"), dims: [4, 1, 1], spacingMm }, options);
    expect(none).toMatchObject({ volumeDifferenceMm3: 5, relativeVolumeDifference: null, surfaceDice: { 1: 0 } });
  });

  it.each([
    { what: ["empty prediction"], masks: [rows("0000", "0000", "0000", "0000"), reference] },
    { what: ["empty on the RECIST slice"], masks: [rows("0000", "0110", "0000", "0000"), reference] },
    { what: ["misses the lesion"], masks: [rows("0000", "0000", "0001", "0000"), reference] },
    { what: ["empty on the RECIST slice", "misses the lesion"], masks: [rows("1100", "0000", "0000", "0000"), reference] },
    { what: ["empty reference"], masks: [prediction, rows("0000", "0000", "0000", "0000")] },
    { what: [], masks: [prediction, reference] },
  ])("names the failures: $what", ({ what, masks }) => {
    const found = scoreLesion({ prediction: masks[0], reference: masks[1], dims, spacingMm, marks: { slice: 2 } }, options);
    expect(found.failures).toEqual(what);
  });

  it("an empty prediction has Dice 0 and no distance", () => {
    const { volume } = scoreLesion({ prediction: new Uint8Array(16), reference, dims, spacingMm, marks: { slice: 2 } }, options);
    expect(volume).toMatchObject({
      dice: 0,
      avdVoxels: null,
      avdMm: null,
      hausdorffMm: null,
      hausdorff95Mm: null,
      assdMm: null,
      precision: null,
      recall: 0,
    });
  });

  it("refuses a RECIST slice outside the volume", () => {
    const masks = { prediction, reference, dims, spacingMm };
    expect(() => scoreLesion({ ...masks, marks: { slice: 4 } }, options)).toThrow(/slice 4 is outside/);
  });
});

describe("volumes", () => {
  it("of a mask and of the ellipsoid on the marks", () => {
    expect(millilitres(maskVolumeMm3(new Uint8Array(1000).fill(1), [1, 1, 1]))).toBe(1);
    expect(ellipsoidVolumeMm3(20, 20)).toBeCloseTo((4 / 3) * Math.PI * 1000, 9); // a sphere of radius 10 mm
  });
});
