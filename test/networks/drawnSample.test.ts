import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import { intersection, lengthMm, type RecistMarks } from "../../methods/labels/recist.ts";
import type { LabelMap } from "../../methods/labels/trimap.ts";
import { type Augmentation, augmentationSchema } from "../../methods/networks/augment.ts";
import { drawnRegion } from "../../methods/networks/drawnRegion.ts";
import { drawnSample } from "../../methods/networks/drawnSample.ts";
import { centreAndLength } from "../../methods/networks/lesionRegion.ts";
import { lesionTrainingSet } from "../../methods/networks/lesionSet.ts";
import { channelNames, networkInput, type Preprocessing, preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { keptForTraining, type TrainingLesion } from "../../methods/networks/trainingLesion.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import type { TrainingSet } from "../../methods/networks/trainingSet.ts";
import { randomStream } from "../../methods/random.ts";

const channels = channelNames.filter((name) => name !== "denoised" && name !== "enhanced");
const preprocessing = (size: number): Preprocessing => preprocessingSchema.parse({ crop: { size }, channels });
const augment = (given: object): Augmentation => augmentationSchema.parse({ from: "image", ...given });
const stream = (index: number) => randomStream(5, "drawn", index);

/** A smooth volume, so that interpolation at other places gives close values, labelled on every slice by an ellipse. */
function lesion(long: number, short: number, size = 120): TrainingLesion {
  const dims = [size, size, 5] as const;
  const data = Int16Array.from({ length: size * size * 5 }, (_, i) => {
    const [x, y, z] = [i % size, Math.floor(i / size) % size, Math.floor(i / (size * size))];
    return Math.round(60 * Math.sin(x / 9) + 40 * Math.cos(y / 7 + z) + 20);
  });
  const image: Volume = { dims, spacingMm: [0.8, 0.8, 2], affine: scalingAffine([0.8, 0.8, 2]), data };
  const [cx, cy] = [size / 2 + 0.3, size / 2 - 1.2];
  const marks: RecistMarks = {
    slice: 2,
    long: [
      [cx - long / 2, cy],
      [cx + long / 2, cy],
    ],
    short: [
      [cx + 1, cy - short / 2],
      [cx + 1, cy + short / 2],
    ],
  };
  const inside = (p: number): boolean =>
    Math.hypot(((p % size) - cx) / (long / 2), (Math.floor(p / size) - cy) / (short / 2)) < 1;
  const map = (): LabelMap => ({
    width: size,
    height: size,
    data: Uint8Array.from({ length: size * size }, (_, p) => (inside(p) ? 1 : 0)),
  });
  return {
    id: "a",
    image,
    marks,
    window: { low: -160, high: 240 },
    labels: new Map([0, 1, 2, 3, 4].map((z) => [z, map()])),
  };
}

const small = lesion(20, 15);

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe("a drawn sample", () => {
  it.each([
    [24, 64, 0, 1e-5],
    [24, 64, 2, 1e-5],
    [24, 64, 4, 1e-5],
    [50, 64, 2, 0.02], // shrunk: smoothed by another kernel of the same width
  ])("of %i px on %i px, slice %i, shows what the network sees at inference, with everything off", (long, size, z, tolerance) => {
    const { image, marks, window, labels } = lesion(long, long * 0.7);
    const expected = networkInput(image, z, marks, window, preprocessing(size));
    const drawn = drawnSample(lesion(long, long * 0.7), z, preprocessing(size), augment({}), stream(0));
    expect(largest(drawn.pixels, expected.pixels)).toBeLessThan(tolerance);
    expect(drawn.labels).toEqual(expected.labels(labels.get(z)!));
  });

  it("turned by a quarter or mirrored is the same picture with its pixels elsewhere, in all eight ways", () => {
    const size = 32;
    const draw = (given: object, index: number) =>
      drawnSample(small, 1, preprocessing(size), augment(given), stream(index)).pixels;
    const plain = draw({}, 0);
    const ways = [0, 1].flatMap((mirror) => [0, 1, 2, 3].map((turns) => ({ mirror, turns })));
    const expected = ways.map(({ mirror, turns }) =>
      plain.map((_, i) => {
        const [p, c] = [Math.floor(i / channels.length), i % channels.length];
        let [x, y] = [p % size, Math.floor(p / size)];
        if (mirror === 1) x = size - 1 - x;
        for (let t = 0; t < turns; t++) [x, y] = [size - 1 - y, x];
        return plain[(y * size + x) * channels.length + c];
      }),
    );
    const seen = new Set<number>();
    for (let index = 0; index < 60; index++) {
      const drawn = draw({ flip: true, rotation: "quarter" }, index);
      const way = expected.findIndex((pixels) => largest(pixels, drawn) < 1e-4);
      expect(way).toBeGreaterThanOrEqual(0);
      seen.add(way);
    }
    expect(seen.size).toBe(8);
  });

  it("does not alias where it shrinks, at any angle: a one-pixel chequerboard becomes grey", () => {
    const large = lesion(60, 40, 240);
    const data = large.image.data.map((_, i) => (((i % 240) + Math.floor(i / 240)) % 2) * 400 - 160) as Int16Array;
    const sample = drawnSample(
      { ...large, image: { ...large.image, data } },
      2,
      preprocessingSchema.parse({ crop: { size: 32 }, channels: ["window"] }),
      augment({ rotation: "any" }),
      stream(1),
    );
    for (const value of sample.pixels) expect(Math.abs(value)).toBeLessThan(0.06);
  });

  it("is the same for the same stream, and another for another", () => {
    const all = augment({
      flip: true,
      rotation: "any",
      scale: 0.1,
      translation: 0.05,
      window: 0.06,
      intensity: { gain: 0.15, shift: 0.1, noise: 0.12 },
      marks: { length: 0.2, shiftPx: 0.3, absent: 0.2, boxLength: 0.25, boxShift: 0.06 },
    });
    const draw = (index: number) => drawnSample(small, 2, preprocessing(32), all, stream(index));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(2).pixels).not.toEqual(draw(1).pixels);
    expect(draw(1).pixels.every(Number.isFinite)).toBe(true);
  });

  property.prop([fc.nat(1000)], { numRuns: 15 })(
    "changes grey values in image channels only, by gain, shift and noise of the stated sizes",
    (seed) => {
      const given = { intensity: { gain: 0.1, shift: 0.2, noise: 0 } };
      const plain = drawnSample(small, 2, preprocessing(16), augment({}), stream(seed));
      const changed = drawnSample(small, 2, preprocessing(16), augment(given), stream(seed));
      changed.pixels.forEach((value, i) => {
        const isImage = i % channels.length < 8;
        expect(Math.abs(value - plain.pixels[i])).toBeLessThanOrEqual(isImage ? 0.1 * Math.abs(plain.pixels[i]) + 0.2 + 1e-5 : 0);
      });
    },
  );

  it("refuses crops in the image's own pixels", () => {
    const native = preprocessingSchema.parse({});
    expect(() => drawnSample(small, 2, native, augment({}), stream(0))).toThrow(/preprocessing\.crop\.size/);
  });
});

