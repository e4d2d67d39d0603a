import { describe, expect, test } from "vitest";
import { blurInPlane } from "../../methods/imaging/gaussian.ts";
import { resizeCubic } from "../../methods/imaging/resample.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { edgeGain } from "../../methods/metrics/edgeGain.ts";
import { randomStream } from "../../methods/random.ts";

const SIDE = 96;
const CENTRE = (SIDE - 1) / 2;
const RADIUS = 24;
const ZOOM = 4;
const marks = {
  long: [
    [CENTRE - RADIUS, CENTRE],
    [CENTRE + RADIUS, CENTRE],
  ],
  short: [
    [CENTRE, CENTRE - RADIUS],
    [CENTRE, CENTRE + RADIUS],
  ],
} as const;

const picture = (at: (x: number, y: number) => number): Slice => {
  const data = Float32Array.from({ length: SIDE * SIDE }, (_, i) => at(i % SIDE, Math.floor(i / SIDE)));
  return { data, width: SIDE, height: SIDE };
};
/** A disc at 0.7 in a background of 0.3 whose edge is `widthPx` wide (standard deviation of the blur). */
const disc = (widthPx: number): Slice => {
  const sharp = picture((x, y) => (Math.hypot(x - CENTRE, y - CENTRE) <= RADIUS ? 0.7 : 0.3));
  blurInPlane(sharp.data, [SIDE, SIDE, 1], widthPx, "repeated");
  return sharp;
};
const changed = ({ data, ...size }: Slice, change: (value: number, i: number) => number): Slice => ({
  ...size,
  data: data.map(change),
});
const noisy = (slice: Slice, sigma: number): Slice => {
  const random = randomStream(3, "noise of a test");
  return changed(slice, (value) => value + sigma * random.normal());
};
const original = disc(4);
const scoreOf = (enhanced: Slice): number => edgeGain(original, enhanced, marks, ZOOM).score!;

describe("the score of an enhanced picture", () => {
  test("is 0 for the original itself", () => {
    expect(edgeGain(original, original, marks, ZOOM)).toEqual({ score: 0, gain: 0, noise: 0, structure: 0 });
  });

  test("grows with the steepness of the edge: a Gaussian edge half as wide has √2 of the gradient, half a doubling", () => {
    expect(edgeGain(original, disc(2), marks, ZOOM).gain).toBeCloseTo(0.5, 1);
    expect(edgeGain(original, disc(5), marks, ZOOM).gain).toBeCloseTo(Math.log2(Math.sqrt(4 / 5)), 1);
    expect(scoreOf(disc(8))).toBeLessThan(scoreOf(disc(5)));
    expect(scoreOf(disc(5))).toBeLessThan(0);
    expect(scoreOf(disc(3))).toBeGreaterThan(0);
    expect(scoreOf(disc(2))).toBeGreaterThan(scoreOf(disc(3)));
  });

  test("charges for ringing: the same steep edge with overshoot on both sides scores less", () => {
    const sharp = disc(2);
    const wide = disc(4);
    // Unsharp mask: what was taken away by a blur is added again, too much of it.
    const ringing = changed(sharp, (value, i) => value + 1.2 * (value - wide.data[i]));
    const { gain, structure, score } = edgeGain(original, ringing, marks, ZOOM);
    expect(gain).toBeGreaterThan(edgeGain(original, sharp, marks, ZOOM).gain!);
    expect(structure).toBeGreaterThan(edgeGain(original, sharp, marks, ZOOM).structure!);
    expect(score).toBeLessThan(scoreOf(sharp));
  });

  test("charges for noise, and does not praise its absence", () => {
    expect(scoreOf(noisy(disc(2), 0.02))).toBeLessThan(scoreOf(disc(2)));
    expect(scoreOf(noisy(disc(2), 0.05))).toBeLessThan(scoreOf(noisy(disc(2), 0.02)));
    const before = noisy(original, 0.03);
    expect(edgeGain(before, original, marks, ZOOM).noise).toBe(0);
    expect(edgeGain(before, original, marks, ZOOM).gain).toBeCloseTo(0, 1);
    expect(edgeGain(before, disc(8), marks, ZOOM).score).toBeLessThan(0);
  });

  test("charges for texture that the original does not have", () => {
    const spotted = changed(disc(2), (value, i) => value + (Math.hypot((i % SIDE) - 12, i / SIDE - 12) < 6 ? 0.2 : 0));
    expect(edgeGain(original, spotted, marks, ZOOM).structure).toBeGreaterThan(
      edgeGain(original, disc(2), marks, ZOOM).structure! + 0.1,
    );
  });

  test("does not depend on contrast or on the grey value of the background", () => {
    const fainter = (slice: Slice) => changed(slice, (value) => 0.1 + 0.5 * value);
    expect(edgeGain(fainter(original), fainter(disc(2)), marks, ZOOM).score).toBeCloseTo(scoreOf(disc(2)), 3);
  });

  test("of bicubic enlargement beside itself is 0, and a picture that lost its edge is far below", () => {
    const small = resizeCubic(disc(1), SIDE / ZOOM, SIDE / ZOOM);
    const large = resizeCubic(small, SIDE, SIDE);
    expect(edgeGain(large, large, marks, ZOOM).score).toBe(0);
    expect(
      edgeGain(
        large,
        picture(() => 0.5),
        marks,
        ZOOM,
      ).gain,
    ).toBeCloseTo(-10, 0);
  });

  test("is not defined where there is no edge", () => {
    const flat = picture(() => 0.5);
    expect(edgeGain(flat, original, marks, ZOOM)).toEqual({ score: null, gain: null, noise: null, structure: null });
  });

  test("needs pictures of one size", () => {
    expect(() => edgeGain(original, { data: new Float32Array(4), width: 2, height: 2 }, marks, ZOOM)).toThrow(
      "an enhanced picture of 2 × 2 pixels beside one of 96 × 96",
    );
  });
});
