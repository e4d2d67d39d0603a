import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { augmentationSchema, augmented } from "../../methods/networks/augment.ts";
import type { TrainingSample } from "../../methods/networks/trainingSet.ts";
import { type Random, randomStream } from "../../methods/random.ts";

/** Pixel values and labels that name their position: two channels, 10·row + column and its negative. */
function numbered(size: number): TrainingSample {
  const labels = Uint8Array.from({ length: size * size }, (_, i) => 10 * Math.floor(i / size) + (i % size));
  return {
    id: "a",
    size,
    labels,
    pixels: Float32Array.from({ length: 2 * size * size }, (_, i) => (i % 2 === 0 ? 1 : -1) * labels[i >> 1]),
  };
}

/** A stream of given uniform numbers. */
function fixed(...numbers: number[]): Random {
  const stream = randomStream(0, "rest");
  const uniform = (): number => numbers.shift() ?? 0.5;
  return { ...stream, uniform, between: (low, high) => low + (high - low) * uniform() };
}

const rows = (labels: Uint8Array): number[][] => [labels.slice(0, 3), labels.slice(3, 6), labels.slice(6)].map((row) => [...row]);
const options = (given: object) => augmentationSchema.parse(given);
const both = [true, true];

describe("augmented", () => {
  it("by default changes nothing", () => {
    const sample = numbered(4);
    expect(augmented(sample, both, options({}), randomStream(1, "augment"))).toEqual(sample);
  });

  it("mirrors and turns pixels exactly (hand computed)", () => {
    const left = augmented(numbered(3), both, options({ flip: true }), fixed(0.1, 0.9));
    expect(rows(left.labels)).toEqual([
      [2, 1, 0],
      [12, 11, 10],
      [22, 21, 20],
    ]);
    const up = augmented(numbered(3), both, options({ flip: true }), fixed(0.9, 0.1));
    expect(rows(up.labels)).toEqual([
      [20, 21, 22],
      [10, 11, 12],
      [0, 1, 2],
    ]);
    const quarter = augmented(numbered(3), both, options({ rotation: "quarter" }), fixed(0.9, 0.9, 0.3));
    expect(rows(quarter.labels)).toEqual([
      [2, 12, 22],
      [1, 11, 21],
      [0, 10, 20],
    ]);
  });

  property.prop([fc.nat(), fc.integer({ min: 2, max: 6 })])(
    "keeps image and labels together under flips and turns",
    (seed, size) => {
      const { pixels, labels } = augmented(
        numbered(size),
        both,
        options({ flip: true, rotation: "quarter" }),
        randomStream(seed, "augment"),
      );
      labels.forEach((label, i) => expect([pixels[2 * i] + 0, pixels[2 * i + 1] + 0]).toEqual([label, 0 - label]));
      expect([...labels].sort()).toEqual([...numbered(size).labels].sort());
    },
  );

  it("shifts: repeats the image's edge and ignores what comes from outside", () => {
    const shifted = augmented(numbered(3), both, options({ translation: 0.5 }), fixed(0.9, 0.9, 0.5, 0.5, 0.5 + 1 / 3, 0.5));
    expect(rows(shifted.labels)).toEqual([
      [1, 2, 255],
      [11, 12, 255],
      [21, 22, 255],
    ]);
    expect(
      [...shifted.pixels]
        .filter((_, i) => i % 2 === 0)
        .slice(0, 3)
        .map((v) => Math.round(1000 * v) / 1000),
    ).toEqual([1, 2, 2]);
  });

  it("interpolates linearly: a plane stays a plane under rotation and scale", () => {
    const size = 21;
    const plane = {
      ...numbered(size),
      pixels: Float32Array.from({ length: 2 * size * size }, (_, i) => (i % 2 === 0 ? (i >> 1) % size : 0)),
    };
    const { pixels, labels } = augmented(plane, both, options({ rotation: "any", scale: 0.5 }), fixed(0.9, 0.9, 1 / 12, 0));
    const at = (x: number, y: number): number => pixels[2 * (y * size + x)];
    const shrink = Math.exp(0.5); // the image is enlarged by exp(−0.5), so a step covers more of the old one
    expect(at(11, 10) - at(10, 10)).toBeCloseTo(Math.cos(Math.PI / 6) * shrink, 4);
    expect(at(10, 11) - at(10, 10)).toBeCloseTo(-Math.sin(Math.PI / 6) * shrink, 4);
    expect(labels[0]).toBe(255);
  });

  it("changes intensities of image channels only", () => {
    const sample = numbered(3);
    const { pixels } = augmented(
      sample,
      [true, false],
      options({ intensity: { gain: 0.5, shift: 1 } }),
      fixed(0.9, 0.9, 0, 0.5, 0.5, 0.5, 1, 0),
    );
    pixels.forEach((value, i) => expect(value).toBeCloseTo(i % 2 === 0 ? 1.5 * sample.pixels[i] - 1 : sample.pixels[i], 5));
  });
});
