import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BODY,
  backgroundOf,
  FORBIDDEN,
  listBackgrounds,
  OUTSIDE,
  readBackground,
  tissues,
} from "../../methods/datasets/semiSynthetic/background.ts";
import { drawHu } from "../../methods/datasets/semiSynthetic/hu.ts";
import { alphaOf, type Pose } from "../../methods/datasets/semiSynthetic/partialVolume.ts";
import { grownInPlane, patchOf, shrunkInPlane } from "../../methods/datasets/semiSynthetic/patch.ts";
import { placedAt } from "../../methods/datasets/semiSynthetic/placement.ts";
import { surroundingsOf } from "../../methods/datasets/semiSynthetic/surroundings.ts";
import { lesionHu } from "../../methods/datasets/semiSynthetic/texture.ts";
import { blurAlong } from "../../methods/imaging/gaussian.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import { randomStream } from "../../methods/random.ts";
import { ctGrid, ellipsoid, forbiddenBox, NOISE_HU, tinyBackground, tinyCt, writeBackgroundFolder } from "./implantMaterial.ts";
import { put } from "./lymphNodeFolder.ts";

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
const sdOf = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - middle) ** 2)));
};
const at = ([nx, ny]: Vec3, x: number, y: number, z: number): number => (z * ny + y) * nx + x;
const upright: Pose = { scale: [1, 1, 1], angle: 0, mirrorX: false, mirrorZ: false, phase: [0, 0, 0] };

describe("partial volume", () => {
  const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  const poses = fc.record({
    scale: fc.tuple(between(0.5, 2), between(0.5, 2), between(0.5, 2)),
    angle: between(0, 7),
    mirrorX: fc.boolean(),
    mirrorZ: fc.boolean(),
    phase: fc.tuple(between(-0.5, 0.5), between(-0.5, 0.5), between(-0.5, 0.5)),
  });

  test.prop([poses, fc.tuple(between(0.5, 1.2), between(1, 5))], { numRuns: 60 })(
    "sums to the posed shape's volume within 3 %, lies around its middle, and is between 0 and 1",
    (pose, [pixelMm, sliceMm]) => {
      const shape = ellipsoid([9, 6.5, 5.2], [0.8, 0.8, 2]);
      const spacing: Vec3 = [pixelMm, pixelMm, sliceMm];
      const { dims, data } = alphaOf(shape, pose, spacing, 3);
      const mm3 = shape.data.reduce((sum, v) => sum + v, 0) * 0.8 * 0.8 * 2 * pose.scale[0] * pose.scale[1] * pose.scale[2];
      const total = data.reduce((sum, v) => sum + v, 0);
      expect((total * pixelMm * pixelMm * sliceMm) / mm3).toBeGreaterThan(0.97);
      expect((total * pixelMm * pixelMm * sliceMm) / mm3).toBeLessThan(1.03);
      const centre = [0, 0, 0];
      data.forEach((alpha, i) => {
        if (alpha === 0) return;
        const voxel = [i % dims[0], Math.floor(i / dims[0]) % dims[1], Math.floor(i / (dims[0] * dims[1]))];
        for (const axis of [0, 1, 2]) centre[axis] += (alpha * voxel[axis]) / total;
      });
      expect(data.reduce((low, alpha) => Math.min(low, alpha), 0)).toBe(0);
      expect(data.reduce((high, alpha) => Math.max(high, alpha), 0)).toBeLessThan(1 + 1e-6);
      for (const axis of [0, 1, 2]) expect(centre[axis]).toBeCloseTo((dims[axis] - 1) / 2 + pose.phase[axis], 1);
    },
  );

  it("averages whole voxels: a slab of two 2.5 mm slices fills a 5 mm slice, inside of it", () => {
    const slab = { ...ellipsoid([9, 9, 1], [1, 1, 2.5]), dims: [19, 19, 2] as const, data: new Uint8Array(19 * 19 * 2).fill(1) };
    const { dims, data } = alphaOf(slab, upright, [1, 1, 5], 3);
    const middle = (dims[2] - 1) / 2;
    const inside = [-1, 0, 1].map((dz) => data[at(dims, (dims[0] - 1) / 2, (dims[1] - 1) / 2, middle + dz)]);
    // Half a voxel of softening: a Gaussian of 0.5 on the 5 mm lattice, cut at 3 sd, keeps 0.7870 in the middle.
    expect(inside[1]).toBeCloseTo(0.787, 3);
    expect(inside[0]).toBeCloseTo(inside[2], 6);
    expect(inside[0] + inside[1] + inside[2]).toBeCloseTo(1, 2);
  });

  it("turns from x towards y, mirrors x before turning, and z", () => {
    const arm = { ...ellipsoid([4, 4, 2], [1, 1, 1]), dims: [9, 9, 5] as const, data: new Uint8Array(9 * 9 * 5) };
    // An L: along +x from the middle in slice 1, with the middle itself.
    for (let x = 4; x < 9; x++) for (let z = 0; z < 2; z++) arm.data[at(arm.dims, x, 4, z)] = 1;
    const heavy = (pose: Partial<Pose>): number[] => {
      const { dims, data } = alphaOf(arm, { ...upright, ...pose }, [1, 1, 1], 1);
      const sums = [0, 0, 0];
      data.forEach((alpha, i) => {
        const voxel = [i % dims[0], Math.floor(i / dims[0]) % dims[1], Math.floor(i / (dims[0] * dims[1]))];
        for (const axis of [0, 1, 2]) sums[axis] += alpha * (voxel[axis] - (dims[axis] - 1) / 2);
      });
      return sums.map((sum) => Math.sign(Math.round(sum)));
    };
    expect(heavy({})).toEqual([1, 0, -1]);
    expect(heavy({ angle: Math.PI / 2 })).toEqual([0, 1, -1]);
    expect(heavy({ mirrorX: true })).toEqual([-1, 0, -1]);
    expect(heavy({ mirrorX: true, angle: Math.PI / 2 })).toEqual([0, -1, -1]);
    expect(heavy({ mirrorZ: true })).toEqual([1, 0, 1]);
  });
});

