import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlacedMask } from "../../methods/imaging/placedMask.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { froc, meanSensitivity, type SearchedVolume, sensitivityAt } from "../../methods/metrics/froc.ts";
import { proposalHits } from "../../methods/metrics/proposalHits.ts";

describe("FROC", () => {
  // by hand: two volumes with three lesions
  const volumes: SearchedVolume[] = [
    {
      lesions: 2,
      proposals: [
        { score: 0.9, hits: [0] },
        { score: 0.8, hits: [] },
        { score: 0.7, hits: [0] }, // again: neither
        { score: 0.3, hits: [1] },
      ],
    },
    {
      lesions: 1,
      proposals: [
        { score: 0.8, hits: [0] },
        { score: 0.5, hits: [] },
        { score: 0.2, hits: [] },
      ],
    },
  ];
  it("counts found lesions and false positives at every score", () => {
    expect(froc(volumes)).toEqual({
      volumes: 2,
      lesions: 3,
      points: [
        { threshold: 0.9, sensitivity: 1 / 3, falsePositivesPerVolume: 0 },
        { threshold: 0.8, sensitivity: 2 / 3, falsePositivesPerVolume: 0.5 },
        { threshold: 0.7, sensitivity: 2 / 3, falsePositivesPerVolume: 0.5 },
        { threshold: 0.5, sensitivity: 2 / 3, falsePositivesPerVolume: 1 },
        { threshold: 0.3, sensitivity: 1, falsePositivesPerVolume: 1 },
        { threshold: 0.2, sensitivity: 1, falsePositivesPerVolume: 1.5 },
      ],
    });
  });
  it("is read at rates of false positives as a step function", () => {
    const curve = froc(volumes)!;
    expect([0, 0.125, 0.49, 0.5, 0.99, 1, 8].map((rate) => sensitivityAt(curve, rate))).toEqual(
      [1, 1, 1, 2, 2, 3, 3].map((n) => n / 3),
    );
    expect(meanSensitivity(curve)).toBeCloseTo((1 / 3 + 1 / 3 + 2 / 3 + 4) / 7, 12);
  });
  it("is undefined without lesions, and 0 without proposals", () => {
    expect(froc([{ lesions: 0, proposals: [{ score: 1, hits: [] }] }])).toBeNull();
    expect(meanSensitivity(froc([{ lesions: 2, proposals: [] }])!)).toBe(0);
  });
  it("refuses hits on lesions that are not there, and scores that are no numbers", () => {
    expect(() => froc([{ lesions: 1, proposals: [{ score: 1, hits: [1] }] }])).toThrow(RangeError);
    expect(() => froc([{ lesions: 1, proposals: [{ score: Number.NaN, hits: [] }] }])).toThrow(RangeError);
  });
  it("is what counting anew at each threshold gives", () => {
    const proposal = fc.record({ score: fc.integer({ min: 0, max: 6 }), hits: fc.uniqueArray(fc.nat(2), { maxLength: 2 }) });
    const volume = fc.record({ lesions: fc.constant(3), proposals: fc.array(proposal) });
    fc.assert(
      fc.property(fc.array(volume, { minLength: 1 }), (all) => {
        for (const { threshold, sensitivity, falsePositivesPerVolume } of froc(all)!.points) {
          let [found, false_] = [0, 0];
          for (const { proposals } of all) {
            const shown = proposals.filter(({ score }) => score >= threshold);
            found += new Set(shown.flatMap(({ hits }) => hits)).size;
            false_ += shown.filter(({ hits }) => hits.length === 0).length;
          }
          expect(sensitivity).toBeCloseTo(found / (3 * all.length), 12);
          expect(falsePositivesPerVolume).toBeCloseTo(false_ / all.length, 12);
        }
      }),
    );
  });
});

describe("a hit", () => {
  const cuboid = (start: Vec3, dims: Vec3): PlacedMask => ({
    start,
    mask: {
      dims,
      spacingMm: [1, 1, 1],
      affine: scalingAffine([1, 1, 1]),
      data: new Uint8Array(dims[0] * dims[1] * dims[2]).fill(1),
    },
  });
  const lesions = [cuboid([10, 10, 5], [6, 6, 4]), cuboid([30, 10, 5], [6, 6, 4])];
  it.each([
    ["the same mask", cuboid([10, 10, 5], [6, 6, 4]), [0], [0]],
    ["2 of 6 columns off: IoU 4/8", cuboid([12, 10, 5], [6, 6, 4]), [0], [0]],
    ["a column off, and 3 too many: IoU 5/9", cuboid([11, 10, 5], [8, 6, 4]), [0], [0]],
    ["half of its rows off: IoU 3/9", cuboid([10, 7, 5], [6, 6, 4]), [0], []],
    ["its centre just outside", cuboid([14, 10, 5], [6, 6, 4]), [], []],
    ["much too large", cuboid([8, 8, 4], [12, 12, 6]), [0], []],
    ["over both", cuboid([10, 10, 5], [26, 6, 4]), [], []],
  ] as [string, PlacedMask, number[], number[]][])("%s", (_, proposal, byCentre, byIou) => {
    expect(proposalHits(proposal, lesions, "centre")).toEqual(byCentre);
    expect(proposalHits(proposal, lesions, "iou")).toEqual(byIou);
  });
});
