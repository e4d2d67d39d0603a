import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { resize } from "../../methods/imaging/resample.ts";
import { scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import type { RecistMarks } from "../../methods/labels/recist.ts";
import { zoomOfDiameter } from "../../methods/labels/zoom.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { derivedSlices } from "../../methods/networks/derivedSlices.ts";
import type { PictureEnhancer } from "../../methods/networks/enhancedPictures.ts";
import { predictSlices, predictVolume } from "../../methods/networks/predictVolume.ts";
import { networkInput, type Preprocessing, preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { brightness } from "./brightness.ts";

const window = { low: 0, high: 1000 };
const preprocessing = (size: Preprocessing["crop"]["size"], channels: Preprocessing["channels"]): Preprocessing =>
  preprocessingSchema.parse({ crop: { size }, channels, normalisation: { mean: 0, sd: 1 } });

/** Denoises nothing and interpolates linearly, which leaves a ramp as it is; keeps what it was asked for. */
function linearEnhancer(change: (grey: number) => number = (grey) => grey): PictureEnhancer & { zooms: number[] } {
  const zooms: number[] = [];
  return {
    zooms,
    denoise: async (picture) => picture,
    async enhance(picture, zoom) {
      zooms.push(zoom);
      const finer = resize(picture, Math.round(picture.width * zoom), Math.round(picture.height * zoom));
      return { ...finer, data: finer.data.map(change) };
    },
  };
}

function volume(hu: (x: number, y: number, z: number) => number, dims: [number, number, number] = [96, 80, 3]): Volume {
  const [nx, ny, nz] = dims;
  const data = Float32Array.from({ length: nx * ny * nz }, (_, i) =>
    hu(i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))),
  );
  return { dims, spacingMm: [1, 1, 1], affine: scalingAffine([1, 1, 1]), data };
}

const cross = (x: number, y: number, a: number, slice = 1): RecistMarks => ({
  slice,
  long: [
    [x - a, y],
    [x + a, y],
  ],
  short: [
    [x, y - a / 2],
    [x, y + a / 2],
  ],
});

const sizes = fc.constantFrom<Preprocessing["crop"]["size"]>("native", 24, 64, 100, { longAxisPx: 32 }, { longAxisPx: 90 });
const position = (low: number, high: number) => fc.double({ min: low, max: high, noNaN: true });

describe("denoised and enhanced channels", () => {
  property.prop([position(30, 60), position(30, 50), position(4, 12), sizes])(
    "show every point where the window shows it, at every zoom",
    async (x, y, semiAxis, size) => {
      const ramp = volume((x, y, z) => 100 + 5 * x + 2 * y + 10 * z);
      const options = preprocessing(size, ["window", "denoised", "enhanced"]);
      const marks = cross(x, y, semiAxis);
      const derived = await derivedSlices(linearEnhancer(), ramp, 2, marks, window, options);
      const { pixels } = networkInput(ramp, 2, marks, window, options, derived);
      let [denoised, enhanced] = [0, 0];
      for (let p = 0; p < pixels.length; p += 3) {
        denoised = Math.max(denoised, Math.abs(pixels[p + 1] - pixels[p]));
        enhanced = Math.max(enhanced, Math.abs(pixels[p + 2] - pixels[p]));
      }
      expect(denoised).toBeLessThan(1e-5);
      // Where enhanced pixels are averaged, the widened triangle moves a ramp by up to a tenth of a pixel.
      expect(enhanced).toBeLessThan(0.1 * 0.007);
    },
  );

  it.each<[size: Preprocessing["crop"]["size"], semiAxis: number, zoom: number]>([
    ["native", 10, 2],
    [64, 8, 2],
    [96, 8, 3],
    [300, 8, 5],
    [{ longAxisPx: 64 }, 8, 4],
    [{ longAxisPx: 64 }, 20, 2],
    [{ longAxisPx: 64 }, 4, 5],
  ])("crop of size %j of a lesion of semi-axis %d is enhanced at zoom %d", async (size, semiAxis, zoom) => {
    const enhancer = linearEnhancer();
    const image = volume(() => 500);
    await derivedSlices(enhancer, image, 1, cross(48, 40, semiAxis), window, preprocessing(size, ["enhanced"]));
    expect(enhancer.zooms).toEqual([zoom]);
  });

  it("of a crop that reaches beyond the image repeat its edge, as the window does", async () => {
    const flat = volume((x) => (x === 0 ? 300 : 800));
    const options = preprocessing({ longAxisPx: 40 }, ["window", "denoised", "enhanced"]);
    const derived = await derivedSlices(linearEnhancer(), flat, 1, cross(1, 40, 8), window, options);
    const { pixels } = networkInput(flat, 1, cross(1, 40, 8), window, options, derived);
    expect([...pixels.subarray(0, 3)].map((grey) => Math.round(grey * 1e4))).toEqual([3000, 3000, 3000]);
  });

  it("are not made where no channel shows them, and only denoised where none shows more", async () => {
    const enhancer = linearEnhancer();
    const image = volume(() => 500);
    const made = (channels: Preprocessing["channels"]) =>
      derivedSlices(enhancer, image, 1, cross(48, 40, 8), window, preprocessing(64, channels));
    expect(await made(["window", "ellipse"])).toEqual({});
    expect(Object.keys(await made(["denoised"]))).toEqual(["box", "denoised"]);
    expect(enhancer.zooms).toEqual([]);
  });
});

