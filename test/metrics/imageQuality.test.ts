import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Slice } from "../../methods/imaging/volume.ts";
import { imageQuality, psnr, ssim } from "../../methods/metrics/imageQuality.ts";

/** Made by test/oracles/image_quality.py with scikit-image. */
interface Compared {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly peak: number;
  readonly truth: readonly number[];
  readonly picture: readonly number[];
  readonly psnr: number;
  readonly ssim: number;
}
const golden: readonly Compared[] = JSON.parse(readFileSync(new URL("../fixtures/imageQuality.json", import.meta.url), "utf8"));
const slice = (width: number, height: number, data: Iterable<number>): Slice => ({
  width,
  height,
  data: Float32Array.from(data),
});

describe("image quality", () => {
  it.each(golden)("equals scikit-image's PSNR and SSIM: $name", ({ width, height, peak, truth, picture, ...expected }) => {
    const found = imageQuality(slice(width, height, picture), slice(width, height, truth), peak);
    expect(found.psnr).toBeCloseTo(expected.psnr, 8);
    expect(found.ssim).toBeCloseTo(expected.ssim, 8);
  });

  it("has no number for the PSNR of equal pictures, whose SSIM is 1", () => {
    const { width, height, truth } = golden[0];
    const picture = slice(width, height, truth);
    expect(imageQuality(picture, picture)).toEqual({ psnr: null, ssim: 1 });
  });

  it("an error of a tenth of the range everywhere is 20 dB", () => {
    const truth = slice(3, 2, [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(psnr({ ...truth, data: truth.data.map((grey) => grey + 0.1) }, truth)).toBeCloseTo(20, 5);
  });

  test.prop([fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 288, maxLength: 288 })])(
    "is symmetric, and at most 1",
    (greys) => {
      const [a, b] = [slice(12, 12, greys.slice(0, 144)), slice(12, 12, greys.slice(144))];
      expect(ssim(a, b)).toBeCloseTo(ssim(b, a), 12);
      expect(ssim(a, b)).toBeLessThanOrEqual(1 + 1e-12);
      expect(psnr(a, b)).toBe(psnr(b, a));
    },
  );

  it("refuses pictures of different size and such as are smaller than the window", () => {
    expect(() => psnr(slice(2, 1, [0, 1]), slice(1, 2, [0, 1]))).toThrow("2 × 1 and 1 × 2 pixels cannot be compared");
    const small = slice(10, 12, new Float32Array(120));
    expect(() => ssim(small, small)).toThrow("at least 11 × 11 pixels, not 10 × 12");
  });
});
