import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { ellipseMask } from "../../methods/labels/ellipse.ts";
import { dilatedSize, trimapOfBox } from "../../methods/labels/markedBox.ts";
import { distanceToAxes, drawnAxes, smallest, TIE } from "../../methods/labels/raster.ts";
import { type Diameters, shiftedTo } from "../../methods/labels/recist.ts";
import { Region, roiOfMarks, splitUncertain, trimapOfMarks } from "../../methods/labels/trimap.ts";
import { fixture, fromRuns } from "./fixture.ts";

const count = (data: Uint8Array, region: number): number => data.reduce((n, value) => n + (value === region ? 1 : 0), 0);

/** Marks of a lesion of up to 60 pixels somewhere on a slice of 200 × 160. */
const marksOnSlice = fc
  .tuple(
    fc.double({ min: 0, max: 199, noNaN: true }),
    fc.double({ min: 0, max: 159, noNaN: true }),
    fc.double({ min: 4, max: 30, noNaN: true }),
    fc.double({ min: 0.3, max: 1, noNaN: true }),
    fc.double({ min: 0, max: Math.PI, noNaN: true }),
  )
  .map(([x, y, half, ratio, angle]): Diameters => {
    const [ux, uy] = [half * Math.cos(angle), half * Math.sin(angle)];
    return {
      long: [
        [x - ux, y - uy],
        [x + ux, y + uy],
      ],
      short: [
        [x - ratio * uy, y + ratio * ux],
        [x + ratio * uy, y - ratio * ux],
      ],
    };
  });

