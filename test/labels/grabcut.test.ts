import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { grabCut } from "../../methods/labels/grabcut.ts";
import { Region } from "../../methods/labels/trimap.ts";
import { fixture, fromRuns, lcg, picture } from "./fixture.ts";
import { plainGrabCut } from "./plainGrabCut.ts";

const regionsOf = (result: ReturnType<typeof grabCut>): Uint8Array => {
  if ("failure" in result) throw new Error(result.failure);
  return result.regions.data;
};

describe("GrabCut", () => {
  it.each(fixture.grabcut)(
    "meets OpenCV's regions pixel for pixel: $picture, seed $seed",
    ({ picture: parameters, seed, trimap, regions }) => {
      const image = picture(parameters);
      const start = { ...image, data: fromRuns(trimap) };
      expect(regionsOf(grabCut(image, start, { seed }))).toEqual(fromRuns(regions));
    },
  );

  it("makes no round when asked for none", () => {
    const { picture: parameters, trimap } = fixture.grabcut[3];
    const image = picture(parameters);
    const start = fromRuns(trimap);
    expect(regionsOf(grabCut(image, { ...image, data: start }, { iterations: 0 }))).toEqual(start);
  });

  it("leaves its inputs alone, and one graph does not leak into the next", () => {
    const [small, large] = [fixture.grabcut[0], fixture.grabcut.at(-1)!];
    const image = picture(small.picture);
    const trimap = { ...image, data: fromRuns(small.trimap) };
    const [pixels, start] = [image.data.slice(), trimap.data.slice()];
    const once = regionsOf(grabCut(image, trimap));
    const other = picture(large.picture);
    grabCut(other, { ...other, data: fromRuns(large.trimap) });
    expect(regionsOf(grabCut(image, trimap))).toEqual(once);
    expect(image.data).toEqual(pixels);
    expect(trimap.data).toEqual(start);
  });

  test.prop([fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 2, max: 12 }), fc.integer({ min: 2, max: 12 })], {
    numRuns: 60,
  })("never moves a certain pixel, and decides every other one", (seed, width, height) => {
    const image = picture({ width, height, seed, base: 80, contrast: 60, noise: 30 });
    const trimap = { ...image, data: Uint8Array.from({ length: width * height }, (_, p) => (seed >> (p % 20)) & 3) };
    const result = grabCut(image, trimap);
    if ("failure" in result) return;
    for (let p = 0; p < trimap.data.length; p++) {
      const before = trimap.data[p];
      if (before <= Region.foreground) expect(result.regions.data[p]).toBe(before);
      else expect(result.regions.data[p]).toBeGreaterThanOrEqual(Region.probableBackground);
      expect(result.mask[p]).toBe(result.regions.data[p] & 1);
    }
  });

  test.prop(
    [
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 4, max: 24 }),
      fc.integer({ min: 4, max: 24 }),
      fc.constantFrom(1, 2, 3, 10, 100, 256),
      fc.constantFrom(1, 2, 5, 12, 30),
      fc.constantFrom("blocks", "scattered"),
    ],
    { numRuns: 150 },
  )(
    "takes no short cut that shows: the uncertain pixels alone, a flow kept, rounds after convergence left out",
    (seed, width, height, levels, iterations, layout) => {
      // Few levels make equal cuts, many rounds make converged ones.
      const grey = lcg(seed, width * height);
      const data = Uint8Array.from(grey, (value, p) => {
        const bright = p % width > width / 3 ? 0.3 : 0;
        return Math.min(levels - 1, Math.floor(((value / 32768) * 0.7 + bright) * levels));
      });
      const regions = lcg(seed + 1, width * height).map((value, p) => {
        if (layout === "scattered") return value & 3;
        const r = Math.max(Math.abs((p % width) / width - 0.5), Math.abs(Math.floor(p / width) / height - 0.5));
        return r < 0.1
          ? Region.foreground
          : r < 0.25
            ? Region.probableForeground
            : r < 0.4
              ? Region.probableBackground
              : Region.background;
      });
      const trimap = { data: Uint8Array.from(regions), width, height };
      const result = grabCut({ data, width, height }, trimap, { iterations, seed: 1 + (seed % 7) });
      if ("failure" in result) return;
      expect(result.regions.data).toEqual(plainGrabCut({ data, width, height }, trimap, iterations, 1 + (seed % 7)));
    },
  );

  it("keeps to the trimap on a flat picture, where no covariance is regular", () => {
    const [width, height] = [9, 9];
    const data = Uint8Array.from({ length: 81 }, (_, p) =>
      p < 27 ? Region.background : p < 54 ? Region.probableForeground : Region.foreground,
    );
    const regions = regionsOf(grabCut({ data: new Uint8Array(81).fill(7), width, height }, { data, width, height }));
    expect(Array.from(regions.subarray(0, 27))).toEqual(new Array(27).fill(Region.background));
    expect(Array.from(regions.subarray(54))).toEqual(new Array(27).fill(Region.foreground));
  });

  it.each([
    [Region.background, "no foreground samples"],
    [Region.probableBackground, "no foreground samples"],
    [Region.foreground, "no background samples"],
    [Region.probableForeground, "no background samples"],
  ])("fails without a sample of a class: all pixels %i", (region, failure) => {
    const image = { data: new Uint8Array(12), width: 4, height: 3 };
    expect(grabCut(image, { ...image, data: new Uint8Array(12).fill(region) })).toEqual({ failure });
  });

  it("refuses a trimap of another size or with other numbers", () => {
    const image = { data: new Uint8Array(12), width: 4, height: 3 };
    expect(() => grabCut(image, { data: new Uint8Array(12), width: 3, height: 4 })).toThrow(
      "the trimap is 3 × 4 pixels, the picture 4 × 3",
    );
    expect(() => grabCut(image, { ...image, data: new Uint8Array(12).fill(4) })).toThrow("pixel 0 of the trimap is 4");
  });
});
