import { describe, expect, test } from "vitest";
import { blurInPlane } from "../../methods/imaging/gaussian.ts";
import { resizeCubic } from "../../methods/imaging/resample.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { edgeGain, undefinedGain } from "../../methods/metrics/edgeGain.ts";
import { randomStream } from "../../methods/random.ts";
import { candidates, degradedPair, drawings } from "./knownPairs.ts";

const SIDE = 96;
const CENTRE = (SIDE - 1) / 2;
const RADIUS = 24;
const ZOOM = 4;
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
const scoreOf = (enhanced: Slice): number => edgeGain(original, enhanced, ZOOM).score!;

const unchanged = { score: 0, contrast: 1, gain: 0, noise: 0, structure: 0, overshoot: 0 };

describe("the score of an enhanced disc", () => {
  test("is 0 for the original itself", () => {
    expect(edgeGain(original, original, ZOOM)).toEqual(unchanged);
    const before = noisy(original, 0.03);
    expect(edgeGain(before, before, ZOOM)).toEqual(unchanged);
  });

  test("grows with the steepness of the edge: a Gaussian edge half as wide has √2 of the gradient, half a doubling", () => {
    expect(edgeGain(original, disc(2), ZOOM).gain).toBeCloseTo(0.5, 1);
    expect(edgeGain(original, disc(5), ZOOM).gain).toBeCloseTo(Math.log2(Math.sqrt(4 / 5)), 1);
    expect(scoreOf(disc(8))).toBeLessThan(scoreOf(disc(5)));
    expect(scoreOf(disc(5))).toBeLessThan(0);
    expect(scoreOf(disc(3))).toBeGreaterThan(0);
    expect(scoreOf(disc(2))).toBeGreaterThan(scoreOf(disc(3)));
  });

  test("leaves contrast and brightness aside, and tells by how much contrast was raised", () => {
    for (const [slope, offset] of [
      [0.4, 0.1],
      [1.9, -0.45],
    ] as const) {
      const { score, contrast } = edgeGain(
        original,
        changed(original, (value) => slope * value + offset),
        ZOOM,
      );
      expect(score).toBeCloseTo(0, 4);
      expect(contrast).toBeCloseTo(slope, 4);
      expect(scoreOf(changed(disc(2), (value) => slope * value + offset))).toBeCloseTo(scoreOf(disc(2)), 4);
    }
    const fainter = (slice: Slice) => changed(slice, (value) => 0.1 + 0.5 * value);
    expect(edgeGain(fainter(original), fainter(disc(2)), ZOOM).score).toBeCloseTo(scoreOf(disc(2)), 4);
  });

  test("charges for overshoot: rims on both sides of an edge outweigh what they add to its steepness", () => {
    const sharp = disc(2);
    // Unsharp mask: what was taken away by a blur is added again, too much of it.
    const rimmed = (amount: number) => changed(sharp, (value, i) => value + amount * (value - original.data[i]));
    const [slightly, far] = [0.5, 8].map((amount) => edgeGain(original, rimmed(amount), ZOOM));
    expect(edgeGain(original, sharp, ZOOM).overshoot).toBeCloseTo(0, 2);
    expect(far.overshoot).toBeGreaterThan(10 * slightly.overshoot!);
    expect(far.gain).toBeGreaterThan(slightly.gain!);
    expect(far.score).toBeLessThan(slightly.score! / 4);
    expect(scoreOf(rimmed(12))).toBeLessThan(0);
  });

  test("charges for ripples beside the edge", () => {
    const ripples = (x: number, y: number): number => 0.05 * Math.cos(Math.hypot(x - CENTRE, y - CENTRE) * 0.8);
    const rippled = changed(disc(2), (value, i) => value + ripples(i % SIDE, Math.floor(i / SIDE)));
    expect(scoreOf(rippled)).toBeLessThan(0);
  });

  test("charges for noise, and values its absence less than edges", () => {
    expect(scoreOf(noisy(disc(2), 0.02))).toBeLessThan(scoreOf(disc(2)));
    expect(scoreOf(noisy(disc(2), 0.05))).toBeLessThan(scoreOf(noisy(disc(2), 0.02)));
    const before = noisy(original, 0.03);
    expect(edgeGain(before, original, ZOOM).noise).toBeLessThan(-0.2);
    expect(Math.abs(edgeGain(before, original, ZOOM).gain!)).toBeLessThan(0.1);
    expect(edgeGain(before, disc(8), ZOOM).score).toBeLessThan(0);
  });

  test("takes no noise that was removed for structure that is missing", () => {
    // White noise in the slice's own pixels, enlarged as a slice is.
    const random = randomStream(4, "noise of a test");
    const small = resizeCubic(original, SIDE / ZOOM, SIDE / ZOOM);
    const grains = changed(small, (value) => value + 0.04 * random.normal());
    const clean = resizeCubic(small, SIDE, SIDE);
    const { structure } = edgeGain(resizeCubic(grains, SIDE, SIDE), clean, ZOOM);
    expect(structure).toBeLessThan(0.08);
  });

  test("charges for a spot that the original does not have, and for one that it has and the other lacks", () => {
    const spotted = (slice: Slice) =>
      changed(slice, (value, i) => value + (Math.hypot((i % SIDE) - 12, i / SIDE - 12) < 6 ? 0.2 : 0));
    const without = edgeGain(original, disc(2), ZOOM);
    expect(edgeGain(original, spotted(disc(2)), ZOOM).structure).toBeGreaterThan(without.structure! + 0.05);
    expect(edgeGain(spotted(original), disc(2), ZOOM).structure).toBeGreaterThan(without.structure! + 0.05);
  });

  test("of a picture that lost its edge, or shows the opposite, is far below", () => {
    const flat = edgeGain(
      original,
      picture(() => 0.5),
      ZOOM,
    );
    expect(flat.gain).toBeCloseTo(-10, 0);
    expect(flat.structure).toBeCloseTo(1, 2);
    const turned = changed(original, (value) => 1 - value);
    expect(scoreOf(turned)).toBeLessThan(-4);
  });

  test("is not defined where the original is flat", () => {
    const flat = picture(() => 0.5);
    expect(edgeGain(flat, original, ZOOM)).toEqual(undefinedGain);
  });

  test("needs pictures of one size", () => {
    expect(() => edgeGain(original, { data: new Float32Array(4), width: 2, height: 2 }, ZOOM)).toThrow(
      "an enhanced picture of 2 × 2 pixels beside one of 96 × 96",
    );
  });
});

