import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { resampleSquare, resampleSquareLabels, resize, resizeArea, resizeCubic } from "../../methods/imaging/resample.ts";
import type { Slice } from "../../methods/imaging/volume.ts";

/** Made by test/oracles/resample.py with OpenCV. */
interface Resized {
  readonly width: number;
  readonly height: number;
  readonly image: readonly number[];
  readonly toWidth: number;
  readonly toHeight: number;
  readonly resized: readonly number[];
}
const golden: Record<"resize" | "cubic" | "area", readonly Resized[]> = JSON.parse(
  readFileSync(new URL("../fixtures/resample.json", import.meta.url), "utf8"),
);
/** f(x, y) = 3x − 2y + 5 on a slice: linear interpolation must not change it inside. */
const ramp = (width: number, height: number): Slice<Float32Array> => ({
  data: Float32Array.from({ length: width * height }, (_, i) => 3 * (i % width) - 2 * Math.floor(i / width) + 5),
  width,
  height,
});

describe("resize", () => {
  it.each(golden.resize)(
    "equals OpenCV's, $width × $height to $toWidth × $toHeight",
    ({ width, height, image, toWidth, toHeight, resized }) => {
      const { data } = resize({ data: Float32Array.from(image), width, height }, toWidth, toHeight);
      expect(data.length).toBe(resized.length);
      for (let i = 0; i < data.length; i++) expect(Math.abs(data[i] - resized[i])).toBeLessThan(1e-3);
    },
  );
});

describe("resizeCubic", () => {
  it.each(golden.cubic)(
    "equals OpenCV's, $width × $height to $toWidth × $toHeight",
    ({ width, height, image, toWidth, toHeight, resized }) => {
      const { data } = resizeCubic({ data: Float32Array.from(image), width, height }, toWidth, toHeight);
      expect(data.length).toBe(resized.length);
      for (let i = 0; i < data.length; i++) expect(Math.abs(data[i] - resized[i])).toBeLessThan(1e-3);
    },
  );

  test.prop([fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 60 })])(
    "leaves a constant alone, and a picture that keeps its size",
    (size, to) => {
      const flat = { data: new Float32Array(size * size).fill(7), width: size, height: size };
      expect(resizeCubic(flat, to, to).data.every((value) => Math.abs(value - 7) < 1e-5)).toBe(true);
      expect(resizeCubic(ramp(size, size), size, size)).toEqual(ramp(size, size));
    },
  );
});

describe("resizeArea", () => {
  it.each(golden.area)(
    "equals OpenCV's, $width × $height to $toWidth × $toHeight",
    ({ width, height, image, toWidth, toHeight, resized }) => {
      const { data } = resizeArea({ data: Uint8Array.from(image), width, height }, toWidth, toHeight);
      expect(data.length).toBe(resized.length);
      for (let i = 0; i < data.length; i++) expect(Math.abs(data[i] - resized[i])).toBeLessThan(1e-6);
    },
  );

  test.prop([
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 30 }),
  ])("keeps the mean, to whatever size", (width, height, toWidth, toHeight) => {
    const mean = ({ data }: Slice<Float32Array>): number => data.reduce((sum, v) => sum + v, 0) / data.length;
    const source = ramp(width, height);
    expect(mean(resizeArea(source, toWidth, toHeight))).toBeCloseTo(mean(source), 3);
  });
});

describe("resampleSquare", () => {
  test.prop([
    fc.double({ min: 12, max: 18, noNaN: true }),
    fc.double({ min: 12, max: 18, noNaN: true }),
    fc.double({ min: 1, max: 20, noNaN: true }),
    fc.integer({ min: 1, max: 40 }),
  ])("reads f(x, y) at the centres of the n × n parts of the square", (cx, cy, side, n) => {
    const { data } = resampleSquare(ramp(31, 31), [cx, cy], side, n);
    let largestError = 0;
    data.forEach((value, p) => {
      const [i, j] = [p % n, Math.floor(p / n)];
      const [x, y] = [cx - side / 2 + ((i + 0.5) * side) / n, cy - side / 2 + ((j + 0.5) * side) / n];
      largestError = Math.max(largestError, Math.abs(value - (3 * x - 2 * y + 5)));
    });
    expect(largestError).toBeLessThan(1e-4);
  });

  it("copies pixels where the square is aligned with them", () => {
    const { data } = resampleSquare(ramp(9, 9), [4, 3], 3, 3);
    expect([...data]).toEqual([2, 3, 4].flatMap((y) => [3, 4, 5].map((x) => 3 * x - 2 * y + 5)));
  });

  it("repeats the border beyond the slice", () => {
    const slice: Slice<Uint8Array> = { data: Uint8Array.from([10, 20, 30, 40]), width: 2, height: 2 };
    expect([...resampleSquare(slice, [0, 0], 4, 4).data]).toEqual([
      10, 10, 15, 20, 10, 10, 15, 20, 20, 20, 25, 30, 30, 30, 35, 40,
    ]);
    expect([...resampleSquareLabels(slice, [-1, 0], 3, 3).data]).toEqual([10, 10, 10, 10, 10, 10, 30, 30, 30]);
  });
});
