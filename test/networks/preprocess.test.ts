import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import type { RecistMarks } from "../../methods/labels/recist.ts";
import { channelNames, networkInput, type Preprocessing, preprocessingSchema } from "../../methods/networks/preprocess.ts";

const preprocessing = (
  size: Preprocessing["crop"]["size"],
  channels: Preprocessing["channels"] = ["window"],
  factor = 2,
): Preprocessing => preprocessingSchema.parse({ crop: { size, factor }, channels, normalisation: { mean: 0, sd: 1 } });

/** HU of each voxel as a function of (x, y, z). */
function volume(
  dims: [number, number, number],
  hu: (x: number, y: number, z: number) => number,
  spacingMm: [number, number, number] = [1, 1, 1],
): Volume {
  const [nx, ny, nz] = dims;
  const data = Float32Array.from({ length: nx * ny * nz }, (_, i) =>
    hu(i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))),
  );
  return { dims, spacingMm, affine: scalingAffine(spacingMm), data };
}

/** Marks of a lesion around (x, y): long axis 2a along x, short axis 2b along y. */
const cross = (x: number, y: number, a: number, b: number, slice = 0): RecistMarks => ({
  slice,
  long: [
    [x - a, y],
    [x + a, y],
  ],
  short: [
    [x, y - b],
    [x, y + b],
  ],
});

const wide = { low: 0, high: 1000 };

describe("native crops", () => {
  const image = volume([40, 30, 1], (x, y) => 10 * x + y);
  const input = networkInput(image, 0, cross(20, 15, 5, 3), wide, preprocessing("native"));

  it("are 2 × the long diameter across, padded to a multiple of 16, pixels as they are", () => {
    expect(input.size).toBe(32); // 2 × 10 → 20 → 32
    const x0 = Math.round(20 - 19 / 2) - 6;
    const y0 = Math.round(15 - 19 / 2) - 6;
    expect(input.pixels[5 * 32 + 7]).toBe(Math.fround((10 * (x0 + 7) + y0 + 5) / 1000));
  });

  it("ignore labels in the padding, and give back a prediction where it came from", () => {
    const map = { width: 40, height: 30, data: Uint8Array.from({ length: 1200 }, (_, i) => (i % 7 === 0 ? 1 : 0)) };
    const labels = input.labels(map);
    expect(labels.filter((label) => label !== 255)).toHaveLength(400);
    const back = input.toSlice(Float32Array.from(labels));
    let inside = 0;
    for (let y = 0; y < 30; y++) {
      for (let x = 0; x < 40; x++) {
        const isInside = x >= 11 && x < 31 && y >= 6 && y < 26;
        inside += isInside ? 1 : 0;
        expect(back.data[y * 40 + x]).toBe(isInside ? map.data[y * 40 + x] : 0);
      }
    }
    expect(inside).toBe(400);
  });
});

describe("resampled crops", () => {
  it("keep a linear image linear, whatever the zoom, pixel centres at integers", () => {
    const image = volume([60, 60, 1], (x, y) => 5 * x + 3 * y);
    for (const [size, a] of [
      [16, 12],
      [64, 5],
      [20, 10],
    ]) {
      const { pixels } = networkInput(image, 0, cross(30, 28, a, 2), wide, preprocessing(size));
      const step = (4 * a) / size;
      const at = (i: number, centre: number): number => centre + (i + 0.5 - size / 2) * step;
      for (const [i, j] of [
        [size / 2, size / 2],
        [size / 4, size / 2 + 2],
      ])
        expect(pixels[j * size + i]).toBeCloseTo((5 * at(i, 30) + 3 * at(j, 28)) / 1000, 5);
    }
  });

  it("do not alias where they shrink: a one-pixel chequerboard becomes grey", () => {
    const image = volume([80, 80, 1], (x, y) => ((x + y) % 2) * 1000);
    const { pixels } = networkInput(image, 0, cross(40, 40, 16, 4), wide, preprocessing(16));
    for (const value of pixels) expect(Math.abs(value - 0.5)).toBeLessThan(0.02);
  });

  property.prop([
    fc.double({ min: 25, max: 35, noNaN: true }),
    fc.double({ min: 25, max: 35, noNaN: true }),
    fc.double({ min: 6, max: 14, noNaN: true }),
    fc.constantFrom<Preprocessing["crop"]["size"]>("native", 24, 64, { longAxisPx: 40 }),
  ])("a disc's labels come back in place", (cx, cy, radius, size) => {
    const data = Uint8Array.from({ length: 3600 }, (_, i) =>
      Math.hypot((i % 60) - cx, Math.floor(i / 60) - cy) <= radius ? 1 : 0,
    );
    const input = networkInput(
      volume([60, 60, 1], () => 0),
      0,
      cross(cx, cy, radius, radius),
      wide,
      preprocessing(size),
    );
    const back = input.toSlice(
      Float32Array.from(input.labels({ width: 60, height: 60, data }), (label) => (label === 255 ? 0 : label)),
    );
    const centroid = (values: ArrayLike<number>): number[] => {
      let [n, x, y] = [0, 0, 0];
      for (let i = 0; i < 3600; i++) {
        n += values[i];
        x += values[i] * (i % 60);
        y += values[i] * Math.floor(i / 60);
      }
      return [x / n, y / n, n];
    };
    const [x, y, area] = centroid(data);
    const [bx, by, backArea] = centroid(back.data);
    expect(Math.hypot(x - bx, y - by)).toBeLessThan(0.75); // nearest neighbour: up to half a pixel along each axis
    expect(Math.abs(backArea / area - 1)).toBeLessThan(0.2);
  });
});