describe("redrawn marks", () => {
  const { marks } = lesion(20, 14);
  const jitter = (given: object) => augment({ marks: given }).marks;
  const lengthOf = (axis: RecistMarks["long"]): number => lengthMm(axis, [1, 1, 1]);

  property.prop([fc.nat()])("keep their intersection and directions, each length within ± 20 %", (seed) => {
    const drawn = drawnRegion(marks, jitter({ length: 0.2 }), stream(seed)) as RecistMarks;
    const [x, y] = intersection(drawn);
    expect(Math.hypot(x - intersection(marks)[0], y - intersection(marks)[1])).toBeLessThan(1e-9);
    for (const axis of ["long", "short"] as const) {
      const ratio = lengthOf(drawn[axis]) / lengthOf(marks[axis]);
      expect(ratio).toBeGreaterThanOrEqual(0.8);
      expect(ratio).toBeLessThanOrEqual(1.2);
    }
  });

  it("stay, or are absent, as often as asked for", () => {
    const of = (given: object) => Array.from({ length: 2000 }, (_, i) => drawnRegion(marks, jitter(given), stream(i)));
    const unchanged = of({ length: 0.2, lengthShare: 0.6 }).filter(
      (region) => "long" in region && region.long[0][0] === marks.long[0][0],
    );
    expect(unchanged.length / 2000).toBeCloseTo(0.4, 1);
    const boxes = of({ absent: 0.2, boxLength: 0.25, boxShift: 0.06 }).flatMap((region) => ("centre" in region ? [region] : []));
    expect(boxes.length / 2000).toBeCloseTo(0.2, 1);
    for (const { lengthPx } of boxes) expect(Math.abs(Math.log(lengthPx / 20))).toBeLessThanOrEqual(0.25);
    const sd = Math.sqrt(boxes.reduce((sum, { centre }) => sum + (centre[0] - 60.3) ** 2, 0) / boxes.length);
    expect(sd / 20).toBeCloseTo(0.06, 2);
  });

  it("give way to a place beside the lesion as often as asked for, which does not hold its middle; nothing else changes", () => {
    const given = { absent: 0.2, boxLength: 0.25, boxShift: 0.06 };
    const of = (more: object) =>
      Array.from({ length: 2000 }, (_, i) => drawnRegion(marks, jitter({ ...given, ...more }), stream(i)));
    const plain = of({});
    const beside = of({ beside: 0.3 }).filter((region, i) => JSON.stringify(region) !== JSON.stringify(plain[i]));
    expect(beside.length / 2000).toBeCloseTo(0.3, 1);
    const middle = centreAndLength(marks).centre;
    const away = beside.map((region) => {
      if (!("centre" in region)) throw new Error("has marks");
      expect(Math.abs(Math.log(region.lengthPx / 20))).toBeLessThanOrEqual(0.25);
      return Math.hypot(region.centre[0] - middle[0], region.centre[1] - middle[1]) / 20;
    });
    expect(Math.min(...away)).toBeGreaterThanOrEqual(0.75 - 1e-9);
    expect(Math.max(...away)).toBeLessThanOrEqual(1.5 + 1e-9);
    expect(of({ beside: 0 })).toEqual(plain);
  });

  it("that are absent leave their channels 0", () => {
    const sample = drawnSample(lesion(20, 14), 3, preprocessing(16), augment({ marks: { absent: 1 } }), stream(0));
    sample.pixels.forEach((value, i) => {
      if (i % channels.length >= 8) expect(value).toBe(0);
    });
  });
});

