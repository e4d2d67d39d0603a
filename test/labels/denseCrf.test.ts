import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Slice } from "../../methods/imaging/volume.ts";
import { type DenseCrfOptions, denseCrf } from "../../methods/labels/denseCrf.ts";
import { PermutohedralLattice } from "../../methods/labels/permutohedralLattice.ts";
import { lcg, type Picture, picture } from "./fixture.ts";

/** Made by test/oracles/dense_crf.py with the authors' code (pydensecrf), which computes in single precision. */
const golden: {
  readonly filters: readonly { seed: number; count: number; dimensions: number; spread: number; sums: readonly number[] }[];
  readonly fields: readonly {
    picture: Picture;
    sure: number;
    options: DenseCrfOptions;
    marginals: readonly number[];
  }[];
} = JSON.parse(readFileSync(new URL("../fixtures/denseCrf.json", import.meta.url), "utf8"));

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
};

/** The exact Gaussian kernel between all pairs of points, `[n, n]`. */
function gaussian(features: Float64Array, dimensions: number): Float64Array {
  const n = features.length / dimensions;
  return Float64Array.from({ length: n * n }, (_, ij) => {
    const [i, j] = [Math.floor(ij / n), ij % n];
    let squared = 0;
    for (let d = 0; d < dimensions; d++) squared += (features[i * dimensions + d] - features[j * dimensions + d]) ** 2;
    return Math.exp(-squared / 2);
  });
}

/** Lesion in the middle, background around, nothing known between: as prior_of_box in dense_crf.py. */
function priorOfBox({ width, height }: Slice<Uint8Array>, sure: number): Float64Array {
  return Float64Array.from({ length: width * height }, (_, p) => {
    const x = Math.abs((p % width) - (width - 1) / 2);
    const y = Math.abs(Math.floor(p / width) - (height - 1) / 2);
    if (x <= 0.13 * width && y <= 0.13 * height) return sure;
    return x > 0.3 * width || y > 0.3 * height ? 1 - sure : 0.5;
  });
}

/** Mean field by the definition, all pairs of pixels, two labels kept apart. */
function exactMeanField(image: Slice<Uint8Array>, prior: Float64Array, options: DenseCrfOptions): Float64Array {
  const n = image.data.length;
  const kernels = [options.appearance, options.smoothness].map((kernel) => {
    const grey = "grey" in kernel;
    const d = grey ? 3 : 2;
    const features = new Float64Array(n * d);
    for (let p = 0; p < n; p++) {
      features[p * d] = (p % image.width) / kernel.positionPx;
      features[p * d + 1] = Math.floor(p / image.width) / kernel.positionPx;
      if (grey) features[p * d + 2] = image.data[p] / (kernel as DenseCrfOptions["appearance"]).grey;
    }
    const values = gaussian(features, d);
    const sums = Float64Array.from({ length: n }, (_, i) => values.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b, 0));
    return values.map((value, ij) => (kernel.weight * value) / Math.sqrt(sums[Math.floor(ij / n)] * sums[ij % n]));
  });
  let q = [prior.map((p) => 1 - p), prior];
  for (let iteration = 0; iteration < options.iterations; iteration++) {
    const energy = q.map((_, label) =>
      Float64Array.from({ length: n }, (_, i) => {
        let sum = Math.log(label === 1 ? prior[i] : 1 - prior[i]);
        for (const kernel of kernels) for (let j = 0; j < n; j++) sum -= kernel[i * n + j] * q[1 - label][j];
        return sum;
      }),
    );
    q = energy.map((own, label) => own.map((e, i) => 1 / (1 + Math.exp(energy[1 - label][i] - e))));
  }
  return q[1];
}