describe("at the image's edge", () => {
  it("repeats the edge, ignores labels, and predicts inside the image only", () => {
    const image = volume([20, 20, 1], (x) => 50 * x);
    const input = networkInput(image, 0, cross(1, 10, 4, 4), wide, preprocessing("native"));
    expect(input.size).toBe(16);
    expect(input.pixels.slice(0, 8)).toEqual(new Float32Array(8).fill(0).map((_, i) => (50 * Math.max(0, i - 6)) / 1000));
    const labels = input.labels({ width: 20, height: 20, data: new Uint8Array(400) });
    expect([...labels.slice(0, 8)]).toEqual([255, 255, 255, 255, 255, 255, 0, 0]);
    const back = input.toSlice(new Float32Array(256).fill(1));
    expect(back.data.reduce((a, b) => a + b)).toBe(10 * 16);
  });
});

describe("channels", () => {
  const marks = cross(16, 16, 8, 4, 1);
  const image = volume([32, 32, 3], (x, y, z) => (Math.hypot(x - 16, y - 16) < 8 ? 60 : -40) + 10 * z, [1, 1, 2]);
  const input = (channels: Preprocessing["channels"], z = 1) =>
    networkInput(image, z, marks, { low: -160, high: 240 }, preprocessing("native", channels));
  const centre = (channels: Preprocessing["channels"], z = 1): number[] => {
    const { pixels, size } = input(channels, z);
    const at = (size / 2 - 1) * size + size / 2 - 1;
    return [...pixels.slice(at * channels.length, (at + 1) * channels.length)].map((v) => Math.round(v * 1e4) / 1e4);
  };

  it("show slices in the window: this one, its neighbours (the last again at the end), the RECIST slice", () => {
    const window = (hu: number): number => (hu + 160) / 400;
    expect(centre(["window", "window-1", "window+1", "window@key"], 2)).toEqual([80, 70, 80, 70].map((hu) => window(hu)));
  });

  it("show HU relative to the median of the lesion's core in units of 70 HU, clipped to ±2", () => {
    const { pixels } = input(["relative", "relative+1"]);
    expect(centre(["relative", "relative+1"])).toEqual([0, 0.1429]);
    expect(pixels[0]).toBeCloseTo(-100 / 70, 5);
  });

  it("leave bone out of the core", () => {
    const bony = volume([32, 32, 1], (x, y) => (x < 16 ? 40 : 900) + 0 * y);
    const { pixels, size } = networkInput(
      bony,
      0,
      cross(16, 16, 8, 4, 0),
      { low: -160, high: 240 },
      preprocessing("native", ["relative"]),
    );
    expect(pixels[(size / 2) * size]).toBe(0);
  });

  it("show the marks: 1 where they cross, 0 at their ends, less in other slices", () => {
    const { pixels, size } = input(["ellipse"]);
    const at = (dx: number, dy: number): number => pixels[(size / 2 - 1 + dy) * size + size / 2 - 1 + dx];
    expect(at(0, 0)).toBe(1);
    for (const [dx, dy] of [
      [8, 0],
      [-8, 0],
      [0, 4],
      [0, -4],
    ])
      expect(at(dx, dy)).toBeCloseTo(0, 5);
    expect(at(4, 0)).toBeCloseTo(0.5, 5);
    // 2 mm off a lesion of 16 mm
    expect(centre(["ellipse", "ellipsoid", "distance"], 2)).toEqual([1, Math.round(1e4 * (1 - 2 / (0.45 * 16))) / 1e4, 0.25]);
  });

  it("show nothing of marks where there are none", () => {
    const { pixels } = networkInput(
      image,
      1,
      { slice: 1, centre: [16, 16], lengthPx: 16 },
      wide,
      preprocessing("native", ["ellipse", "ellipsoid", "distance"]),
    );
    expect(pixels.every((v) => v === 0)).toBe(true);
  });

  it("read derived slices on a finer grid in place", () => {
    const fine = { width: 96, height: 96, data: Float32Array.from({ length: 96 * 96 }, (_, i) => ((i % 96) + 0.5) / 96) };
    const { pixels, size } = networkInput(image, 1, marks, wide, preprocessing(32, ["enhanced"]), { enhanced: fine });
    // 32 pixels over x = 0.5 … 32.5: input pixel i shows x = 0.5 + i, at (1 + i) / 32 of the width
    expect(pixels[10 * size + 15]).toBeCloseTo(16 / 32, 5);
    expect(() => networkInput(image, 1, marks, wide, preprocessing(32, ["denoised"]))).toThrow(/channel denoised needs/);
  });

  it("are finite for degenerate marks", () => {
    for (const degenerate of [
      cross(5, 5, 0, 0),
      {
        slice: 0,
        long: [
          [1, 1],
          [9, 9],
        ],
        short: [
          [2, 2],
          [4, 4],
        ],
      } as RecistMarks,
    ]) {
      const channels = channelNames.filter((name) => name !== "denoised" && name !== "enhanced");
      const { pixels } = networkInput(image, 0, degenerate, wide, preprocessing(16, channels));
      expect(pixels.every(Number.isFinite)).toBe(true);
    }
  });
});
