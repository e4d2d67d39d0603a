import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { type LesionShapes, openLesionShapes } from "../../methods/datasets/lesionShapes.ts";
import { BODY, FORBIDDEN, OUTSIDE } from "../../methods/datasets/semiSynthetic/background.ts";
import { drawPose } from "../../methods/datasets/semiSynthetic/pose.ts";
import { chooseShapes } from "../../methods/datasets/semiSynthetic/shapeChoice.ts";
import { implantLesion, openSemiSynthetic } from "../../methods/datasets/semiSynthetic.ts";
import { marksOfMask } from "../../methods/datasets/simulatedMarks.ts";
import { components } from "../../methods/imaging/components.ts";
import { cropVolume } from "../../methods/imaging/crop.ts";
import { distanceTo } from "../../methods/imaging/distanceTransform.ts";
import type { Mask, Vec3 } from "../../methods/imaging/volume.ts";
import { rangeOfMask } from "../../methods/imaging/voxelRange.ts";
import { centreOf, endPoints, lengthMm, type RecistMarks } from "../../methods/labels/recist.ts";
import { randomStream } from "../../methods/random.ts";
import { options, shapeRows, tinyBackground, writeBackgroundFolder, writeShapeFolder } from "./implantMaterial.ts";

let root: string;
let folders: { shapes: string; backgrounds: string };
let shapes: LesionShapes;
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-implant-"));
  folders = { shapes: path.join(root, "s"), backgrounds: path.join(root, "b") };
  writeShapeFolder(folders.shapes);
  writeBackgroundFolder(folders.backgrounds);
  shapes = await openLesionShapes(folders.shapes);
});
afterAll(() => rmSync(root, { recursive: true }));

const background = tinyBackground();
const implanted = (index: number, more: Partial<typeof options> = {}): LesionCase =>
  implantLesion(index, { shapes, backgrounds: [background] }, { ...options, ...more });

/** The background where the lesion's crop was taken. */
const under = ({ image, source }: LesionCase) => {
  const end = image.dims.map((n, axis) => n + source.origin[axis]) as unknown as Vec3;
  return {
    hu: cropVolume({ ...background, data: background.hu }, source.origin, end).data,
    zone: cropVolume({ ...background, data: background.zone }, source.origin, end).data,
  };
};
const changed = (lesion: LesionCase): Uint8Array => {
  const { hu } = under(lesion);
  return Uint8Array.from(lesion.image.data, (value, i) => (value === hu[i] ? 0 : 1));
};