describe("gaussian", () => {
  test.prop([fc.constantFrom(0 as const, 1 as const, 2 as const), fc.double({ min: 0.3, max: 2, noNaN: true })])(
    "spreads a voxel along one axis with its standard deviation, and keeps the sum",
    (axis, sigma) => {
      const dims: Vec3 = [15, 17, 19];
      const data = new Float32Array(15 * 17 * 19);
      data[at(dims, 7, 8, 9)] = 1;
      blurAlong(data, dims, axis, sigma, "zero");
      let [total, variance] = [0, 0];
      data.forEach((value, i) => {
        if (value === 0) return;
        const voxel = [i % 15, Math.floor(i / 15) % 17, Math.floor(i / 255)];
        for (const other of [0, 1, 2]) if (other !== axis) expect(voxel[other]).toBe([7, 8, 9][other]);
        total += value;
        variance += value * (voxel[axis] - [7, 8, 9][axis]) ** 2;
      });
      expect(total).toBeCloseTo(1, 5);
      // A sampled Gaussian is as wide as the continuous one from about half a voxel on.
      if (sigma > 0.6) expect(Math.abs(Math.sqrt(variance) / sigma - 1)).toBeLessThan(0.03);
    },
  );

  it("repeats the edge: a constant stays a constant", () => {
    const data = new Float32Array(5 * 4 * 3).fill(7);
    for (const axis of [0, 1, 2] as const) blurAlong(data, [5, 4, 3], axis, 1.3, "repeated");
    for (const value of data) expect(value).toBeCloseTo(7, 4);
  });
});

