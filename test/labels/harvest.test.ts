import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Slice } from "../../methods/imaging/volume.ts";
import { CNN_THRESHOLDS, cnnForeground, cnnThreshold, trimapOfCnn } from "../../methods/labels/cnnTrimap.ts";
import { ellipseMask } from "../../methods/labels/ellipse.ts";
import { harvestLabel, refinement } from "../../methods/labels/harvest.ts";
import { drawnAxes } from "../../methods/labels/raster.ts";
import type { Diameters } from "../../methods/labels/recist.ts";
import { IGNORED, Region } from "../../methods/labels/trimap.ts";
import { lcg } from "./fixture.ts";

const [width, height] = [70, 60];
const window = { low: -160, high: 240 };
const marks: Diameters = {
  long: [
    [22, 30],
    [48, 30],
  ],
  short: [
    [35, 21],
    [35, 39],
  ],
};
const lesion = ellipseMask(marks, width, height);
const image: Slice<Int16Array> = {
  data: Int16Array.from(lcg(5, width * height), (grain, p) => (lesion[p] === 1 ? 110 : 10) + (grain % 31)),
  width,
  height,
};

const output = (of: (x: number, y: number, inLesion: boolean) => number): Slice<Float32Array> => ({
  data: Float32Array.from({ length: width * height }, (_, p) => of(p % width, Math.floor(p / width), lesion[p] === 1)),
  width,
  height,
});
const good = output((_x, _y, inLesion) => (inLesion ? 0.9 : 0.05));
const silent = output(() => 0.01);

function dice(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let p = 0; p < a.length; p++) {
    if (a[p] === 1 && b[p] === 1) both++;
    sum += (a[p] === 1 ? 1 : 0) + b[p];
  }
  return (2 * both) / sum;
}

describe("the threshold on the network's output", () => {
  it("is the largest that covers half of the marks' pixels", () => {
    const slice = (values: number[]): Slice<Float32Array> => ({
      data: Float32Array.from(values),
      width: values.length,
      height: 1,
    });
    const on = (n: number): Uint8Array => new Uint8Array(n).fill(1);
    expect(cnnThreshold(slice([0.125, 0.25, 0.5, 0.75]), on(4))).toBe(0.5);
    expect(cnnThreshold(slice([0.125, 0.25, 0.5, 0.75, 1]), on(5))).toBe(0.5);
    expect(cnnThreshold(slice([0.25, 0.25, 0.25, 1]), on(4))).toBe(0.25);
    expect(cnnThreshold(slice([0.5, 1]), Uint8Array.from([1, 0]))).toBe(0.5);
    expect(cnnThreshold(slice([0.125, 0.25, 0.5, 0.75]), on(4), 1)).toBe(0.125);
    expect(() => cnnThreshold(slice([0.5]), new Uint8Array(1))).toThrow("no pixel of the marks");
  });

  test.prop([
    fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }),
    fc.double({ min: 0.1, max: 1, noNaN: true }),
  ])("covers enough, and no larger one does", (values, coverage) => {
    const slice = { data: Float32Array.from(values), width: values.length, height: 1 };
    const t = cnnThreshold(slice, new Uint8Array(values.length).fill(1), coverage);
    expect(values.filter((y) => y >= t).length).toBeGreaterThanOrEqual(coverage * values.length);
    expect(values.filter((y) => y > t).length).toBeLessThan(coverage * values.length);
  });
});

describe("trimap of the network's output", () => {
  it("takes sure output in components that touch the marks, and leaves others uncertain", () => {
    const second = output((x, y, inLesion) => (inLesion || (x > 58 && y < 8) ? 0.9 : 0.05));
    const sure = cnnForeground(second, drawnAxes(marks, width, height), CNN_THRESHOLDS);
    expect(sure).toEqual(lesion);
  });

  it("adds the marks to the foreground, and keeps them out of the background", () => {
    const left = output((x, _y, inLesion) => (inLesion && x < 38 ? 0.95 : 0.05));
    const { trimap, roi, source } = trimapOfCnn(left, marks)!;
    expect(source).toBe("cnn");
    const at = (x: number, y: number): number => trimap.data[(y - roi.y0) * trimap.width + x - roi.x0];
    expect([at(25, 30), at(30, 33), at(47, 30), at(47, 32)]).toEqual([
      Region.foreground,
      Region.foreground,
      Region.foreground,
      Region.background,
    ]);
  });

  it("splits what lies between 0.2 and 0.8 in halves", () => {
    const soft = output((x, y) => Math.max(0, 1 - Math.hypot((x - 35) / 26, (y - 30) / 18)));
    const { trimap } = trimapOfCnn(soft, marks)!;
    const n = (region: number): number => trimap.data.filter((value) => value === region).length;
    expect(n(Region.probableForeground)).toBeGreaterThan(100);
    expect(Math.abs(n(Region.probableForeground) - n(Region.probableBackground))).toBeLessThanOrEqual(1);
  });

  it("is that of the marks alone where the network is sure of no lesion, or of no background", () => {
    expect(trimapOfCnn(silent, marks)!.source).toBe("marks");
    expect(
      trimapOfCnn(
        output(() => 0.95),
        marks,
      )!.source,
    ).toBe("marks");
  });

  it("is none where neither network nor marks find anything", () => {
    expect(trimapOfCnn(silent, null)).toBeNull();
  });
});