describe("the score where the truth is known: dead leaves, degraded as pairs for training are", () => {
  const pairs = drawings(6).flatMap((drawing) => [0, 12].map((noise, draw) => degradedPair(drawing, draw, noise)));
  const scored = pairs.map((pair) => {
    const made = candidates(pair);
    return (name: string): number => edgeGain(pair.original, made[name], pair.zoom).score!;
  });
  const count = (holds: (score: (name: string) => number) => boolean): number => scored.filter(holds).length;

  test("is above 0 for the truth and half of the way there, on nearly all", () => {
    expect(count((score) => score("restored 0.5") > 0)).toBe(pairs.length);
    expect(count((score) => score("truth") > 0)).toBeGreaterThanOrEqual(pairs.length - 1);
  });

  test("is about 0 where only the contrast differs, and below where the picture was blurred, but for its noise", () => {
    expect(count((score) => Math.abs(score("contrast × 0.7")) < 0.01)).toBe(pairs.length);
    expect(count((score) => score("blur 2 px") < 0 && score("blur 2 px") < score("blur 1 px"))).toBe(pairs.length);
    expect(count((score) => score("blur 1 px") < 0)).toBeGreaterThanOrEqual(pairs.length - 1);
  });

  test.each(["noise 10", "checkerboard", "blobs"])("is below 0 for the original with %s, on nearly all", (what) => {
    expect(count((score) => score(`unchanged, ${what}`) < 0)).toBeGreaterThanOrEqual(pairs.length - 1);
  });

  test.each(["noise 15", "checkerboard", "blobs"])("is lower for the truth with %s than for the truth, on most", (what) => {
    expect(count((score) => score(`truth, ${what}`) < score("truth"))).toBeGreaterThanOrEqual(pairs.length - 2);
  });

  test("falls where an unsharp mask does too much", () => {
    expect(count((score) => score("unsharp 8") < score("unsharp 4") && score("unsharp 4") < score("unsharp 1"))).toBe(
      pairs.length,
    );
    expect(count((score) => score("unsharp 8") < 0)).toBe(pairs.length);
  });
});