describe("an implanted lesion", () => {
  it("is the same bytes whatever was made before it", () => {
    const first = implanted(5);
    implanted(2);
    const again = implanted(5);
    expect(Buffer.from(again.image.data.buffer)).toEqual(Buffer.from(first.image.data.buffer));
    expect(again).toEqual(first);
    expect(implanted(5, { seed: 4 }).marks).not.toEqual(first.marks);
  });

  it("is stretched along z as far as it is asked to be", () => {
    const depths = (depthScale: [number, number]): number[] =>
      Array.from({ length: 8 }, (_, index) => {
        const { image, reference } = implanted(index, { depthScale });
        const { start, end } = rangeOfMask((reference as Mask).data, image.dims)!;
        return end[2] - start[2];
      });
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const [flat, natural, deep] = [depths([0.5, 0.5]), depths([1, 1]), depths([2, 2])].map(sum);
    expect(flat / natural).toBeLessThan(0.75);
    expect(deep / natural).toBeGreaterThan(1.4);
  });

  test.prop([fc.double({ min: 0.2, max: 2, noNaN: true }), fc.double({ min: 1, max: 2.5, noNaN: true }), fc.integer()])(
    "takes its stretch along z from the range, and nothing else of its pose",
    (flattest, ratio, seed) => {
      const pose = (depthScale?: [number, number]) =>
        drawPose(randomStream(seed, "pose"), 30, 20, [1, 1, 5], { lesions: 1, seed: 1, depthScale });
      const [usual, stretched] = [pose(), pose([flattest, flattest * ratio])];
      const depth = stretched.scale[2] / (20 / 30);
      expect(depth).toBeGreaterThanOrEqual(flattest * (1 - 1e-12));
      expect(depth).toBeLessThanOrEqual(flattest * ratio * (1 + 1e-12));
      expect({ ...stretched, scale: [...stretched.scale.slice(0, 2), usual.scale[2]] }).toEqual({
        ...usual,
        scale: [...usual.scale],
      });
    },
  );

  it("is the same lesion whatever is kept around it", () => {
    for (const index of [1, 4, 7]) {
      const near = implanted(index);
      const far = implanted(index, { reach: { inSlice: 1.6, acrossSlices: 1.5 } });
      const shift = near.source.origin.map((at, axis) => at - far.source.origin[axis]) as unknown as Vec3;
      const end = shift.map((s, axis) => s + near.image.dims[axis]) as unknown as Vec3;
      expect(cropVolume(far.image, shift, end).data).toEqual(near.image.data);
      expect(cropVolume(far.reference!, shift, end).data).toEqual(near.reference!.data);
      expect(far.window).toEqual(near.window);
      expect(centreOf(far.marks)[0]).toBeCloseTo(centreOf(near.marks)[0] + shift[0], 9);
      const size = background.dims.map((n, axis) => Math.min(n, far.image.dims[axis]));
      expect(far.image.dims).toEqual(size);
      const halfPx = 1.6 * lengthMm(far.marks.long, [1, 1, 1]);
      const [x, y] = centreOf(far.marks);
      const [left, top] = [far.source.origin[0] + x - halfPx, far.source.origin[1] + y - halfPx];
      expect(far.source.origin[0]).toBeLessThanOrEqual(Math.max(0, left));
      expect(far.source.origin[1]).toBeLessThanOrEqual(Math.max(0, top));
    }
  });

  test.prop([fc.nat(23), fc.nat(1000), fc.boolean()], { numRuns: 25 })(
    "keeps the contract of a lesion case, for every seed and index",
    (index, seed, cutBoneAndAir) => {
      const lesion = implanted(index, { seed, cutBoneAndAir });
      const { image, marks } = lesion;
      const reference = lesion.reference as Mask;
      expect(reference.dims).toEqual(image.dims);
      expect(reference.affine).toEqual(image.affine);
      expect(image.spacingMm).toEqual(background.spacingMm);
      expect(new Set(reference.data)).toEqual(new Set([0, 1]));
      expect(components(reference.data, reference.dims, 26).sizes).toHaveLength(1);
      // Without noise, what a reader with a ruler measures in the crop's mask.
      const measured = marksOfMask(reference) as RecistMarks;
      expect(measured.slice).toBe(marks.slice);
      endPoints(measured).forEach((point, i) => {
        for (const axis of [0, 1] as const) expect(point[axis]).toBeCloseTo(endPoints(marks)[i][axis], 9);
      });
      const longPx = lengthMm(marks.long, [1, 1, 1]);
      expect(longPx).toBeGreaterThanOrEqual(10);
      expect(longPx).toBeLessThanOrEqual(22);
      // The square of twice the long axis, but for the volume's ends.
      const [x, y] = centreOf(marks);
      const [ox, oy] = lesion.source.origin;
      expect(x - longPx <= 0 || ox === 0 || x - longPx < 3).toBe(true);
      expect(image.dims[0] - 1 - x >= longPx || ox + image.dims[0] === background.dims[0]).toBe(true);
      expect(image.dims[1] - 1 - y >= longPx || oy + image.dims[1] === background.dims[1]).toBe(true);
    },
  );

  test.prop([fc.nat(23), fc.nat(1000)], { numRuns: 25 })(
    "changes nothing outside the body, where it is forbidden, or away from itself",
    (index, seed) => {
      const lesion = implanted(index, { seed, neighbours: 0 });
      const { zone } = under(lesion);
      const touched = changed(lesion);
      const reference = lesion.reference as Mask;
      // In pixels: three of the scanner's blur (1.1 px, to 3 sd) and the soft edge; slices are as far as they like.
      const away = distanceTo(reference.data, reference.dims, [1, 1, 2]);
      for (let i = 0; i < touched.length; i++) {
        if (touched[i] === 0 && reference.data[i] === 0) continue;
        if (zone[i] !== BODY || away[i] >= 9)
          expect.fail(`voxel ${i} in zone ${zone[i]}, ${away[i]} from the lesion, is changed`);
      }
      expect(touched.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(40);
    },
  );

  it("has an unmarked neighbour in some, which changes the image beside the lesion and nothing else", () => {
    const lesions = Array.from({ length: 24 }, (_, index) => implanted(index, { neighbours: 1 }));
    let beside = 0;
    for (const lesion of lesions) {
      const { zone } = under(lesion);
      const touched = changed(lesion);
      const reference = lesion.reference as Mask;
      const away = distanceTo(reference.data, reference.dims, [1, 1, 2]);
      expect(touched.every((value, i) => value === 0 || zone[i] === BODY)).toBe(true);
      if (touched.some((value, i) => value === 1 && away[i] >= 9)) beside++;
    }
    expect(beside).toBeGreaterThan(6);
    expect(beside).toBeLessThanOrEqual(24);
  });

  it("noise of the marks moves the marks, not the lesion", () => {
    const [exact, noisy] = [implanted(1), implanted(1, { markNoise: 0.2 })];
    expect(noisy.marks).not.toEqual(exact.marks);
    const ratio = lengthMm(noisy.marks.long, [1, 1, 1]) / lengthMm(exact.marks.long, [1, 1, 1]);
    expect(Math.abs(ratio - 1)).toBeLessThanOrEqual(0.2);
    const voxels = ({ reference }: LesionCase) => reference?.data.reduce((sum, value) => sum + value, 0);
    expect(voxels(noisy)).toBe(voxels(exact));
  });

  it("in lung is of the category lung and seen in the lung window; elsewhere it has its set's category", () => {
    const lesions = Array.from({ length: 24 }, (_, index) => implanted(index, { seed: 8 }));
    const lung = lesions.filter(({ category }) => category === "lung");
    expect(lung.length).toBeGreaterThan(1);
    const others = lesions.filter(({ category }) => category !== "lung");
    for (const { category, source } of others)
      expect(category).toBe(source.series.includes("LiTS") ? "liver" : source.series.includes("NIH") ? "abdomen" : "soft-tissue");
    expect(new Set(others.map(({ window }) => window.low))).toContain(-160);
  });
});

describe("the split", () => {
  test.prop([fc.nat(50), fc.nat(50), fc.double({ min: 0.2, max: 0.6, noNaN: true })])(
    "never has a patient on both sides, of one data set or of two with other seeds",
    async (a, b, testFraction) => {
      const of = async (seed: number) =>
        (await openSemiSynthetic(folders, { ...options, lesions: 60, seed, testFraction })).entries;
      const entries = [...(await of(a)), ...(await of(b))];
      const sides = new Map<string, Set<string | undefined>>();
      for (const { patient, officialSplit } of entries) sides.set(patient, (sides.get(patient) ?? new Set()).add(officialSplit));
      expect([...sides.values()].every((side) => side.size === 1)).toBe(true);
    },
  );

  it("gives every run of lesions its share of testing", async () => {
    const { entries } = await openSemiSynthetic(folders, { ...options, lesions: 400, testFraction: 0.25 });
    for (const from of [0, 100, 200, 300]) {
      const tested = entries.slice(from, from + 100).filter(({ officialSplit }) => officialSplit === "test").length;
      expect(Math.abs(tested - 25)).toBeLessThanOrEqual(1);
    }
    const all = await openSemiSynthetic(folders, { ...options, testFraction: 0 });
    expect(all.entries.every(({ officialSplit }) => officialSplit === "train")).toBe(true);
  });

  it("does not depend on how many lesions there are", async () => {
    const [few, many] = await Promise.all([6, 24].map((lesions) => openSemiSynthetic(folders, { ...options, lesions })));
    expect(many.entries.slice(0, 6)).toEqual(few.entries);
    expect(await few.load(4)).toEqual(await many.load(4));
  });
});

describe("the choice of shapes", () => {
  it("never takes what is excluded, unweighted or too small", () => {
    const tiny = { ...shapes.entries[0], name: "liver_900_lesion_01_sample_0", patient: "liver_900", voxels: 199 };
    const flat = { ...shapes.entries[0], name: "liver_901_lesion_01_sample_0", patient: "liver_901", dims: [9, 9, 3] as const };
    const entries = [...shapes.entries, tiny, flat];
    const choice = chooseShapes(entries, { sets: { LiTS: 1, "LIDC-IDRI": 2 }, exclude: ["liver_100_"], testFraction: 0 });
    const uses = shapeRows.filter(({ set, name }) => set !== "NIH_LN_ABD" && !name.startsWith("liver_100_"));
    expect(choice.usable).toBe(uses.length);
    let draws = 0;
    const random = { integer: (n: number) => draws++ % n, uniform: () => (draws * 0.6180339887498949) % 1 };
    const names = new Set(Array.from({ length: 400 }, () => entries[choice.draw("train", random as never)].name));
    expect([...names].every((name) => uses.some((use) => use.name === name))).toBe(true);
  });

  it("says when a side has no shape left", () => {
    expect(() => chooseShapes(shapes.entries, { sets: { kits21: 1 }, exclude: [], testFraction: 0.2 })).toThrow(
      /no shape is left/,
    );
  });
});

describe("openSemiSynthetic", () => {
  it("names every file that it reads by the folder that it lies in", async () => {
    const { entries } = await openSemiSynthetic(folders, options);
    expect(entries).toHaveLength(24);
    expect(entries[0].files).toEqual([
      "shapes/masks_tight_index.json",
      "shapes/masks_tight_packbits_zyx.bin.gz",
      "backgrounds/tiny/CT_image.nii.gz",
      "backgrounds/tiny/mask_GTV-1.nii.gz",
    ]);
  });

  it("reads from files what it makes of the CT in memory", async () => {
    const source = await openSemiSynthetic(folders, options);
    expect(await source.load(7)).toEqual(implanted(7));
  });

  it.each([
    [{ lesions: 0 }, /0 lesions/],
    [{ testFraction: 1.2 }, /testFraction is 1.2/],
    [{ neighbours: -1 }, /neighbours is -1/],
    [{ markNoise: 1 }, /markNoise is 1/],
    [{ longAxisPx: [30, 20] as const }, /longAxisPx is 30 to 20/],
    [{ depthScale: [0.1, 2] as const }, /depthScale is 0.1 to 2/],
    [{ depthScale: [2, 1] as const }, /depthScale is 2 to 1/],
  ])("refuses %o", async (more, message) => {
    await expect(openSemiSynthetic(folders, { ...options, ...more })).rejects.toThrow(message);
  });

  it("says which shape found no place", () => {
    const nowhere = { ...background, zone: background.zone.map((zone) => (zone === BODY ? FORBIDDEN : OUTSIDE)) };
    expect(() => implantLesion(0, { shapes, backgrounds: [nowhere] }, options)).toThrow(/no place was found for .*_lesion_0/);
  });
});