describe("a patch", () => {
  it("beyond the volume is air outside the body, and nothing comes in from the other side", () => {
    const dims: Vec3 = [3, 3, 2];
    const hu = Int16Array.from({ length: 18 }, (_, i) => 10 + i);
    const background = { ...tinyBackground(), dims, hu, zone: new Uint8Array(18).fill(BODY) };
    const patch = patchOf(background, [-1, 1, -1], [3, 3, 2]);
    expect([...patch.hu]).toEqual([...new Array(9).fill(-1024), ...[-1024, 13, 14, -1024, 16, 17, -1024, -1024, -1024]]);
    expect([...patch.zone]).toEqual([...patch.hu].map((value) => (value === -1024 ? OUTSIDE : BODY)));
    expect(patchOf(background, [5, 0, 0], [2, 2, 1]).zone.every((zone) => zone === OUTSIDE)).toBe(true);
  });

  test.prop([fc.uint8Array({ minLength: 42, maxLength: 42, max: 5 }), fc.integer({ min: 0, max: 3 })])(
    "growing and shrinking are what looking at every neighbour gives",
    (drawn, px) => {
      const dims: Vec3 = [7, 3, 2];
      const mask = drawn.map((value) => (value === 0 ? 1 : 0));
      const near = (i: number): number[] => {
        const [x, y, z] = [i % 7, Math.floor(i / 7) % 3, Math.floor(i / 21)];
        const found: number[] = [];
        for (let b = Math.max(0, y - px); b <= Math.min(2, y + px); b++)
          for (let a = Math.max(0, x - px); a <= Math.min(6, x + px); a++) found.push(mask[at(dims, a, b, z)]);
        return found;
      };
      expect([...grownInPlane(mask, dims, px)]).toEqual(Array.from(mask, (_, i) => Math.max(...near(i))));
      expect([...shrunkInPlane(mask, dims, px)]).toEqual(Array.from(mask, (_, i) => Math.min(...near(i))));
    },
  );
});

describe("a background", () => {
  const { dims, zone, places, hu } = tinyBackground();

  it("has the body without the air around it and the table below it, with the lung in it", () => {
    expect(zone[at(dims, 43, 4, 3)]).toBe(BODY);
    expect(zone[at(dims, 25, 36, 3)]).toBe(BODY);
    expect(zone[at(dims, 1, 1, 3)]).toBe(OUTSIDE);
    expect(zone[at(dims, 43, 75, 3)]).toBe(OUTSIDE);
  });

  it("forbids the mask grown by three pixels and a slice", () => {
    const { start, end } = forbiddenBox;
    for (let z = 0; z < dims[2]; z++) {
      for (let y = 12; y < 36; y++) {
        for (let x = 34; x < 60; x++) {
          const within = [x, y, z].every((v, axis) => v >= start[axis] - [3, 3, 1][axis] && v < end[axis] + [3, 3, 1][axis]);
          expect(zone[at(dims, x, y, z)] === FORBIDDEN).toBe(within);
        }
      }
    }
  });

  it("lists places whose surroundings are of the tissue", () => {
    const expected = { soft: 60, fat: -90, lung: -820 };
    for (const tissue of tissues) {
      expect(places[tissue].length).toBeGreaterThan(100);
      const own = mean(Array.from(places[tissue], (place) => hu[place]));
      expect(Math.abs(own - expected[tissue])).toBeLessThan(tissue === "soft" ? 15 : 5);
      expect(places[tissue].every((place) => zone[place] === BODY)).toBe(true);
    }
  });

  it("must show a body", () => {
    const air = { ...tinyCt(), data: new Int16Array(hu.length).fill(-1000) };
    expect(() => backgroundOf("air", air, [], "/ct/air.nii")).toThrow(/\/ct\/air.nii.*no tissue/s);
  });
});

describe("a folder of backgrounds", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), "recist3d-backgrounds-"));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it("is listed by name, with the masks that forbid and without those of organs", async () => {
    const folder = path.join(root, "two");
    writeBackgroundFolder(folder);
    put(path.join(folder, "tiny/mask_Lung-Left.nii.gz"), new Uint8Array());
    put(path.join(folder, "another/series.nii"), new Uint8Array());
    put(path.join(folder, "empty/LICENSE"), "text");
    expect(await listBackgrounds(folder)).toEqual([
      { name: "another", image: "another/series.nii", forbidden: [] },
      { name: "tiny", image: "tiny/CT_image.nii.gz", forbidden: ["tiny/mask_GTV-1.nii.gz"] },
    ]);
  });

  it("must hold one CT per folder, and masks on its grid", async () => {
    const folder = path.join(root, "wrong");
    put(path.join(folder, "a/one.nii"), new Uint8Array());
    put(path.join(folder, "a/two.nii"), new Uint8Array());
    await expect(listBackgrounds(folder)).rejects.toThrow(/holds 2 CTs/);
    await expect(listBackgrounds(path.join(folder, "a"))).rejects.toThrow(/no folder in it holds a CT/);
    await expect(listBackgrounds(path.join(root, "absent"))).rejects.toThrow(/cannot be listed \(ENOENT\)/);
    const shifted = path.join(root, "shifted");
    put(path.join(shifted, "a/ct.nii.gz"), writeNifti(tinyCt()));
    const affine = [...ctGrid.affine];
    affine[3] += 1;
    put(path.join(shifted, "a/tumour.nii.gz"), writeNiftiMask({ ...ctGrid, affine, data: new Uint8Array(88 * 80 * 14) }));
    const [files] = await listBackgrounds(shifted);
    await expect(readBackground(shifted, files)).rejects.toThrow(/lies on another grid/);
  });
});

