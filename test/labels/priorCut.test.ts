import { describe, expect, it } from "vitest";
import { type Slice, scalingAffine, sliceOf, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { initialMask } from "../../methods/labels/initial.ts";
import { marksRadius } from "../../methods/labels/marksRadius.ts";
import { priorCut, priorCutVolume } from "../../methods/labels/priorCut.ts";
import type { Diameters, RecistMarks } from "../../methods/labels/recist.ts";
import { segmentVolume } from "../../methods/labels/volume.ts";
import { randomStream } from "../../methods/random.ts";
import { dice } from "./sharedData.ts";

const soft = { low: -160, high: 240 };
const marks: Diameters = {
  long: [
    [18, 30],
    [46, 30],
  ],
  short: [
    [30, 20],
    [30, 42],
  ],
};
/** A lesion of 60 HU in fat, whose outline leaves that of the marks by up to 15 % and has noise. */
const [width, height] = [64, 60];
const radius = marksRadius(marks);
const truth = Uint8Array.from({ length: width * height }, (_, p) => {
  const [x, y] = [p % width, Math.floor(p / width)];
  return radius(x, y) <= 1 + 0.15 * Math.sin(4 * Math.atan2(y - 30, x - 30)) ? 1 : 0;
});
const random = randomStream(3, "noise");
const picture: Slice<Int16Array> = {
  data: Int16Array.from(truth, (v) => (v === 1 ? 60 : -80) + 15 * random.normal()),
  width,
  height,
};

function mapped<A extends Int16Array | Uint8Array>({ data, width: w, height: h }: Slice<A>, transposed: boolean): Slice<A> {
  const [to, tall] = transposed ? [h, w] : [w, h];
  const moved = data.slice() as A;
  for (let p = 0; p < data.length; p++) {
    const [x, y] = [p % w, Math.floor(p / w)];
    moved[transposed ? x * to + y : y * to + (w - 1 - x)] = data[p];
  }
  return { data: moved, width: to, height: tall };
}

describe("priorCut", () => {
  it("finds an outline that the marks do not tell, where HU do", () => {
    const { labels, outcome } = priorCut(picture, marks, [1, 1, 1], soft);
    expect(outcome).toBe("prior-cut");
    expect(dice(labels.data, truth)).toBeGreaterThan(0.96);
    expect(dice(initialMask("ellipse", picture, marks, soft).labels.data, truth)).toBeLessThan(0.95);
    expect(initialMask("grabcut-prior", picture, marks, soft)).toEqual({ labels, outcome });
  });

  it("keeps to the marks where HU tell nothing", () => {
    const flat = { ...picture, data: new Int16Array(width * height).fill(40) };
    const outline = Uint8Array.from(truth, (_, p) => (radius(p % width, Math.floor(p / width)) <= 1 ? 1 : 0));
    expect(dice(priorCut(flat, marks, [1, 1, 1], soft).labels.data, outline)).toBeGreaterThan(0.95);
  });

  it.each([
    ["mirrored", false, ([x, y]: readonly [number, number]): [number, number] => [width - 1 - x, y]],
    ["transposed", true, ([x, y]: readonly [number, number]): [number, number] => [y, x]],
  ] as const)("cuts the %s slice alike", (_, transposed, move) => {
    const moved: Diameters = {
      long: [move(marks.long[0]), move(marks.long[1])],
      short: [move(marks.short[0]), move(marks.short[1])],
    };
    const expected = mapped(priorCut(picture, marks, [1, 1, 1], soft).labels, transposed);
    const found = priorCut(mapped(picture, transposed), moved, [1, 1, 1], soft).labels;
    expect(dice(found.data, expected.data)).toBeGreaterThan(0.998);
  });

  it("does not see what lies outside the window or far away", () => {
    const expected = priorCut(picture, marks, [1, 1, 1], soft).labels.data;
    const other = picture.data.slice();
    for (let p = 0; p < width; p++) other[p] = 1000;
    const clipped = other.map((hu) => (hu < soft.low ? -1000 : hu));
    expect(priorCut({ ...picture, data: clipped }, marks, [1, 1, 1], soft).labels.data).toEqual(expected);
  });

  it("refuses marks off the slice", () => {
    const off: Diameters = {
      long: [
        [900, 900],
        [920, 900],
      ],
      short: [
        [910, 895],
        [910, 905],
      ],
    };
    expect(() => priorCut(picture, off, [1, 1, 1], soft)).toThrow(/the marks lie off the slice of 64 × 60 pixels/);
  });
});

/** The lesion above through 21 slices of 2 mm: tall by `up` mm above and `down` mm below its largest section, slice 10. */
function tall(up: number, down: number): { volume: Volume; mask: Uint8Array; marks: RecistMarks } {
  const dims: Vec3 = [width, height, 21];
  const noise = randomStream(5, "noise of the volume");
  const mask = new Uint8Array(width * height * 21);
  for (let z = 0, i = 0; z < 21; z++) {
    const rise = (2 * (z - 10)) / (z < 10 ? down : up);
    for (let p = 0; p < width * height; p++, i++) {
      const r = radius(p % width, Math.floor(p / width));
      if (r * r + rise * rise <= 1) mask[i] = 1;
    }
  }
  const data = Int16Array.from(mask, (v) => (v === 1 ? 60 : -80) + 15 * noise.normal());
  const spacingMm: Vec3 = [1, 1, 2];
  return { volume: { dims, spacingMm, affine: scalingAffine(spacingMm), data }, mask, marks: { ...marks, slice: 10 } };
}

describe("priorCutVolume", () => {
  it.each([
    [14, 14],
    [19, 7],
    [6, 16],
  ])("finds a lesion that reaches %i mm up and %i mm down", (up, down) => {
    const { volume, mask, marks: on } = tall(up, down);
    const found = priorCutVolume(volume, on, soft);
    expect(found.outcome).toBe("prior-cut");
    expect(dice(found.mask.data, mask)).toBeGreaterThan(0.93);
    expect(segmentVolume("grabcut-prior-3d", volume, on, soft)).toEqual({ mask: found.mask, outcomes: { "prior-cut": 1 } });
  });

  it("cuts a volume turned upside down alike", () => {
    const { volume, marks: on } = tall(19, 7);
    const expected = priorCutVolume(volume, on, soft).mask;
    const area = width * height;
    const turned = volume.data.slice();
    for (let z = 0; z < 21; z++) turned.set(volume.data.subarray(z * area, (z + 1) * area), (20 - z) * area);
    const found = priorCutVolume({ ...volume, data: turned }, on, soft).mask;
    for (let z = 0; z < 21; z++) expect(sliceOf(found, z)).toEqual(sliceOf(expected, 20 - z));
  });

  it("listens to a network where HU say nothing", () => {
    const { volume, mask, marks: on } = tall(19, 7);
    const flat = { ...volume, data: new Int16Array(volume.data.length).fill(40) };
    const area = width * height;
    const network = new Map(
      Array.from({ length: 21 }, (_, z) => [
        z,
        { data: Float32Array.from(mask.subarray(z * area, (z + 1) * area), (v) => 0.05 + 0.9 * v), width, height },
      ]),
    );
    const alone = dice(priorCutVolume(flat, on, soft).mask.data, mask);
    const together = dice(priorCutVolume(flat, on, soft, { network }).mask.data, mask);
    expect(together).toBeGreaterThan(0.95);
    expect(together).toBeGreaterThan(alone);
  });

  it("serves lesions of one pixel and volumes of one slice", () => {
    const tiny: RecistMarks = {
      slice: 0,
      long: [
        [30, 30],
        [31, 30],
      ],
      short: [
        [30.5, 30],
        [30.5, 30.5],
      ],
    };
    const grid = { dims: [width, height, 1] as Vec3, spacingMm: [1, 1, 5] as Vec3, affine: scalingAffine([1, 1, 5]) };
    const { mask } = priorCutVolume({ ...grid, data: picture.data }, tiny, soft);
    expect(mask.data).toHaveLength(width * height);
    expect(priorCutVolume({ ...grid, data: picture.data }, { ...marks, slice: 0 }, soft).outcome).toBe("prior-cut");
  });
});