describe("harvesting", () => {
  it("labels a slice with GrabCut from the network's output", () => {
    const { labels, outcome } = harvestLabel(image, good, marks, window);
    expect(outcome).toBe("grabcut");
    expect(dice(labels!.data, lesion)).toBeGreaterThan(0.97);
  });

  it("falls back on the projected marks where the network finds nothing", () => {
    const { labels, outcome } = harvestLabel(image, silent, marks, window);
    expect(outcome).toBe("marks-only");
    expect(dice(labels!.data, lesion)).toBeGreaterThan(0.95);
  });

  it("leaves slices without marks alone, whatever the network says", () => {
    expect(harvestLabel(image, good, null, window)).toEqual({ labels: null, outcome: "not-harvested" });
  });

  it("ignores what is not sure where GrabCut's mask is too small", () => {
    // Sure of four pixels on the marks only; the picture's lesion is invisible, so the cut keeps to them.
    const flat = { ...image, data: new Int16Array(width * height).fill(0) };
    const long: Diameters = {
      long: [
        [5, 30],
        [65, 30],
      ],
      short: [
        [35, 28],
        [35, 32],
      ],
    };
    const faint = output((x, y) => (y === 30 && Math.abs(x - 35) <= 1 ? 0.9 : y === 30 && x > 4 && x < 66 ? 0.85 : 0.1));
    const { labels, outcome } = harvestLabel(
      flat,
      faint,
      {
        ...long,
        short: [
          [35, 10],
          [35, 50],
        ],
      },
      window,
    );
    expect(outcome).toBe("ignored-fallback");
    expect(labels!.data[30 * width + 35]).toBe(1);
    expect(labels!.data[0]).toBe(0);
    // The short axis lies on the network's background: it contradicts, so nobody learns from it.
    expect(labels!.data[45 * width + 35]).toBe(IGNORED);
  });

  it("refuses output of another size and output that is no probability", () => {
    expect(() => harvestLabel(image, { ...good, width: 60, height: 70 }, marks, window)).toThrow(
      "the network's output is 60 × 70 pixels, the slice 70 × 60",
    );
    expect(() =>
      harvestLabel(
        image,
        output((x) => (x === 3 ? Number.NaN : 0.5)),
        marks,
        window,
      ),
    ).toThrow("the network's output is NaN at pixel 3, not a probability");
  });
});

describe("refining a prediction", () => {
  it("follows the picture's edge where the network is vague", () => {
    const vague = output((x, y) => Math.max(0, Math.min(1, 1.6 - Math.hypot((x - 35) / 13, (y - 30) / 9))));
    const { mask, outcome } = refinement(image, vague, marks, window);
    expect(outcome).toBe("grabcut");
    expect(dice(mask, lesion)).toBeGreaterThan(0.97);
  });

  it("does without marks", () => {
    const { mask, outcome } = refinement(image, good, null, window);
    expect(outcome).toBe("grabcut");
    expect(dice(mask, lesion)).toBeGreaterThan(0.97);
  });

  it("keeps the network's mask where there is no trimap", () => {
    expect(
      refinement(
        image,
        output((_x, _y, inLesion) => (inLesion ? 0.6 : 0.1)),
        null,
        window,
      ),
    ).toEqual({ mask: lesion, outcome: "network" });
    expect(refinement(image, silent, null, window)).toEqual({ mask: new Uint8Array(width * height), outcome: "network" });
  });
});
