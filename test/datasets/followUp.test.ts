import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLesionShapes } from "../../methods/datasets/lesionShapes.ts";
import { constructedCourse } from "../../methods/datasets/semiSynthetic/followUp.ts";
import type { Material } from "../../methods/datasets/semiSynthetic/material.ts";
import { maskVolumeMm3 } from "../../methods/metrics/volume.ts";
import { options, tinyBackground, writeShapeFolder } from "./implantMaterial.ts";

let root: string;
let material: Material;
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-follow-up-"));
  writeShapeFolder(root);
  material = { shapes: await openLesionShapes(root), backgrounds: [tinyBackground()] };
});
afterAll(() => rmSync(root, { recursive: true }));

const courseOptions = {
  ...options,
  lesions: 40,
  longAxisPx: [12, 20] as const,
  neighbours: 0,
  growth: [0.5, 2] as const,
  seed: 3,
};

describe("constructedCourse", () => {
  it("grows and shrinks volumes by the factors that it says", () => {
    const ratios: number[] = [];
    for (let index = 0; index < 16; index++) {
      const { cases } = constructedCourse(index, material, { ...courseOptions, followUps: 2, stable: 0 });
      expect(cases.map(({ id }) => id)).toEqual([0, 1, 2].map((k) => `course-${String(index).padStart(5, "0")}-${k}`));
      expect(cases.map(({ followUp }) => followUp!.day)).toEqual([0, 56, 112]);
      const [first, ...later] = cases.map((one) => maskVolumeMm3(one.reference!.data, one.reference!.spacingMm));
      for (const [k, volume] of later.entries()) ratios.push(volume / first / cases[k + 1].followUp!.constructedFactor!);
    }
    // voxels are large for lesions of 12 pixels: each ratio is off by some, their middle is not
    const sorted = ratios.sort((a, b) => a - b);
    expect(sorted[sorted.length / 2]).toBeGreaterThan(0.93);
    expect(sorted[sorted.length / 2]).toBeLessThan(1.07);
    expect(sorted[3]).toBeGreaterThan(0.7);
    expect(sorted.at(-4)!).toBeLessThan(1.4);
  });

  it("leaves stable lesions as they are, but for how they are cut into voxels", () => {
    for (let index = 0; index < 6; index++) {
      const { cases } = constructedCourse(index, material, { ...courseOptions, stable: 1 });
      const [first, second] = cases.map((one) => maskVolumeMm3(one.reference!.data, one.reference!.spacingMm));
      expect(cases[1].followUp!.constructedFactor).toBe(1);
      expect(second / first).toBeGreaterThan(0.75);
      expect(second / first).toBeLessThan(1.33);
    }
  });

  it("is a pure function of the seed and the lesion's number", () => {
    const [one, same] = [0, 0].map(() => constructedCourse(5, material, courseOptions));
    expect(same).toEqual(one);
    expect(constructedCourse(5, material, { ...courseOptions, seed: 4 })).not.toEqual(one);
  });

  it("keeps lesion, patient, side and category over time", () => {
    const { cases } = constructedCourse(2, material, { ...courseOptions, followUps: 3 });
    for (const key of ["patient", "officialSplit", "category"] as const)
      expect(new Set(cases.map((one) => one[key])).size).toBe(1);
    expect(new Set(cases.map(({ followUp }) => followUp!.lesion)).size).toBe(1);
  });
});
