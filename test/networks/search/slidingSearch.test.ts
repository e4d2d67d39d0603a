import { describe, expect, it } from "vitest";
import { voxelAt, voxelsOf } from "../../../methods/imaging/placedMask.ts";
import type { Vec3 } from "../../../methods/imaging/volume.ts";
import { InputError } from "../../../methods/inputError.ts";
import { lengthMm } from "../../../methods/labels/recist.ts";
import { openBackend } from "../../../methods/networks/backend.ts";
import type { Model } from "../../../methods/networks/model.ts";
import { predictSlices } from "../../../methods/networks/predictVolume.ts";
import { preprocessingSchema } from "../../../methods/networks/preprocess.ts";
import { looksAt } from "../../../methods/networks/search/look.ts";
import { defaultSearch, slidingSearch } from "../../../methods/networks/search/slidingSearch.ts";
import { sightingAt } from "../../../methods/networks/sighting.ts";
import type { NetworkSpec } from "../../../methods/networks/spec.ts";
import { initialWeights } from "../../../methods/networks/weights.ts";
import { type BrightBall, brightBalls, inBall } from "../brightBalls.ts";
import { brightness } from "../brightness.ts";

const backend = await openBackend({ prefer: "node" });
const model = brightness();
const window = { low: 0, high: 1000 };
const search = { ...defaultSearch, window, lengthsMm: [20, 32] };

describe("a sliding search", () => {
  it("proposes every ball in the body once, wherever and however large it is, with its mask and diameters; nothing else", async () => {
    const balls: BrightBall[] = [
      { at: [40, 45, 9], radiusMm: 9 },
      { at: [76, 40, 12], radiusMm: 20 },
      { at: [62, 77, 15], radiusMm: 14 },
    ];
    const image = brightBalls([...balls, { at: [8, 8, 10], radiusMm: 9 }]);
    const seen: string[] = [];
    const proposals = await slidingSearch(model, backend, image, search, ({ phase, done, total }) => {
      expect(done).toBeLessThan(total);
      seen.push(phase);
    });
    expect(seen.at(0)).toBe("looking");
    expect(seen.at(-1)).toBe("growing");
    expect(proposals).toHaveLength(3);
    for (const { at, radiusMm } of balls) {
      const found = proposals.find(({ centre }) => inBall(centre, at, radiusMm / 4, image.spacingMm));
      expect(found, `the ball at ${at.join()}`).toBeDefined();
      const { mask, marks, score, parts } = found!;
      let [both, size] = [0, 0];
      const [nx, ny, nz] = image.dims;
      for (let i = 0; i < nx * ny * nz; i++) {
        const voxel: Vec3 = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))];
        if (!inBall(voxel, at, radiusMm, image.spacingMm)) continue;
        size++;
        both += voxelAt(mask, ...voxel);
      }
      expect((2 * both) / (size + voxelsOf(mask))).toBeGreaterThan(0.9);
      expect(Math.abs(marks.slice - at[2])).toBeLessThanOrEqual(1);
      expect(lengthMm(marks.long, image.spacingMm) / (2 * radiusMm)).toBeCloseTo(1, 0);
      expect(Math.abs(lengthMm(marks.long, image.spacingMm) / (2 * radiusMm) - 1)).toBeLessThan(0.12);
      expect(score).toBeGreaterThan(0.7);
      expect(score).toBeCloseTo(parts.probability * parts.contrast * parts.agreement * parts.plausibility, 12);
    }
    expect(proposals.map(({ score }) => score)).toEqual(proposals.map(({ score }) => score).sort((a, b) => b - a));
  });

  it("proposes nothing where there is nothing, and no more than it is asked for", async () => {
    expect(await slidingSearch(model, backend, brightBalls([]), search)).toEqual([]);
    const two = brightBalls([
      { at: [40, 45, 9], radiusMm: 12 },
      { at: [76, 60, 12], radiusMm: 12 },
    ]);
    expect(await slidingSearch(model, backend, two, { ...search, most: 1 })).toHaveLength(1);
  });

  it("is stopped by what its progress is told to", async () => {
    const stopped = slidingSearch(model, backend, brightBalls([]), search, () => {
      throw new Error("cancelled");
    });
    await expect(stopped).rejects.toThrow("cancelled");
  });

  it("refuses a network that was never without marks, or that looks at enhanced slices", async () => {
    const image = brightBalls([], [40, 40, 3]);
    const withChannels = (...channels: string[]) => ({
      ...model,
      preprocessing: preprocessingSchema.parse({ crop: { size: 64 }, channels }),
    });
    await expect(slidingSearch(withChannels("window", "ellipse"), backend, image)).rejects.toThrow(InputError);
    await expect(slidingSearch(withChannels("window", "enhanced"), backend, image)).rejects.toThrow(/stacked GAN/);
  });
});

/** A network that finds a lesion everywhere, with an Ŷ that hangs on every pixel of its input. */
function anywhere(): Model {
  const spec: NetworkSpec = { network: "hnn", width: 1 / 64, channels: 4, norm: "none" };
  const weights = { ...initialWeights(spec, 5), "fuse/bias": Float32Array.of(1) };
  const channels = ["window", "relative", "relative-1", "relative+1"] as const;
  return { spec, preprocessing: preprocessingSchema.parse({ crop: { size: 64 }, channels }), training: null, weights };
}
const everywhere = anywhere();

/** The same of a network that looks at stacks. */
function anywhereInStacks(): Model {
  const spec: NetworkSpec = { network: "unet", width: 1 / 32, channels: 2, norm: "none", planes: 5 };
  const weights = { ...initialWeights(spec, 5, "he"), "out/bias": Float32Array.of(3) };
  const channels = ["window", "relative"] as const;
  const preprocessing = preprocessingSchema.parse({ crop: { size: 32 }, channels, stack: { planes: 5, reach: 0.7 } });
  return { spec, preprocessing, training: null, weights };
}
const inStacks = anywhereInStacks();

describe("a look", () => {
  it.each([
    [[41, 44, 9], 12],
    [[3, 50, 0], 30],
    [[118, 108, 23], 64],
    [[76, 40, 12], 27],
  ] as [Vec3, number][])("at %j, %f px long, sees what the network sees in the whole image", async ([x, y, slice], lengthPx) => {
    const plain = brightBalls([
      { at: [40, 45, 9], radiusMm: 9 },
      { at: [76, 40, 12], radiusMm: 20 },
    ]);
    const image = { ...plain, data: plain.data.map((hu, i) => hu + ((i * 7919) % 601)) };
    const place = { slice, centre: [x, y] as const, lengthPx };
    for (const network of [model, everywhere, inStacks]) {
      const [seen] = await looksAt(network, backend, image, [place], window);
      const [output] = await predictSlices(network, backend, { image, marks: place, window }, [slice]);
      const whole = sightingAt(output, slice, [x, y], image.spacingMm);
      if (network !== model) expect(whole).not.toBeNull();
      if (whole === null) {
        expect(seen).toBeNull();
        continue;
      }
      expect(seen!.region.centre[0]).toBeCloseTo(whole.region.centre[0], 9);
      expect(seen!.region.centre[1]).toBeCloseTo(whole.region.centre[1], 9);
      expect(seen!.region.lengthPx).toBeCloseTo(whole.region.lengthPx, 9);
      expect(seen!.probability).toBeCloseTo(whole.probability, 8);
      expect(voxelsOf(seen!.mask)).toBe(whole.mask.data.reduce((sum, value) => sum + value, 0));
    }
  });
});