describe("filtering on the permutohedral lattice", () => {
  it.each(golden.filters)(
    "equals the authors' code: $count points in $dimensions dimensions, spread $spread",
    ({ seed, count, dimensions, spread, sums }) => {
      const features = Float64Array.from(lcg(seed, count * dimensions), (v) => (v * spread) / 32768);
      // The oracle filters Q(1) − Q(0) for probabilities i/n, clipped at 1e−6.
      const input = Float64Array.from({ length: count }, (_, i) => {
        const [p, q] = [Math.max(i / count, 1e-6), Math.max(1 - i / count, 1e-6)];
        return (p - q) / (p + q);
      });
      expect(largestDifference(new PermutohedralLattice(features, dimensions).filter(input), sums)).toBeLessThan(1e-5);
    },
  );

  it.each([
    [2, 31, 0.5],
    [3, 13, 0.5],
    // Piecewise linear kernels are lower at the top: by 9 % and 19 % here.
  ])(
    "an impulse spreads as a Gaussian where points are dense, up to a factor, within a fifth of its height in %i dimensions",
    (d, side, step) => {
      const count = side ** d;
      const middle = (count - 1) / 2;
      const features = Float64Array.from(
        { length: count * d },
        (_, i) => step * (Math.floor(Math.floor(i / d) / side ** (i % d)) % side),
      );
      const impulse = new Float64Array(count);
      impulse[middle] = 1;
      const spread = new PermutohedralLattice(features, d).filter(impulse);
      const kernel = Float64Array.from({ length: count }, (_, i) => {
        let squared = 0;
        for (let axis = 0; axis < d; axis++) squared += (features[i * d + axis] - features[middle * d + axis]) ** 2;
        return Math.exp(-squared / 2);
      });
      const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
      const exact = kernel.map((value) => value / total(kernel));
      const ours = spread.map((value) => value / total(spread));
      expect(largestDifference(ours, exact)).toBeLessThan(0.2 * exact[middle]);
    },
  );

  const points = fc.integer({ min: 1, max: 4 }).chain((d) =>
    fc.tuple(
      fc.constant(d),
      fc
        .array(fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: d, maxLength: d }), {
          minLength: 1,
          maxLength: 40,
        })
        .map((rows) => Float64Array.from(rows.flat())),
    ),
  );
  test.prop([points, fc.double({ min: -3, max: 3, noNaN: true })])(
    "divided by its filtered ones leaves constants alone, and spreads nothing negative",
    ([d, features], constant) => {
      const lattice = new PermutohedralLattice(features, d);
      const sums = lattice.filter(new Float64Array(lattice.count).fill(1));
      const filtered = lattice.filter(new Float64Array(lattice.count).fill(constant));
      expect(sums.every((sum) => sum > 0)).toBe(true);
      expect(filtered.every((value, i) => Math.abs(value / sums[i] - constant) < 1e-9)).toBe(true);
      const impulse = new Float64Array(lattice.count);
      impulse[0] = 1;
      expect(lattice.filter(impulse).every((value) => value >= -1e-12)).toBe(true);
    },
  );

  test.prop([points])("does not depend on the points' order", ([d, features]) => {
    const count = features.length / d;
    const input = Float64Array.from(lcg(7, count), (v) => v / 32768);
    const straight = new PermutohedralLattice(features, d).filter(input);
    const backwards = new PermutohedralLattice(
      Float64Array.from(features, (_, i) => features[(count - 1 - Math.floor(i / d)) * d + (i % d)]),
      d,
    ).filter(input.slice().reverse());
    expect(largestDifference(backwards.reverse(), straight)).toBeLessThan(1e-9);
  });

  it("refuses coordinates that are none", () => {
    expect(() => new PermutohedralLattice(new Float64Array(5), 2)).toThrow("5 coordinates are no points of 2 dimensions");
    expect(() => new PermutohedralLattice(Float64Array.from([0, Number.NaN]), 2)).toThrow("coordinate 1 of point 0");
  });
});

