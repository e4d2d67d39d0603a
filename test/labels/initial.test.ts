import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { type Slice, scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import { applyWindow8 } from "../../methods/imaging/window.ts";
import { BOX_CRF, type BoxCrfOptions } from "../../methods/labels/boxCrf.ts";
import { ellipseMask } from "../../methods/labels/ellipse.ts";
import { grabCutEnhanced } from "../../methods/labels/enhancedSlice.ts";
import { grabCut } from "../../methods/labels/grabcut.ts";
import { type InitialMethod, initialMask, pictureOfRoi } from "../../methods/labels/initial.ts";
import { type Diameters, type RecistMarks, shiftedTo } from "../../methods/labels/recist.ts";
import { IGNORED, roiOfMarks, trimapOfMarks } from "../../methods/labels/trimap.ts";
import { segmentVolume } from "../../methods/labels/volume.ts";
import { zoomOf } from "../../methods/labels/zoom.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { lcg } from "./fixture.ts";

const window = { low: -160, high: 240 };
const [width, height] = [80, 70];
const marks: Diameters = {
  long: [
    [24, 34],
    [56, 34],
  ],
  short: [
    [40, 24],
    [40, 44],
  ],
};
const count = (data: ArrayLike<number>, value = 1): number => Array.from(data).filter((v) => v === value).length;

/** A lesion of 32 × 20 pixels that stands out by 100 HU from grainy tissue. */
function lesionSlice(scale = 1): Slice<Int16Array> {
  const grain = lcg(17, width * height);
  const data = Int16Array.from({ length: width * height }, (_, p) => {
    const inside = (((p % width) - 40) / (16 * scale)) ** 2 + ((Math.floor(p / width) - 34) / (10 * scale)) ** 2 <= 1;
    return (inside ? 120 : 20) + (grain[p] % 41) - 20;
  });
  return { data, width, height };
}
const truth = ellipseMask(marks, width, height);

function dice(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let both = 0;
  for (let p = 0; p < a.length; p++) if (a[p] === 1 && b[p] === 1) both++;
  return (2 * both) / (count(a) + count(b));
}

describe("the ellipse on the marks", () => {
  it("has the area πLW/4 of its axes", () => {
    expect(Math.abs(count(truth) - (Math.PI * 32 * 20) / 4)).toBeLessThan(12);
  });

  it("is centred by each axis along the other's direction", () => {
    // The short axis does not halve the long one, nor the other way round.
    const mask = ellipseMask(
      {
        long: [
          [10, 20],
          [30, 20],
        ],
        short: [
          [14, 18],
          [14, 26],
        ],
      },
      50,
      50,
    );
    const on = Array.from(mask.keys()).filter((p) => mask[p] === 1);
    const xs = on.map((p) => p % 50);
    const ys = on.map((p) => Math.floor(p / 50));
    expect([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]).toEqual([10, 30, 18, 26]);
  });

  it.each([0, 0.4, 1.1, 2.5])(
    "on pixels three times as high as wide is that on square ones, of which every third row is seen (turned by %d)",
    (turn) => {
      const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
      const drawn = (height: number): Diameters => {
        const at = (x: number, y: number): [number, number] => [60 + x * cos - y * sin, (60 + x * sin + y * cos) * height];
        return { long: [at(-40, 0), at(40, 0)], short: [at(5, -18), at(5, 22)] };
      };
      const square = ellipseMask(drawn(1), 120, 120);
      const high = ellipseMask(drawn(1 / 3), 120, 40, 3);
      expect(high.some((inside, p) => inside !== square[Math.floor(p / 120) * 360 + (p % 120)])).toBe(false);
      expect(count(high)).toBeGreaterThan(700);
      const { labels } = initialMask("ellipse", { data: new Int16Array(4800), width: 120, height: 40 }, drawn(1 / 3), window, {
        spacingMm: [1, 3, 5],
      });
      expect(labels.data).toEqual(high);
    },
  );

  it("does not vanish with its marks", () => {
    expect(
      count(
        ellipseMask(
          {
            long: [
              [5, 5],
              [5, 5],
            ],
            short: [
              [5, 5],
              [5, 5],
            ],
          },
          11,
          11,
        ),
      ),
    ).toBe(1);
  });

  test.prop([
    fc.double({ min: 0, max: Math.PI, noNaN: true }),
    fc.double({ min: -20, max: 100, noNaN: true }),
    fc.double({ min: -20, max: 100, noNaN: true }),
  ])("holds exactly the pixels within it, also beyond the slice's edge", (angle, x, y) => {
    const [ux, uy] = [Math.cos(angle), Math.sin(angle)];
    const mask = ellipseMask(
      {
        long: [
          [x - 15 * ux, y - 15 * uy],
          [x + 15 * ux, y + 15 * uy],
        ],
        short: [
          [x + 9 * uy, y - 9 * ux],
          [x - 9 * uy, y + 9 * ux],
        ],
      },
      width,
      height,
    );
    let wrong = 0;
    for (let p = 0; p < mask.length; p++) {
      const [dx, dy] = [(p % width) - x, Math.floor(p / width) - y];
      const r = ((dx * ux + dy * uy) / 15) ** 2 + ((dy * ux - dx * uy) / 9) ** 2;
      if (Math.abs(r - 1) > 1e-9 && mask[p] !== (r < 1 ? 1 : 0)) wrong++;
    }
    expect(wrong).toBe(0);
  });
});

describe("initial masks", () => {
  it("dilated RECIST: a fifth of the box padded by a quarter, pixels nearest to the axes", () => {
    const { labels, outcome } = initialMask("recist", lesionSlice(), marks, window);
    expect(count(labels.data)).toBe(Math.round(0.2 * 33 * 1.25 * 21 * 1.25));
    expect(outcome).toBe("drawn");
    expect(labels.data[34 * width + 24] & labels.data[24 * width + 40]).toBe(1);
  });

  it("the RECIST trimap: 10 % lesion, half background, the rest ignored, nothing unlabelled outside the ROI", () => {
    const { labels } = initialMask("recist-trimap", lesionSlice(), marks, window);
    // ROI: 67 × 43 pixels.
    expect(count(labels.data)).toBe(Math.round(0.1 * 67 * 43));
    expect(Math.abs(count(labels.data, IGNORED) - 0.4 * 67 * 43)).toBeLessThan(67);
    expect(new Set(labels.data)).toEqual(new Set([0, 1, IGNORED]));
    expect(labels.data[0]).toBe(0);
  });

  it.each<[InitialMethod, number]>([
    ["dcrf", 0.9],
    ["grabcut", 0.9],
    ["grabcut-i", 0.9],
    ["grabcut-r", 0.93],
    ["grabcut-r-sr", 0.93],
    ["ellipse", 1],
  ])("%s finds a lesion that stands out", (method, atLeast) => {
    const { labels } = initialMask(method, lesionSlice(), marks, window);
    expect([labels.width, labels.height, labels.data.length]).toEqual([width, height, width * height]);
    expect(dice(labels.data, truth)).toBeGreaterThanOrEqual(atLeast);
  });

  it("GrabCut from the box alone collapses on a flat slice, and that stands; from the trimap it cannot", () => {
    const flat = { data: new Int16Array(width * height).fill(40), width, height };
    const box = initialMask("grabcut", flat, marks, window);
    expect(box.labels.data.includes(1)).toBe(box.outcome === "grabcut");
    const trimap = initialMask("grabcut-r", flat, marks, window);
    expect(trimap.outcome).toBe("grabcut");
    expect(count(trimap.labels.data)).toBeGreaterThan(250);
  });

  it("a box that fills the picture leaves no background sample: no lesion from the box", () => {
    const tight: Diameters = {
      long: [
        [0, 3],
        [9, 3],
      ],
      short: [
        [4, 0],
        [4, 6],
      ],
    };
    const image = { data: Int16Array.from(lcg(3, 70), (v) => v % 200), width: 10, height: 7 };
    const { labels, outcome } = initialMask("grabcut", image, tight, window);
    expect([outcome, labels.data.includes(1)]).toEqual(["no background samples", false]);
  });

  it("marks off the slice are refused", () => {
    const off: Diameters = {
      long: [
        [300, 10],
        [320, 10],
      ],
      short: [
        [310, 5],
        [310, 15],
      ],
    };
    expect(() => initialMask("grabcut-r", lesionSlice(), off, window)).toThrow("the marks lie off the slice of 80 × 70 pixels");
  });
});

describe("DCRF", () => {
  const weak: BoxCrfOptions = { ...BOX_CRF, appearance: { ...BOX_CRF.appearance, weight: 0 } };

  it("without kernels is the sure middle of bbox-i: a fifth of the padded box", () => {
    const none = { ...weak, smoothness: { ...weak.smoothness, weight: 0 } };
    const { labels, outcome } = initialMask("dcrf", lesionSlice(), marks, window, { dcrf: none });
    expect(outcome).toBe("dcrf");
    expect(Math.abs(count(labels.data) - 0.2 * 33 * 1.25 * 21 * 1.25)).toBeLessThan(21 * 1.25);
  });

  it("that is smoothed too far collapses, and that stands", () => {
    const washed = { ...weak, smoothness: { weight: 50, positionPx: 40 } };
    const { labels, outcome } = initialMask("dcrf", lesionSlice(), marks, window, { dcrf: washed });
    expect([outcome, labels.data.includes(1)]).toEqual(["collapsed", false]);
  });

  it("has the defaults of the pipeline's schema", () => {
    for (const kind of ["labels.initial", "segmentation.classical"] as const)
      expect(stepKinds[kind].params.parse({ method: "dcrf" }).dcrf).toEqual(BOX_CRF);
  });

  it("refuses a confidence that is none", () => {
    const dcrf = { ...BOX_CRF, confidence: 1 };
    expect(() => initialMask("dcrf", lesionSlice(), marks, window, { dcrf })).toThrow("confidence 1 is not between ½ and 1");
  });
});

describe("GrabCut-R on an enhanced slice", () => {
  const roi = roiOfMarks(marks, width, height);
  const inRoi = shiftedTo([roi.x0, roi.y0], marks);
  const [roiWidth, roiHeight] = [roi.x1 - roi.x0, roi.y1 - roi.y0];
  /** The lesion as it would be seen with pixels `zoom` times finer. */
  const seenFiner = (zoom: number): Slice<Float32Array> => {
    const [w, h] = [Math.round(roiWidth * zoom), Math.round(roiHeight * zoom)];
    const grain = lcg(5, w * h);
    const data = Float32Array.from({ length: w * h }, (_, p) => {
      const x = ((p % w) + 0.5) * (roiWidth / w) - 0.5 + roi.x0;
      const y = (Math.floor(p / w) + 0.5) * (roiHeight / h) - 0.5 + roi.y0;
      return (((x - 40) / 16) ** 2 + ((y - 34) / 10) ** 2 <= 1 ? 0.7 : 0.4) + grain[p] / 32768 / 20;
    });
    return { data, width: w, height: h };
  };

  it.each([2, 2.5, 3, 5])("gives the mask on the slice's own pixels: the lesion seen %d times finer", (zoom) => {
    const enhanced = seenFiner(zoom);
    const { labels, outcome } = initialMask("grabcut-r-sr", lesionSlice(), marks, window, { enhanced });
    expect(outcome).toBe("grabcut on enhanced");
    expect([labels.width, labels.height]).toEqual([width, height]);
    // The trimap's foreground sticks out at the ends of the axes.
    expect(dice(labels.data, truth)).toBeGreaterThan(0.94);
  });

  it("does not move the lesion: its centre of gravity stays", () => {
    for (const zoom of [2, 3, 4, 5]) {
      const { data } = initialMask("grabcut-r-sr", lesionSlice(), marks, window, { enhanced: seenFiner(zoom) }).labels;
      const on = Array.from(data.keys()).filter((p) => data[p] === 1);
      expect(on.reduce((sum, p) => sum + (p % width), 0) / on.length).toBeCloseTo(40, 0);
      expect(Math.abs(on.reduce((sum, p) => sum + Math.floor(p / width), 0) / on.length - 34)).toBeLessThan(0.2);
    }
  });

  it("equals GrabCut-R on a grid that is no finer", () => {
    const picture = pictureOfRoi(lesionSlice(), marks, window);
    const result = grabCutEnhanced(picture, inRoi, roiWidth, roiHeight);
    const levels = applyWindow8(picture, { low: 0, high: 1 });
    const direct = grabCut(levels, trimapOfMarks(inRoi, roiWidth, roiHeight));
    expect("mask" in result && "mask" in direct && result.mask).toEqual("mask" in direct && direct.mask);
  });

  it("says that it is bicubic where no enhanced slice is given", () => {
    for (const zoom of [2, 5, "auto"] as const)
      expect(initialMask("grabcut-r-sr", lesionSlice(), marks, window, { zoom }).outcome).toBe("grabcut on bicubic");
  });

  it("chooses the zoom by the longer side, near 128 pixels and from 2 to 5", () => {
    const zooms = [
      [20, 12],
      [26, 9],
      [12, 40],
      [63, 63],
      [300, 40],
    ].map(([w, h]) => zoomOf({ width: w, height: h }, "auto"));
    expect(zooms).toEqual([5, 5, 3, 2, 2]);
    expect(zoomOf({ width: 9, height: 9 }, 2.5)).toBe(2.5);
    expect(() => zoomOf({ width: 9, height: 9 }, 6)).toThrow("zoom 6 is not between 2 and 5");
  });

  it("refuses a picture that is not the ROI made finer", () => {
    const wrong = { data: new Float32Array(100 * 100), width: 100, height: 100 };
    expect(() => grabCutEnhanced(wrong, inRoi, roiWidth, roiHeight)).toThrow(
      "100 × 100 pixels are no finer picture of a ROI of 67 × 43",
    );
  });
});

describe("masks of the volume", () => {
  const depth = 9;
  const spacingMm = [1, 1, 3] as const;
  const area = width * height;
  /** An ellipsoid with half axes 16, 10 and 16 mm, the key slice in the middle. */
  const volume: Volume = {
    dims: [width, height, depth],
    spacingMm,
    affine: scalingAffine(spacingMm),
    data: new Int16Array(area * depth),
  };
  for (let z = 0; z < depth; z++) {
    const scale = Math.sqrt(Math.max(1e-6, 1 - (((z - 4) * 3) / 16) ** 2));
    volume.data.set(lesionSlice(scale).data, z * area);
  }
  const recist: RecistMarks = { slice: 4, ...marks };
  const perSlice = (data: Uint8Array): number[] =>
    Array.from({ length: depth }, (_, z) => count(data.subarray(z * area, (z + 1) * area)));

  it("two-dimensional methods fill the RECIST slice only", () => {
    const { mask, outcomes } = segmentVolume("grabcut-r", volume, recist, window);
    expect(perSlice(mask.data).map((n) => n > 0)).toEqual([false, false, false, false, true, false, false, false, false]);
    expect(outcomes).toEqual({ grabcut: 1 });
    expect(mask).toMatchObject({ dims: volume.dims, spacingMm, affine: volume.affine });
  });

  it("the ellipsoid's sections are ellipses on the projected marks: areas fall by 1 − (dz/16)²", () => {
    const areas = perSlice(segmentVolume("ellipsoid", volume, recist, window).mask.data);
    areas.forEach((found, z) => expect(Math.abs(found - Math.PI * 160 * (1 - (((z - 4) * 3) / 16) ** 2))).toBeLessThan(14));
  });

  it("grabcut-3de follows the ellipsoid; grabcut-3d, with unprojected marks, cannot", () => {
    const sections = Array.from({ length: depth }, (_, z) =>
      segmentVolume("ellipsoid", volume, recist, window).mask.data.subarray(z * area, (z + 1) * area),
    );
    const projected = segmentVolume("grabcut-3de", volume, recist, window);
    expect(projected.outcomes).toEqual({ grabcut: 9 });
    sections.forEach((section, z) =>
      expect(dice(projected.mask.data.subarray(z * area, (z + 1) * area), section)).toBeGreaterThan(0.85),
    );
    const same = segmentVolume("grabcut-3d", volume, recist, window);
    expect(perSlice(same.mask.data)[0]).toBeGreaterThan(1.5 * count(sections[0]));
  });

  it("unprojected marks reach slices nearer than ¾ L, projected ones nearer than ½ L", () => {
    const flat: Volume = { ...volume, dims: [width, height, depth], spacingMm: [1, 1, 8] };
    const filled = (method: "grabcut-3d" | "ellipsoid"): number[] =>
      perSlice(segmentVolume(method, flat, recist, window).mask.data).flatMap((n, z) => (n > 0 ? [z - 4] : []));
    expect(filled("ellipsoid")).toEqual([-1, 0, 1]);
    expect(filled("grabcut-3d")).toEqual([-2, -1, 0, 1, 2]);
  });
});
