import { describe, expect, it } from "vitest";
import { scalingAffine, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { predictVolume } from "../../methods/networks/predictVolume.ts";
import { brightness, brightnessNearMarks } from "./brightness.ts";

const backend = await openBackend({ prefer: "node" });

/** Balls of some brightness (share of the window) in the dark. */
function balls(...list: { at: [number, number, number]; radius: number; value: number }[]): Volume {
  const dims = [64, 64, 9] as const;
  const data = Int16Array.from({ length: 64 * 64 * 9 }, (_, i) => {
    const [x, y, z] = [i % 64, Math.floor(i / 64) % 64, Math.floor(i / 4096)];
    const ball = list.find(({ at, radius }) => Math.hypot(x - at[0], y - at[1], z - at[2]) <= radius);
    return ball === undefined ? 0 : Math.round(1000 * ball.value);
  });
  return { dims, spacingMm: [1, 1, 1], affine: scalingAffine([1, 1, 1]), data };
}

const window = { low: 0, high: 1000 };
const box = { slice: 4, centre: [32, 32] as const, lengthPx: 24 };
const voxels = (mask: { data: Uint8Array }): number => mask.data.reduce((sum, value) => sum + value, 0);
const at = (mask: { data: Uint8Array }, x: number, y: number, z: number): number => mask.data[(z * 64 + y) * 64 + x];

describe("a volume without marks", () => {
  it("gives the component at the box's centre, even where another is larger", async () => {
    const image = balls({ at: [32, 32, 4], radius: 3, value: 1 }, { at: [46, 32, 4], radius: 5, value: 1 });
    const { mask } = await predictVolume(brightness(48), backend, { image, marks: box, window });
    expect([at(mask, 32, 32, 4), at(mask, 46, 32, 4)]).toEqual([1, 0]);
    expect(
      voxels(mask) /
        voxels({ data: Uint8Array.from(balls({ at: [32, 32, 4], radius: 3, value: 1 }).data, (v) => (v > 0 ? 1 : 0)) }),
    ).toBeCloseTo(1, 1);
  });

  it("gives the largest one where nothing is found there, and nothing where nothing is found", async () => {
    const image = balls({ at: [47, 32, 4], radius: 2, value: 1 }, { at: [32, 50, 4], radius: 4, value: 1 });
    const { mask } = await predictVolume(brightness(48), backend, { image, marks: box, window });
    expect([at(mask, 47, 32, 4), at(mask, 32, 50, 4)]).toEqual([0, 1]);
    const empty = await predictVolume(brightness(48), backend, { image: balls(), marks: box, window });
    expect(voxels(empty.mask)).toBe(0);
  });

  it("counts pixels from the given output on", async () => {
    const image = balls({ at: [32, 32, 4], radius: 4, value: 0.55 }); // Ŷ = σ(1) = 0.73
    const found = async (threshold: number) =>
      voxels((await predictVolume(brightness(48), backend, { image, marks: box, window }, { threshold })).mask);
    expect(await found(0.7)).toBeGreaterThan(50);
    expect(await found(0.76)).toBe(0);
  });

  it.each(["grabcut", "prior"] as const)("refuses %s, which is made of marks", async (postprocess) => {
    await expect(predictVolume(brightness(48), backend, { image: balls(), marks: box, window }, { postprocess })).rejects.toThrow(
      InputError,
    );
  });
});

describe("a volume without marks, of which the network measures its own", () => {
  /** A ball of radius 6 and, two slices above its middle, a bar from its edge far to the right. */
  const withBar = (): Volume => {
    const image = balls({ at: [32, 32, 4], radius: 6, value: 1 });
    for (let y = 31; y < 34; y++) image.data.fill(1000, (6 * 64 + y) * 64 + 34, (6 * 64 + y) * 64 + 56);
    return image;
  };
  const seen = (model = brightnessNearMarks(48), measured = true, image = withBar()) =>
    predictVolume(model, backend, { image, marks: box, window }, { measured });

  it("keeps to them on the other slices, and sees the box's slice as without marks", async () => {
    const [without, measured] = await Promise.all([seen(brightnessNearMarks(48), false), seen()]);
    const keySlice = ({ mask }: typeof measured) => mask.data.slice(4 * 4096, 5 * 4096);
    expect(keySlice(measured)).toEqual(keySlice(without));
    expect(voxels({ data: keySlice(measured) })).toBeGreaterThan(100);
    // The ball's section on that slice, and of the bar what lies within twice the measured radius.
    expect([at(without.mask, 32, 32, 6), at(measured.mask, 32, 32, 6)]).toEqual([1, 1]);
    expect([at(without.mask, 52, 32, 6), at(measured.mask, 52, 32, 6)]).toEqual([1, 0]);
    expect(measured.outcomes).toEqual({ network: expect.any(Number) });
  });

  it("is seen as without them by a network that is not shown marks, and where nothing is found on the box's slice", async () => {
    expect((await seen(brightness(48))).mask.data).toEqual((await seen(brightness(48), false)).mask.data);
    const above = balls({ at: [32, 32, 7], radius: 2, value: 1 });
    const [without, measured] = await Promise.all([seen(undefined, false, above), seen(undefined, true, above)]);
    expect(measured.mask.data).toEqual(without.mask.data);
    expect(voxels(measured.mask)).toBeGreaterThan(10);
  });

  it("changes nothing where there are marks", async () => {
    const marks = { slice: 4, long: [[26, 32], [38, 32]], short: [[32, 27], [32, 37]] } as const; // biome-ignore format: a cross
    const look = (measured: boolean) =>
      predictVolume(brightnessNearMarks(48), backend, { image: withBar(), marks, window }, { measured });
    expect((await look(true)).mask.data).toEqual((await look(false)).mask.data);
  });
});

describe("a cut with the shape prior after the network", () => {
  const marks = {
    slice: 4,
    long: [
      [26, 32],
      [38, 32],
    ],
    short: [
      [32, 26],
      [32, 38],
    ],
  } as const;
  const predicted = (image: Volume, model = brightness(48)) =>
    predictVolume(model, backend, { image, marks, window }, { postprocess: "prior" });
  const inBridge = (mask: { data: Uint8Array }): number =>
    mask.data.reduce((sum, value, i) => sum + (i % 64 >= 42 ? value : 0), 0);

  it("keeps what marks and network agree on, and cuts what leaks away from the marks", async () => {
    const image = balls({ at: [32, 32, 4], radius: 6, value: 1 }, { at: [43, 32, 4], radius: 5, value: 1 });
    const network = await predictVolume(brightness(48), backend, { image, marks, window });
    const { mask, outcomes } = await predicted(image);
    expect(inBridge(network.mask)).toBeGreaterThan(100);
    expect(inBridge(mask)).toBeLessThan(0.5 * inBridge(network.mask));
    expect(at(mask, 32, 32, 4)).toBe(1);
    expect(Object.keys(outcomes)).toEqual(["prior-cut"]);
    const { mask: key } = await predictVolume(
      brightness(48),
      backend,
      { image, marks, window },
      { postprocess: "prior", slices: "key" },
    );
    expect([at(key, 32, 32, 4), at(key, 32, 32, 5), at(mask, 32, 32, 5)]).toEqual([1, 0, 1]);
  });

  it("follows the network where the picture says nothing", async () => {
    const image = balls();
    const [nothing, everything] = [brightness(48), brightness(48)];
    everything.weights["side1/bias"][0] = 10; // Ŷ ≈ 1 everywhere.
    const [less, more] = [await predicted(image, nothing), await predicted(image, everything)];
    expect(voxels(more.mask)).toBeGreaterThan(2 * voxels(less.mask));
  });
});