describe("a crop at the lesion's zoom", () => {
  property.prop([position(30, 60), position(30, 50), position(4, 14), fc.integer({ min: 20, max: 100 })])(
    "has pixels as fine as the zoom says, a multiple of 16 of them, and labels by nearest neighbour",
    (x, y, semiAxis, longAxisPx) => {
      const labels = Uint8Array.from({ length: 96 * 80 }, (_, p) => p % 7);
      const input = networkInput(
        volume(() => 0),
        1,
        cross(x, y, semiAxis),
        window,
        preprocessing({ longAxisPx }, ["window"]),
      );
      const zoom = zoomOfDiameter(2 * semiAxis, longAxisPx);
      const across = Math.ceil(4 * semiAxis * zoom - 1e-6);
      expect(input.size).toBe(16 * Math.ceil(across / 16));
      const found = input.labels({ width: 96, height: 80, data: labels });
      const from = Math.floor((input.size - across) / 2);
      const nearest = (i: number, centre: number): number => Math.round(centre + (i + 0.5 - from - across / 2) / zoom + 1e-6);
      const expected = found.map((_, p) => {
        const [i, j] = [p % input.size, Math.floor(p / input.size)];
        const isPadding = Math.min(i, j) < from || Math.max(i, j) >= from + across;
        return isPadding ? 255 : labels[nearest(j, y) * 96 + nearest(i, x)];
      });
      expect(found).toEqual(expected);
    },
  );
});

describe("a network that looks at enhanced slices", async () => {
  const backend = await openBackend({ prefer: "node" });
  const model = brightness({ longAxisPx: 48 }, ["enhanced"]);
  const inBall = (x: number, y: number, z: number): boolean => Math.hypot(x - 47.3, y - 39.6, 4 * (z - 1)) <= 9;
  const dark = volume((x, y, z) => (inBall(x, y, z) ? 100 : 900));
  const marks = cross(47.3, 39.6, 9);
  /** Bright where the slice is dark, so that a network that looked at the slice itself would find the surroundings. */
  const inverting = linearEnhancer((grey) => 1 - grey);

  it("gives masks on the image's own grid, of what these slices show", async () => {
    const { mask } = await predictVolume(model, backend, { image: dark, marks, window }, { enhancer: inverting });
    expect(mask.dims).toEqual(dark.dims);
    let [both, predicted, true_] = [0, 0, 0];
    mask.data.forEach((lesion, p) => {
      const truth = inBall(p % 96, Math.floor(p / 96) % 80, Math.floor(p / (96 * 80))) ? 1 : 0;
      both += lesion * truth;
      predicted += lesion;
      true_ += truth;
    });
    expect((2 * both) / (predicted + true_)).toBeGreaterThan(0.98);
  });

  it("looks at the RECIST slice only where that is asked for", async () => {
    const { mask, outcomes } = await predictVolume(
      model,
      backend,
      { image: dark, marks, window },
      { enhancer: inverting, slices: "key" },
    );
    const area = 96 * 80;
    expect(outcomes).toEqual({ network: 1 });
    expect([0, 1, 2].map((z) => mask.data.subarray(z * area, (z + 1) * area).includes(1))).toEqual([false, true, false]);
  });

  it("is refused without the networks that make them", async () => {
    await expect(predictSlices(model, backend, { image: dark, marks, window }, [1])).rejects.toThrow(
      "channel enhanced needs the enhanced slice",
    );
  });
});
