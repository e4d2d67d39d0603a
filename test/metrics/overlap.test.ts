import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { overlap } from "../../methods/metrics/overlap.ts";
import { fixture, fromRunLengths } from "./fixture.ts";

const bits = (text: string): Uint8Array => Uint8Array.from(text, Number);

describe("overlap", () => {
  it.each([
    // prediction, reference, then precision, recall, Dice, IoU, VS by hand
    { p: "0000", r: "0000", expected: [null, null, 1, 1, 1] }, // both empty
    { p: "0000", r: "0110", expected: [null, 0, 0, 0, 0] }, // nothing predicted
    { p: "0110", r: "0000", expected: [0, null, 0, 0, 0] }, // nothing there
    { p: "1100", r: "0011", expected: [0, 0, 0, 0, 1] }, // apart, but of one size
    { p: "1110", r: "0110", expected: [2 / 3, 1, 4 / 5, 2 / 3, 4 / 5] }, // nested
    { p: "1100", r: "0110", expected: [1 / 2, 1 / 2, 1 / 2, 1 / 3, 1] }, // FN = FP: VS is 1
    { p: "1000", r: "1111", expected: [1, 1 / 4, 2 / 5, 1 / 4, 2 / 5] },
  ])("$p against $r", ({ p, r, expected }) => {
    const { precision, recall, dice, iou, volumetricSimilarity } = overlap(bits(p), bits(r));
    expect([precision, recall, dice, iou, volumetricSimilarity]).toEqual(expected);
  });

  it.each(fixture.masks.map((m, n) => ({ n, ...m })))("equals MedPy and SimpleITK on mask pair $n", (m) => {
    const found = overlap(fromRunLengths(m.prediction), fromRunLengths(m.reference));
    expect(found.precision).toBeCloseTo(m.precision, 12);
    expect(found.recall).toBeCloseTo(m.recall, 12);
    expect(found.dice).toBeCloseTo(m.dice, 12);
    expect(found.iou).toBeCloseTo(m.iou, 12);
    expect(found.volumetricSimilarity).toBeCloseTo(m.volumetricSimilarity, 12);
  });

  it.each([
    // voxels of the test objects of EvaluateSegmentation (the paper's reference 36), each inside the next, and that tool's DICE = VS
    { inner: 3164, outer: 4376, golden: 0.839257 },
    { inner: 2755, outer: 3164, golden: 0.9309 },
  ])("$inner voxels within $outer: the authors' tool's $golden", ({ inner, outer, golden }) => {
    const mask = (size: number): Uint8Array => new Uint8Array(8000).fill(1, 0, size);
    const { dice, volumetricSimilarity } = overlap(mask(inner), mask(outer));
    expect(dice).toBeCloseTo(golden, 6);
    expect(volumetricSimilarity).toBeCloseTo(golden, 6);
  });

  const pairs = fc
    .integer({ min: 0, max: 40 })
    .chain((n) =>
      fc.tuple(
        fc.array(fc.constantFrom(0, 1), { minLength: n, maxLength: n }),
        fc.array(fc.constantFrom(0, 1, 255), { minLength: n, maxLength: n }),
      ),
    )
    .map(([p, r]) => [Uint8Array.from(p), Uint8Array.from(r)] as const);

  test.prop([pairs])("counts every voxel once, VS stays within [Dice, 1]", ([p, r]) => {
    const { tp, fp, fn, tn, dice, iou, volumetricSimilarity } = overlap(p, r);
    expect(tp + fp + fn + tn).toBe(p.length);
    expect(dice).toBeCloseTo((2 * iou) / (1 + iou), 12);
    expect(volumetricSimilarity).toBeGreaterThanOrEqual(dice - 1e-12);
    expect(volumetricSimilarity).toBeLessThanOrEqual(1);
  });

  test.prop([pairs])("swapping the masks swaps precision and recall", ([p, r]) => {
    const one = overlap(p, r);
    const other = overlap(r, p);
    expect([one.precision, one.recall, one.dice, one.volumetricSimilarity]).toEqual([
      other.recall,
      other.precision,
      other.dice,
      other.volumetricSimilarity,
    ]);
  });

  it("refuses masks of different length", () => {
    expect(() => overlap(bits("01"), bits("011"))).toThrow(/2 voxels, reference 3/);
  });
});