describe("fully connected CRF", () => {
  it.each(golden.fields)("equals the authors' code on $picture", ({ picture: drawn, sure, options, marginals }) => {
    const image = picture(drawn);
    const q = denseCrf(image, priorOfBox(image, sure), options);
    expect(largestDifference(q, marginals)).toBeLessThan(2e-5);
  });

  /** The lattice's kernel is not quite Gaussian: marginals differ by less than 0.1, by less than 0.005 in the mean. */
  it.each([
    [{ appearance: { weight: 4, positionPx: 6, grey: 20 }, smoothness: { weight: 1, positionPx: 1.5 }, iterations: 1 }],
    [{ appearance: { weight: 4, positionPx: 6, grey: 20 }, smoothness: { weight: 1, positionPx: 1.5 }, iterations: 5 }],
    [{ appearance: { weight: 6, positionPx: 12, grey: 12 }, smoothness: { weight: 1, positionPx: 3 }, iterations: 3 }],
  ])("is near exact mean field over all pairs of pixels: %o", (options) => {
    const image = picture({ width: 24, height: 20, seed: 9, base: 90, contrast: 50, noise: 12 });
    const prior = priorOfBox(image, 0.9);
    const [q, exact] = [denseCrf(image, prior, options), exactMeanField(image, prior, options)];
    const differences = q.map((value, p) => Math.abs(value - exact[p]));
    expect(differences.reduce((sum, value) => sum + value, 0) / q.length).toBeLessThan(0.005);
    expect(Math.max(...differences)).toBeLessThan(0.1);
    expect(exact.some((value) => value > 0.5)).toBe(true);
    expect(q.filter((value, p) => value > 0.5 !== exact[p] > 0.5).length).toBeLessThanOrEqual(0.01 * q.length);
  });

  const image = picture({ width: 26, height: 22, seed: 4, base: 80, contrast: 45, noise: 25 });
  const options: DenseCrfOptions = {
    appearance: { weight: 5, positionPx: 9, grey: 15 },
    smoothness: { weight: 2, positionPx: 2 },
    iterations: 5,
  };

  it("treats both labels alike: the other prior gives the other marginals", () => {
    const prior = priorOfBox(image, 0.8);
    const [q, other] = [prior, prior.map((p) => 1 - p)].map((p) => denseCrf(image, p, options));
    expect(
      largestDifference(
        q,
        other.map((value) => 1 - value),
      ),
    ).toBeLessThan(1e-12);
    expect(q.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it("sees little of a mirror: the lattice lies differently in the picture", () => {
    const mirrored = <A extends Uint8Array | Float64Array>(data: A): A =>
      data.map((_, p) => data[p - (p % 26) + 25 - (p % 26)]) as A;
    const prior = priorOfBox(image, 0.9);
    const q = denseCrf(image, prior, options);
    const back = mirrored(denseCrf({ ...image, data: mirrored(image.data) }, mirrored(prior), options));
    expect(q.reduce((sum, value, p) => sum + Math.abs(value - back[p]), 0) / q.length).toBeLessThan(0.02);
    expect(q.filter((value, p) => value > 0.5 !== back[p] > 0.5).length).toBeLessThanOrEqual(0.03 * q.length);
  });

  it("keeps the prior where no kernel has weight", () => {
    const prior = priorOfBox(image, 0.7);
    const none = { ...options, appearance: { ...options.appearance, weight: 0 }, smoothness: { weight: 0, positionPx: 1 } };
    expect(largestDifference(denseCrf(image, prior, none), prior)).toBeLessThan(1e-12);
  });

  it("refuses what is no prior and no kernel", () => {
    const prior = priorOfBox(image, 0.7);
    expect(() => denseCrf(image, prior.subarray(1), options)).toThrow("571 priors for 572 pixels");
    expect(() => denseCrf(image, prior.fill(1, 3, 4), options)).toThrow("the prior of pixel 3 is 1, not between 0 and 1");
    const flat = { ...options, smoothness: { weight: 1, positionPx: 0 } };
    expect(() => denseCrf(image, priorOfBox(image, 0.7), flat)).toThrow("the smoothness kernel's width in pixels is 0");
  });
});
