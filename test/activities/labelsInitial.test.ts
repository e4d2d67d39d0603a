import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLabels, readLabelShard } from "../../activities/labels.ts";
import { labelsInitial } from "../../activities/steps/labelsInitial.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { phantomDataset } from "./phantomDataset.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-initial-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const context = { store, progress: () => undefined } as unknown as StepContext;

const lesions = [0, 1].map((index) => ({
  ...synthesizeLesion({ seed: 4, index, category: "abdomen", sliceMm: index === 0 ? 5 : 1, longMm: [16, 24] }),
  split: "train" as const,
}));
let dataset: Digest;
beforeAll(async () => {
  dataset = await phantomDataset(store, lesions);
});

async function labelled(params: object) {
  const input = { params: stepKinds["labels.initial"].params.parse(params), inputs: { lesions: { artifact: dataset } } };
  const part = await labelsInitial.run(context, { ...input, part: 0 });
  const { outputs } = await labelsInitial.gather!(context, input, [part.outputs]);
  const labels = await openLabels(store, outputs.labels);
  return { lines: labels.lines, maps: await readLabelShard(store, labels, 0) };
}

describe("labels.initial by method reference", () => {
  test("labels the RECIST slice, or the slices asked for, with the true mask", async () => {
    for (const [slices, offsets] of [
      ["key", [0]],
      [2, [-2, -1, 0, 1, 2]],
    ] as const) {
      const { lines, maps } = await labelled({ method: "reference", slices });
      for (const { id, marks, reference } of lesions) {
        expect(lines.filter((line) => line.id === id).map(({ offset }) => offset)).toEqual(offsets);
        for (const offset of offsets)
          expect(maps.get(`${id}/${marks.slice + offset}`)!.data).toEqual(sliceOf(reference!, marks.slice + offset).data);
      }
    }
  });

  test("labels all slices within 0.9 long diameters that the crop has, empty ones beyond the lesion among them", async () => {
    const { lines, maps } = await labelled({ method: "reference", slices: "all" });
    for (const { id, image, marks } of lesions) {
      const reachMm = 0.9 * lengthMm(marks.long, image.spacingMm);
      const expected = Array.from({ length: image.dims[2] }, (_, z) => z).filter(
        (z) => Math.abs(z - marks.slice) * image.spacingMm[2] <= reachMm,
      );
      const own = lines.filter((line) => line.id === id).map(({ z }) => z);
      expect(own).toEqual(expected);
      expect(own.some((z) => maps.get(`${id}/${z}`)!.data.every((label) => label === 0))).toBe(true);
    }
  });

  test("other methods than reference and the cut over the volume label the RECIST slice only", () => {
    const { params } = stepKinds["labels.initial"];
    expect(params.safeParse({ method: "ellipse", slices: "all" }).success).toBe(false);
    expect(params.safeParse({ method: "grabcut-prior-3d", slices: "all" }).success).toBe(true);
  });
});

describe("network.train", () => {
  const { params } = stepKinds["network.train"];

  test("changes marks and windows, and samples by lesion, only where inputs are drawn from the image", () => {
    const crop = { size: 64 };
    expect(
      params.safeParse({ crop, augment: { from: "image", marks: { length: 0.2 } }, sampling: { per: "lesion" } }).success,
    ).toBe(true);
    for (const wrong of [
      { crop, augment: { marks: { length: 0.2 } } },
      { crop, augment: { window: 0.1 } },
      { crop, sampling: { per: "lesion" } },
      { augment: { from: "image" } },
    ])
      expect(params.safeParse(wrong).success).toBe(false);
  });
});