describe("what is kept for training", () => {
  const all = augment({ rotation: "any", flip: true, translation: 0.05, marks: { length: 0.2, shiftPx: 0.3, boxShift: 0.05 } });

  const wide = lesion(20, 15, 160);

  property.prop([fc.nat(1000)], { numRuns: 15 })("gives the very same samples where the image's pixels are kept", (seed) => {
    const whole = wide;
    const kept = keptForTraining(whole, preprocessing(64), all);
    expect(kept.image.data.length).toBeLessThan(whole.image.data.length / 2);
    const [a, b] = [whole, kept].map((one) => drawnSample(one, 2, preprocessing(64), all, stream(seed)));
    expect(largest(a.pixels, b.pixels)).toBeLessThan(1e-4);
    expect(a.labels).toEqual(b.labels);
  });

  property.prop([fc.nat(1000)], { numRuns: 10 })("also of places beside the lesion", (seed) => {
    const beside = augment({ rotation: "any", marks: { beside: 1, boxLength: 0.2 } });
    const whole = lesion(12, 9, 160);
    const kept = keptForTraining(whole, preprocessing(32), beside);
    expect(kept.image.data.length).toBeLessThan(whole.image.data.length / 1.5);
    const [a, b] = [whole, kept].map((one) => drawnSample(one, 2, preprocessing(32), beside, stream(seed)));
    expect(largest(a.pixels, b.pixels)).toBeLessThan(1e-4);
    expect(a.labels).toEqual(b.labels);
  });

  it("of a large lesion is resampled to a bounded number of pixels, and shows the same", () => {
    const whole = lesion(100, 70, 480);
    const kept = keptForTraining(whole, preprocessing(64), all);
    expect(kept.image.dims[0]).toBeLessThan(64 * 1.5 * Math.SQRT2 * 1.6);
    const still = { ...all, marks: augment({}).marks };
    const [a, b] = [whole, kept].map((one) => drawnSample(one, 2, preprocessing(64), still, stream(1)));
    expect(largest(a.pixels, b.pixels)).toBeLessThan(0.05);
    const different = a.labels.filter((label, p) => label !== b.labels[p]).length;
    expect(different / a.labels.length).toBeLessThan(0.02);
  });
});

describe("a set of lesions", () => {
  const options = (sampling: object) => trainingOptionsSchema.parse({ seed: 1, augmentation: { from: "image" }, sampling });
  const set = (sampling: object) => lesionTrainingSet([lesion(20, 15), lesion(12, 8)], preprocessing(16), options(sampling));
  /** |Δz| names the slice. */
  const distance = channels.indexOf("distance");
  const offsets = (lesions: TrainingSet): number[] =>
    Array.from({ length: 1000 }, (_, i) => {
      const sample = lesions.drawn!(0, stream(i)) as { pixels: Float32Array };
      return Math.round((sample.pixels[distance] * 0.8 * 10) / 2);
    });

  it("has an entry for every labelled slice, or for every lesion", () => {
    expect(set({}).entries).toHaveLength(10);
    expect(set({ per: "lesion" }).entries).toHaveLength(2);
  });

  it("by lesion, draws the RECIST slice as often as asked for and the others alike", () => {
    const counts = [0, 0, 0];
    for (const offset of offsets(set({ per: "lesion", keySlice: 0.3 }))) counts[offset]++;
    // 0.3 + 0.7 / 5, and 2 · 0.7 / 5 for each distance
    expect(counts[0] / 1000).toBeCloseTo(0.44, 1);
    expect(counts[1] / 1000).toBeCloseTo(0.28, 1);
    expect(counts[2] / 1000).toBeCloseTo(0.28, 1);
  });
});