describe("the axes as pixels", () => {
  it("distance is to the nearer axis, and to its end beyond it", () => {
    const distance = distanceToAxes(
      {
        long: [
          [1, 1],
          [5, 1],
        ],
        short: [
          [3, 0],
          [3, 4],
        ],
      },
      8,
      6,
    );
    const at = (x: number, y: number): number => distance[y * 8 + x];
    expect([at(3, 3), at(0, 1), at(7, 1), at(5, 3), at(6, 2)]).toEqual([0, 1, 2, 2, Math.SQRT2]);
  });

  it("of equal values the first in raster order are the smallest; halves round to even", () => {
    const values = Float64Array.from([2, 1, 1, 3, 1]);
    expect(Array.from(smallest(values, 2))).toEqual([0, 1, 1, 0, 0]);
    expect(Array.from(smallest(values, 2.5))).toEqual([0, 1, 1, 0, 0]);
    expect(Array.from(smallest(values, 3.5))).toEqual([1, 1, 1, 0, 1]);
    expect(Array.from(smallest(values, 99))).toEqual([1, 1, 1, 1, 1]);
    expect(Array.from(smallest(values, 0.4))).toEqual([0, 0, 0, 0, 0]);
  });

  it("drawn one pixel wide, clipped to the slice", () => {
    const drawn = drawnAxes(
      {
        long: [
          [-2, 1],
          [3, 1],
        ],
        short: [
          [1, 0],
          [2.9, 3.8],
        ],
      },
      5,
      4,
    );
    expect(Array.from(drawn)).toEqual([0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
  });

  test.prop([marksOnSlice], { numRuns: 30 })("drawn pixels lie within half a pixel's diagonal of an axis", (marks) => {
    const distance = distanceToAxes(marks, 200, 160);
    const drawn = drawnAxes(marks, 200, 160);
    expect(Math.max(...distance.filter((_, p) => drawn[p] === 1))).toBeLessThanOrEqual(Math.SQRT1_2 + 1e-9);
  });
});

describe("the ROI", () => {
  it("is twice the tight box, counted in pixels, around its centre", () => {
    // Box of 21 × 11 pixels around (50, 40).
    const marks: Diameters = {
      long: [
        [40, 40],
        [60, 40],
      ],
      short: [
        [50, 35],
        [50, 45],
      ],
    };
    expect(roiOfMarks(marks, 200, 200)).toEqual({ x0: 29, y0: 29, x1: 72, y1: 52 });
    expect(roiOfMarks(marks, 64, 45)).toEqual({ x0: 29, y0: 29, x1: 64, y1: 45 });
  });
});

describe("trimap of the marks", () => {
  it.each(fixture.trimaps)(
    "equals the one that SciPy's distances give: $long $short",
    ({ long, short, roi: [x0, y0, x1, y1], trimap }) => {
      expect(roiOfMarks({ long, short }, 200, 160)).toEqual({ x0, y0, x1, y1 });
      expect(trimapOfMarks(shiftedTo([x0, y0], { long, short }), x1 - x0, y1 - y0).data).toEqual(fromRuns(trimap));
    },
  );

  test.prop([marksOnSlice], { numRuns: 40 })(
    "has 10 % foreground, half background and equal rests, also where the edge clips the ROI",
    (marks) => {
      const roi = roiOfMarks(marks, 200, 160);
      const [width, height] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
      const { data } = trimapOfMarks(shiftedTo([roi.x0, roi.y0], marks), width, height);
      const area = width * height;
      expect(Math.abs(count(data, Region.foreground) - 0.1 * area)).toBeLessThanOrEqual(0.5);
      // The rectangle's edge crosses pixels; foreground that sticks out of it is foreground.
      expect(Math.abs(count(data, Region.background) - 0.5 * area)).toBeLessThanOrEqual(0.04 * area + 2 * (width + height));
      expect(Math.abs(count(data, Region.probableForeground) - count(data, Region.probableBackground))).toBeLessThanOrEqual(1);
    },
  );

  it("keeps the shares on a ROI cut in half by the image's edge", () => {
    const marks: Diameters = {
      long: [
        [0, 40],
        [30, 40],
      ],
      short: [
        [2, 25],
        [2, 55],
      ],
    };
    const roi = roiOfMarks(marks, 200, 200);
    expect(roi.x0).toBe(0);
    const [width, height] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
    const { data } = trimapOfMarks(shiftedTo([roi.x0, roi.y0], marks), width, height);
    expect(count(data, Region.background) / data.length).toBeCloseTo(0.5, 1);
    expect(count(data, Region.foreground) / data.length).toBeCloseTo(0.1, 2);
  });
});

describe("marks in a crop", () => {
  /** Marks along the axes or diagonals, where many pixels are equally far, from tenths of pixels: each frame rounds anew. */
  const marksAt = (x: number, y: number, long: number, short: number, diagonal: boolean): Diameters => {
    const [a, b] = diagonal ? [long, short] : [0, 0];
    return {
      long: [
        [(x - long) / 10, (y - a) / 10],
        [(x + long) / 10, (y + a) / 10],
      ],
      short: [
        [(x + b) / 10, (y - short) / 10],
        [(x - b) / 10, (y + short) / 10],
      ],
    };
  };
  const where = fc.integer({ min: 2800, max: 4000 });
  const begin = fc.integer({ min: 0, max: 240 });

  test.prop([where, where, fc.integer({ min: 20, max: 140 }), fc.integer({ min: 10, max: 90 }), fc.boolean(), begin, begin])(
    "mean the same wherever the crop begins",
    (x, y, long, short, diagonal, dx, dy) => {
      const marks = marksAt(x, y, long, short, diagonal);
      const inCrop = marksAt(x - 10 * dx, y - 10 * dy, long, short, diagonal);
      const [roi, cropped] = [roiOfMarks(marks, 512, 512), roiOfMarks(inCrop, 512 - dx, 512 - dy)];
      expect(cropped).toEqual({ x0: roi.x0 - dx, y0: roi.y0 - dy, x1: roi.x1 - dx, y1: roi.y1 - dy });
      const [width, height] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
      const [own, moved] = [shiftedTo([roi.x0, roi.y0], marks), shiftedTo([cropped.x0, cropped.y0], inCrop)];
      for (const drawn of [
        (d: Diameters) => trimapOfMarks(d, width, height).data,
        (d: Diameters) => trimapOfBox(d, width, height, true).data,
        (d: Diameters) => smallest(distanceToAxes(d, width, height), dilatedSize(d), TIE),
        (d: Diameters) => drawnAxes(d, width, height),
        (d: Diameters) => ellipseMask(d, width, height),
      ])
        expect(Buffer.compare(drawn(moved), drawn(own))).toBe(0);
    },
  );
});

describe("splitting what is uncertain", () => {
  it("gives the half that is nearer to the foreground to it", () => {
    const foreground = Uint8Array.from([1, 0, 0, 0, 0, 0]);
    const background = Uint8Array.from([0, 0, 0, 0, 0, 1]);
    expect(Array.from(splitUncertain(foreground, background, 6, 1).data)).toEqual([1, 3, 3, 2, 2, 0]);
  });

  it("needs neither class", () => {
    const [none, one] = [new Uint8Array(4), Uint8Array.from([1, 0, 0, 0])];
    expect(Array.from(splitUncertain(one, none, 4, 1).data)).toEqual([1, 3, 3, 2]);
    expect(Array.from(splitUncertain(none, one, 4, 1).data)).toEqual([0, 3, 3, 2]);
  });
});
