import { fc, test } from "@fast-check/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { cropSlice } from "../../methods/imaging/crop.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { roiOfStrokes, Stroke, strokeCut } from "../../methods/labels/strokeCut.ts";
import { lcg, picture } from "./fixture.ts";
import { loadOpenCv, type OpenCv, openCvGrabCut } from "./openCv.ts";

const [width, height] = [56, 44];
const blank = (): Slice<Uint8Array> => ({ data: new Uint8Array(width * height), width, height });

/** 1 in a disc. */
function disc(cx: number, cy: number, radius: number): Slice<Uint8Array> {
  const slice = blank();
  slice.data.forEach((_, p) => {
    if (Math.hypot((p % width) - cx, Math.floor(p / width) - cy) <= radius) slice.data[p] = 1;
  });
  return slice;
}

/** Straight strokes between drawn points. */
function drawnStrokes(seed: number, count: number): Slice<Uint8Array> {
  const strokes = blank();
  const random = lcg(seed, count * 5);
  for (let i = 0; i < count; i++) {
    const [x0, y0, x1, y1, kind] = random.subarray(5 * i, 5 * i + 5);
    for (let t = 0; t <= 60; t++) {
      const x = Math.round((x0 % width) + (t / 60) * ((x1 % width) - (x0 % width)));
      const y = Math.round((y0 % height) + (t / 60) * ((y1 % height) - (y0 % height)));
      strokes.data[y * width + x] = kind % 2 === 0 ? Stroke.lesion : Stroke.background;
    }
  }
  return strokes;
}

describe("GrabCut with strokes", () => {
  let cv: OpenCv;
  beforeAll(async () => {
    cv = await loadOpenCv();
  }, 60_000);

  it.each([0, 1, 2, 3, 4, 5, 6, 7])("is OpenCV's grabCut from the same strokes, pixel for pixel: drawing %i", (seed) => {
    const image = picture({ width, height, seed: 31 + seed, base: 90, contrast: 40, noise: 35 });
    const mask = seed % 4 === 0 ? blank() : disc(20 + seed, 18 + seed, 6 + seed);
    const strokes = drawnStrokes(seed + 1, 2 + (seed % 3));
    strokes.data[20 * width + 25] = Stroke.lesion;
    const roi = roiOfStrokes(strokes, mask)!;
    const certain = new Map([
      [Stroke.lesion as number, cv.GC_FGD],
      [Stroke.background, cv.GC_BGD],
    ]);
    const inside = cropSlice(mask, roi).data;
    const given = cropSlice(strokes, roi).data.map(
      (stroke, p) => certain.get(stroke) ?? (inside[p] === 1 ? cv.GC_PR_FGD : cv.GC_PR_BGD),
    );
    const theirs = openCvGrabCut(cv, cropSlice(image, roi), given, 1);
    const ours = strokeCut(image, strokes, mask);
    if ("failure" in ours) throw new Error(ours.failure);
    expect(cropSlice(ours.mask, roi).data).toEqual(theirs.map((region) => region & 1));
    expect(ours.mask.data.some((one, p) => one !== mask.data[p])).toBe(true);
  });

  test.prop([fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 14 })], { numRuns: 80 })(
    "respects every stroke, finds no lesion beyond the ROI, and leaves what it was given alone",
    (seed, count, radius) => {
      const image = picture({ width, height, seed, base: 80, contrast: seed % 90, noise: 40 });
      const mask = radius === 0 ? blank() : disc(seed % width, seed % height, radius);
      const strokes = drawnStrokes(seed, count);
      const before = [image, mask, strokes].map(({ data }) => data.slice());
      const cut = strokeCut(image, strokes, mask);
      expect([image, mask, strokes].map(({ data }) => data)).toEqual(before);
      if ("failure" in cut) return;
      const { x0, y0, x1, y1 } = roiOfStrokes(strokes, mask)!;
      const wrong = [...cut.mask.data.keys()].filter((p) => {
        const [x, y] = [p % width, Math.floor(p / width)];
        const [value, stroke] = [cut.mask.data[p], strokes.data[p]];
        if (stroke !== Stroke.none) return value !== (stroke === Stroke.lesion ? 1 : 0);
        return value === 1 && (x < x0 || x >= x1 || y < y0 || y >= y1);
      });
      expect(wrong).toEqual([]);
    },
  );

  it("needs a lesion to begin with, and something beside it", () => {
    const image = picture({ width, height, seed: 1, base: 80, contrast: 40, noise: 10 });
    expect(strokeCut(image, blank(), blank())).toEqual({ failure: "no foreground samples" });
    const everywhere = { ...blank(), data: new Uint8Array(width * height).fill(1) };
    expect(strokeCut(image, blank(), everywhere)).toEqual({ failure: "no background samples" });
    const rubbedOut = { ...blank(), data: disc(20, 20, 8).data.map((one) => (one === 1 ? Stroke.background : Stroke.none)) };
    expect(strokeCut(image, rubbedOut, disc(20, 20, 8))).toEqual({ failure: "no foreground samples" });
  });

  it("refuses what does not fit together", () => {
    const image = picture({ width, height, seed: 1, base: 80, contrast: 40, noise: 10 });
    expect(() => strokeCut(image, { data: new Uint8Array(6), width: 3, height: 2 }, blank())).toThrow(
      "the strokes layer is 3 × 2 pixels, the picture 56 × 44",
    );
    expect(() => strokeCut(image, { ...blank(), data: blank().data.fill(3) }, disc(9, 9, 3))).toThrow(
      "is 3, not a stroke (0 to 2)",
    );
  });
});