describe("placement", () => {
  const background = tinyBackground();
  const alpha = alphaOf(ellipsoid([6, 6, 4], [0.75, 0.75, 3]), upright, ctGrid.spacingMm, 8);
  const place = (site: Vec3, cuts = true, seed = 1) =>
    placedAt(randomStream(seed, "test"), background, "soft", alpha, site, cuts);

  it("is refused where the lesion would reach what is forbidden, or leave the body by half", () => {
    expect(place([43, 23, 6])).toBeUndefined();
    expect(place([0, 36, 6])).toBeUndefined();
    expect(place([-40, 36, 6])).toBeUndefined();
    expect(place([48, 46, 6])).toBeDefined();
  });

  it("cuts bone out of most lesions, never when it is told not to", () => {
    const boneLeft = (cuts: boolean): number[] =>
      Array.from({ length: 40 }, (_, seed) => place([60, 36, 6], cuts, seed)).map((placed) => {
        const { patch, label } = placed!;
        return label.reduce((sum, value, i) => sum + (value === 1 && patch.hu[i] > 300 ? 1 : 0), 0);
      });
    expect(boneLeft(false).every((voxels) => voxels > 50)).toBe(true);
    const cut = boneLeft(true).filter((voxels) => voxels < 20).length;
    expect(cut).toBeGreaterThan(12);
    expect(cut).toBeLessThan(36);
  });

  it("at the edge of the volume stays on its side", () => {
    const whole = { ...background, zone: background.zone.map(() => BODY) };
    const placed = placedAt(randomStream(1, "test"), whole, "soft", alpha, [1, 40, 6], false)!;
    const [nx] = placed.patch.dims;
    placed.alpha.forEach((value, i) => {
      if (placed.patch.start[0] + (i % nx) < 0) expect(value).toBe(0);
    });
    expect(placed.label.some((value) => value === 1)).toBe(true);
  });
});

describe("HU", () => {
  const draws = (surroundings: { medianHu: number; softTissueHu?: number }, n = 6000): number[] => {
    const random = randomStream(5, "draws");
    return Array.from({ length: n }, () => drawHu(random, { noiseHu: 10, ...surroundings }));
  };
  const share = (values: readonly number[], test: (value: number) => boolean): number =>
    values.filter(test).length / values.length;

  it("in soft tissue: 38 % brighter; within 20 HU 40 %, within 70 HU 85 %, within 150 HU all", () => {
    const contrast = draws({ medianHu: 150, softTissueHu: 150 }).map((hu) => hu - 150);
    expect(Math.abs(share(contrast, (c) => c > 0) - 0.38)).toBeLessThan(0.02);
    for (const [within, part] of [
      [20, 0.4],
      [70, 0.85],
      [150, 1],
    ] as const)
      expect(Math.abs(share(contrast, (c) => Math.abs(c) < within) - part)).toBeLessThan(0.02);
  });

  it("in soft tissue is never darker than fluid", () => {
    for (const softTissueHu of [-20, 0, 40, 90])
      expect(Math.min(...draws({ medianHu: 30, softTissueHu }, 2000))).toBeGreaterThanOrEqual(-20 - 20);
    expect(Math.min(...draws({ medianHu: 40, softTissueHu: 40 }))).toBeGreaterThanOrEqual(-10);
  });

  it("in lung: 85 % solid around 20 HU, else ground glass", () => {
    const values = draws({ medianHu: -800, softTissueHu: 50 });
    expect(Math.abs(share(values, (hu) => hu < -200) - 0.15)).toBeLessThan(0.02);
    const solid = values.filter((hu) => hu > -200);
    expect(Math.abs(mean(solid) - 20)).toBeLessThan(3);
    expect(Math.abs(sdOf(solid) - 40)).toBeLessThan(2);
  });

  it("in fat: soft tissue", () => {
    const values = draws({ medianHu: -95 });
    expect(Math.abs(mean(values) - 40)).toBeLessThan(2);
    expect(Math.abs(sdOf(values) - 25)).toBeLessThan(1.5);
  });
});

