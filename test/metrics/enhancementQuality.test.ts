import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openPhotographs } from "../../methods/datasets/photographs.ts";
import type { Slice } from "../../methods/imaging/volume.ts";
import { denoisingQuality, enlargementQuality } from "../../methods/metrics/enhancementQuality.ts";
import { randomStream } from "../../methods/random.ts";
import { sharedData } from "../labels/sharedData.ts";

const picture = (width: number, height: number, grey: (x: number, y: number) => number): Slice<Float32Array> => ({
  width,
  height,
  data: Float32Array.from({ length: width * height }, (_, p) => grey(p % width, Math.floor(p / width))),
});
const set5 = path.join(sharedData, "natural-images/Set5");

describe("quality of a denoiser", () => {
  const flat = picture(128, 128, () => 0.5);

  it.each([15, 25, 50])("noise of σ = %d leaves 20 log₁₀(255 / σ) dB", (sigma) => {
    const rows = denoisingQuality(flat, sigma, randomStream(1, "noise"), null);
    expect(rows["noisy picture"].psnr).toBeCloseTo(20 * Math.log10(255 / sigma), 0);
    expect(rows.G1).toBeUndefined();
    // On a flat picture a Gaussian filter divides the noise's variance by 4πσ².
    const gain = rows["Gaussian filter, σ 2 px"].psnr! - rows["noisy picture"].psnr!;
    expect(gain).toBeCloseTo(10 * Math.log10(4 * Math.PI * 4), 0);
  });

  it("is that of what the denoiser makes of the same noise", () => {
    const seen: Slice<Float32Array>[] = [];
    const rows = denoisingQuality(flat, 25, randomStream(1, "noise"), (noisy) => {
      seen.push(noisy);
      return flat;
    });
    expect(rows.G1).toEqual({ psnr: null, ssim: 1 });
    const again = denoisingQuality(flat, 25, randomStream(1, "noise"), (noisy) => noisy);
    expect(again.G1).toEqual(rows["noisy picture"]);
  });
});

describe("quality of an enlargement", () => {
  const none = { denoise: null, enhance: null };
  const small = picture(20, 24, (x, y) => 0.5 + 0.3 * Math.sin(x) * Math.cos(y));

  it("leaves the borders out, and measures the network on the enlarged picture", () => {
    const large = picture(60, 72, (x, y) => (x < 3 || y < 3 || x >= 57 || y >= 69 ? 1 : 0.25));
    const { scale, rows } = enlargementQuality(large, small, { denoise: (p) => p, enhance: () => large }, "here");
    expect(scale).toBe(3);
    expect(rows.G2).toEqual({ psnr: null, ssim: 1 });
    const elsewhere = { ...large, data: large.data.map((grey) => (grey === 1 ? 0 : grey)) };
    expect(enlargementQuality(elsewhere, small, none, "here").rows).toEqual(enlargementQuality(large, small, none, "here").rows);
    const identity = enlargementQuality(large, small, { denoise: (p) => p, enhance: (p) => p }, "here").rows;
    expect(identity.G2).toEqual(identity["bicubic interpolation"]);
    expect(identity["G1 and G2"]).toEqual(identity["bicubic interpolation"]);
  });

  it("refuses pairs whose sizes are no whole multiple", () => {
    for (const [width, height] of [
      [50, 60],
      [40, 47],
      [20, 24],
    ])
      expect(() =>
        enlargementQuality(
          picture(width, height, () => 0),
          small,
          none,
          "img_HR.png",
        ),
      ).toThrow(`${width} × ${height} pixels are no whole multiple of 20 × 24`);
  });

  // Published for bicubic interpolation on Set5: 33.66 and 28.42 dB, on luma from 16 to 235, which is 219 levels instead of 255.
  it.skipIf(!existsSync(set5)).each([
    [2, 33.66],
    [4, 28.42],
  ])("on Set5 at × %d bicubic interpolation reaches the published %d dB (needs ../shared/data)", async (scale, published) => {
    const source = await openPhotographs(path.join(set5, `image_SRF_${scale}`));
    const pictures = new Map<string, Slice<Float32Array>>();
    for (const [i, { id }] of source.entries.entries()) {
      const { data, width, height } = await source.load(i);
      pictures.set(id, { data: Float32Array.from(data, (grey) => grey / 255), width, height });
    }
    const pairs = [...pictures].filter(([id]) => id.includes("_HR"));
    const psnrs = pairs.map(
      ([id, truth]) =>
        enlargementQuality(truth, pictures.get(id.replace("_HR", "_LR"))!, none, id).rows["bicubic interpolation"].psnr!,
    );
    expect(psnrs).toHaveLength(5);
    const mean = psnrs.reduce((sum, psnr) => sum + psnr) / 5 + 20 * Math.log10(255 / 219);
    expect(Math.abs(mean - published)).toBeLessThan(0.02);
  });
});
