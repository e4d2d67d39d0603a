import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { compressed, degraded, noisy } from "../../methods/imaging/degradation.ts";
import { resizeAntialiased } from "../../methods/imaging/resample.ts";
import { randomStream } from "../../methods/random.ts";

interface Sized {
  width: number;
  height: number;
  image: number[];
}
/** Made by test/oracles/photographs.py with Pillow and OpenCV. */
const golden = JSON.parse(readFileSync(new URL("../fixtures/photographs.json", import.meta.url), "utf8")) as {
  resized: (Sized & { toWidth: number; toHeight: number; resized: number[] })[];
  degraded: (Sized & { scale: number; sigmaPx: number; contrast: number; degraded: number[] })[];
};
const sliceOf = ({ width, height, image }: Sized) => ({ width, height, data: Float32Array.from(image) });
const largest = (a: ArrayLike<number>, b: readonly number[]): number => Math.max(...b.map((value, i) => Math.abs(value - a[i])));

describe("resizeAntialiased", () => {
  it.each(golden.resized)("equals Pillow's, $width × $height to $toWidth × $toHeight", (given) => {
    const { data } = resizeAntialiased(sliceOf(given), given.toWidth, given.toHeight);
    expect(data.length).toBe(given.resized.length);
    expect(largest(data, given.resized)).toBeLessThan(2e-6);
  });
});

describe("degraded", () => {
  it.each(golden.degraded)("equals Pillow's and OpenCV's: s = $scale, σ = $sigmaPx, κ = $contrast", (given) => {
    const { data, width, height } = degraded(sliceOf(given), given);
    expect([width, height]).toEqual([given.width, given.height]);
    expect(largest(data, given.degraded)).toBeLessThan(5e-6);
  });
});

describe("compressed", () => {
  test.prop([
    fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
    fc.float({ min: 1, max: 3, noNaN: true }),
  ])("divides every distance from the mean, which stays", (values, contrast) => {
    const { data } = compressed({ data: Float32Array.from(values), width: 2, height: 2 }, contrast);
    const mean = (of: ArrayLike<number>): number => Array.from(of).reduce((sum, value) => sum + value, 0) / 4;
    expect(mean(data)).toBeCloseTo(mean(values), 5);
    data.forEach((value, i) => expect((value - mean(data)) * contrast).toBeCloseTo(values[i] - mean(values), 5));
  });
});

describe("noisy", () => {
  const flat = { data: new Float32Array(256 * 256).fill(0.5), width: 256, height: 256 };
  it("adds white noise of σ / 255: its mean, deviation, and correlation of neighbours", () => {
    const { data } = noisy(flat, 25, randomStream(1, "noise"));
    const noise = data.map((value) => value - 0.5);
    const n = noise.length;
    const mean = noise.reduce((sum, value) => sum + value, 0) / n;
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / n;
    const neighbours = noise.reduce((sum, value, i) => sum + value * (noise[i + 1] ?? 0), 0) / n / variance;
    expect(Math.abs(mean)).toBeLessThan((4 * 25) / 255 / 256);
    expect((Math.sqrt(variance) * 255) / 25).toBeCloseTo(1, 1);
    expect(Math.abs(neighbours)).toBeLessThan(4 / 256);
  });

  it("is a pure function of the stream", () => {
    const once = noisy(flat, 10, randomStream(1, "noise", 3));
    expect(noisy(flat, 10, randomStream(1, "noise", 3)).data).toEqual(once.data);
    expect(noisy(flat, 10, randomStream(1, "noise", 4)).data).not.toEqual(once.data);
  });
});