describe("surroundings", () => {
  it("tell the noise of the CT beside an edge, and the tissue", () => {
    const dims: Vec3 = [60, 60, 3];
    const random = randomStream(2, "noise");
    const label = new Uint8Array(60 * 60 * 3);
    const hu = new Int16Array(label.length);
    for (let i = 0; i < hu.length; i++) {
      const [x, y] = [i % 60, Math.floor(i / 60) % 60];
      if ((x - 30) ** 2 + (y - 30) ** 2 < 14 ** 2) label[i] = 1;
      // A third of the ring is fat, and the lesion itself is of no account.
      hu[i] = Math.round((label[i] === 1 ? 900 : x < 22 ? -100 : 70) + 12 * random.normal());
    }
    const around = surroundingsOf({ start: [0, 0, 0], dims, hu, zone: new Uint8Array(hu.length).fill(BODY) }, label, 28, 1);
    expect(Math.abs(around.softTissueHu! - 70)).toBeLessThan(2);
    expect(around.medianHu).toBeGreaterThan(40);
    expect(around.noiseHu).toBeGreaterThan(9);
    expect(around.noiseHu).toBeLessThan(14);
  });

  it("of a lesion in the middle of the tiny CT are its soft tissue and its noise", () => {
    const background = tinyBackground();
    const alpha = alphaOf(ellipsoid([6, 6, 4], [0.75, 0.75, 3]), upright, ctGrid.spacingMm, 8);
    const { patch, label } = placedAt(randomStream(1, "test"), background, "soft", alpha, [50, 48, 6], true)!;
    const { medianHu, softTissueHu, noiseHu } = surroundingsOf(patch, label, 12, (patch.dims[2] - 1) / 2);
    expect(Math.abs(medianHu - 60)).toBeLessThan(4);
    expect(Math.abs(softTissueHu! - 60)).toBeLessThan(4);
    expect(Math.abs(noiseHu / NOISE_HU - 1)).toBeLessThan(0.35);
  });
});

describe("texture", () => {
  test.prop([fc.nat(10_000), fc.boolean()], { numRuns: 60 })("stays within what is declared around the mean", (seed, inLung) => {
    const { dims, spacingMm, data: label } = ellipsoid([12, 10, 4.5], [0.8, 0.8, 3]);
    const body = { dims, spacingMm, label, longMm: 20, covered: new Int16Array(label.length).fill(60) };
    const hu = lesionHu(randomStream(seed, "texture"), body, 40, 10, inLung);
    const inside = Array.from(hu).filter((_, i) => label[i] === 1);
    // Core and rim move the mean by up to 60 HU, fields by up to 16 and 10 HU (sd).
    expect(Math.abs(mean(inside) - 40)).toBeLessThan(70);
    expect(sdOf(inside)).toBeLessThan(60);
    expect(inside.every(Number.isFinite)).toBe(true);
  });

  it("varies slowly over the lesion in 70 %, has a core in 22 %, keeps the CT's grain in 40 % outside the lung", () => {
    const { dims, spacingMm, data: label } = ellipsoid([12, 10, 4.5], [0.8, 0.8, 3]);
    // In a CT without grain, and with none drawn, every voxel of a lesion without texture is the mean.
    const plain = { dims, spacingMm, label, longMm: 20, covered: new Int16Array(label.length).fill(60) };
    const spread = Array.from({ length: 400 }, (_, seed) =>
      sdOf(Array.from(lesionHu(randomStream(seed, "t"), plain, 40, 0.01, false))),
    );
    const untouched = spread.filter((sd) => sd < 0.1).length / 400;
    expect(Math.abs(untouched - 0.3 * 0.7 * 0.78 * 0.9)).toBeLessThan(0.06);
    const noisy = Array.from({ length: 400 }, (_, seed) => {
      const hu = lesionHu(randomStream(seed, "t"), plain, 40, 10, false);
      const steps = Array.from({ length: 40 }, (_, i) => hu[1000 + i] - hu[1001 + i]);
      return sdOf(steps);
    });
    // Neighbouring voxels differ by noise; without it by the fields alone, which are smooth.
    const still = noisy.filter((sd) => sd < 2.5).length / 400;
    expect(Math.abs(still - 0.4)).toBeLessThan(0.12);
  });
});
