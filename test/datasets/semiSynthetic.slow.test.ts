import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { openSemiSynthetic } from "../../methods/datasets/semiSynthetic.ts";
import { distanceTo } from "../../methods/imaging/distanceTransform.ts";
import { type Mask, sliceOf, type Volume } from "../../methods/imaging/volume.ts";
import { lengthMm, type RecistMarks } from "../../methods/labels/recist.ts";
import { segmentVolume, type VolumeMethod } from "../../methods/labels/volume.ts";
import { deepLesions, dice, lesionsWithMasks, sharedData } from "../labels/sharedData.ts";

const folders = { shapes: join(sharedData, "lesion-shapes"), backgrounds: join(sharedData, "ct-background") };
const here = existsSync(folders.shapes) && existsSync(folders.backgrounds) && existsSync(join(sharedData, "ct-with-masks"));

/** Mean Dice of the methods without learning on the 14 real lesions with masks; in 2D on the RECIST slice. */
const onRealLesions = { ellipse: 0.911, "grabcut-r": 0.82, ellipsoid: 0.714, "grabcut-3de": 0.651 } as const;
const flat: readonly VolumeMethod[] = ["ellipse", "grabcut-r"];

async function implanted(lesions: number, seed: number): Promise<LesionCase[]> {
  const source = await openSemiSynthetic(folders, { lesions, seed });
  const cases: LesionCase[] = [];
  for (let index = 0; index < lesions; index++) cases.push(await source.load(index));
  return cases;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];
const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

interface Appearance {
  /** Median HU well inside the lesion, on the RECIST slice. */
  readonly hu: number;
  /** 1.48 × the median absolute difference of pixels two apart, inside, over the same in the ring around it. */
  readonly noiseRatio: number;
  /** Standard deviation inside of means of 5 × 5 pixels: what varies slowly. */
  readonly patchesHu: number;
}

function appearance(image: Volume, truth: Mask, marks: RecistMarks): Appearance {
  const hu = sliceOf(image, marks.slice);
  const section = sliceOf(truth, marks.slice);
  const dims = [section.width, section.height, 1] as const;
  const depth = distanceTo(
    section.data.map((v) => 1 - v),
    dims,
    [1, 1, 1],
  );
  const away = distanceTo(section.data, dims, [1, 1, 1]);
  const longPx = lengthMm(marks.long, [1, 1, 1]);
  const inside = (p: number): boolean => depth[p] >= 3.5;
  const around = (p: number): boolean => away[p] >= 2 && away[p] <= Math.max(4, 0.15 * longPx);
  const rough = (where: (p: number) => boolean): number => {
    const steps: number[] = [];
    for (let p = 0; p + 2 < hu.data.length; p++) {
      if ((p % section.width) + 2 < section.width && where(p) && where(p + 2)) steps.push(Math.abs(hu.data[p + 2] - hu.data[p]));
    }
    return 1.48 * median(steps);
  };
  const means: number[] = [];
  const values: number[] = [];
  for (let p = 0; p < hu.data.length; p++) {
    if (!inside(p)) continue;
    values.push(hu.data[p]);
    let sum = 0;
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) sum += hu.data[p + dy * section.width + dx];
    means.push(sum / 25);
  }
  const middle = mean(means);
  return {
    hu: median(values),
    noiseRatio: rough(inside) / Math.max(rough(around), 1),
    patchesHu: Math.sqrt(mean(means.map((v) => (v - middle) ** 2))),
  };
}

describe.skipIf(!here)("semi-synthetic lesions beside the 14 real ones (needs ../shared/data)", () => {
  it("are as hard for the methods without learning: mean Dice within .06", { timeout: 600_000 }, async () => {
    const cases = await implanted(60, 7);
    for (const [method, real] of Object.entries(onRealLesions) as [VolumeMethod, number][]) {
      const scores = cases.map(({ image, reference, marks, window }) => {
        const { mask } = segmentVolume(method, image, marks, window);
        const [found, truth] = [mask, reference as Mask].map(
          (of) => (flat.includes(method) ? sliceOf(of, marks.slice) : of).data,
        );
        return dice(found, truth);
      });
      expect(Math.abs(mean(scores) - real), `${method}: ${mean(scores)}`).toBeLessThan(0.06);
    }
  });

  it("outside the lung look like them: HU, noise beside that of the surroundings, slow variation", {
    timeout: 600_000,
  }, async () => {
    const real = [...lesionsWithMasks(), ...deepLesions()]
      .filter(({ window }) => window.low === -160)
      .map(({ image, truth, marks }) => appearance(image, truth, marks));
    const made = (await implanted(150, 11))
      .filter(({ window, marks }) => window.low === -160 && lengthMm(marks.short, [1, 1, 1]) > 15)
      .map(({ image, reference, marks }) => appearance(image, reference as Mask, marks));
    expect(made.length).toBeGreaterThan(40);
    const medians = (of: readonly Appearance[]) => ({
      hu: median(of.map(({ hu }) => hu)),
      noiseRatio: median(of.map(({ noiseRatio }) => noiseRatio)),
      patchesHu: median(of.map(({ patchesHu }) => patchesHu)),
    });
    const [a, b] = [medians(real), medians(made)];
    expect(Math.abs(a.hu - b.hu), JSON.stringify([a, b])).toBeLessThan(25);
    expect(Math.abs(Math.log(a.noiseRatio / b.noiseRatio)), JSON.stringify([a, b])).toBeLessThan(Math.log(1.5));
    expect(Math.abs(Math.log(a.patchesHu / b.patchesHu)), JSON.stringify([a, b])).toBeLessThan(Math.log(2));
  });

  it("never come from shapes that are excluded", async () => {
    const exclude = ["lidcidri_1", "00"];
    const { entries } = await openSemiSynthetic(folders, { lesions: 500, seed: 1, exclude });
    expect(entries.some(({ patient }) => /^(lidcidri_1|00)/.test(patient))).toBe(false);
    const { entries: all } = await openSemiSynthetic(folders, { lesions: 500, seed: 1 });
    expect(all.some(({ patient }) => /^(lidcidri_1|00)/.test(patient))).toBe(true);
  });
});
