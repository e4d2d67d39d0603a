import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enhancedRoi, gatherEnhanced, openEnhanced, putEnhancedPart, readEnhancedSlice } from "../../activities/enhanced.ts";
import { openLabels, readLabelShard } from "../../activities/labels.ts";
import { openPredictions } from "../../activities/predictions.ts";
import { enhancementApply } from "../../activities/steps/enhancementApply.ts";
import { labelsInitial } from "../../activities/steps/labelsInitial.ts";
import { segmentationClassical } from "../../activities/steps/segmentationClassical.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { type Slice, sliceOf } from "../../methods/imaging/volume.ts";
import { bicubicallyEnhanced } from "../../methods/labels/enhancedSlice.ts";
import { initialMask, pictureOfRoi } from "../../methods/labels/initial.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { roiOfMarks } from "../../methods/labels/trimap.ts";
import { zoomOf, zoomOfDiameter } from "../../methods/labels/zoom.ts";
import { lesionSchema } from "../../schemas/dataset.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { phantomDataset } from "./phantomDataset.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-enhanced-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const context = { store, progress: () => undefined } as unknown as StepContext;
/** Half a step of 16 bits. */
const EXACT = 0.5 / 65535 + 1e-7;

const lesions = [0, 1, 2].map((index) => ({
  ...synthesizeLesion({ seed: 5, index, category: "liver", sliceMm: 5, longMm: [10, 30] }),
  split: "train" as const,
}));
let dataset: Digest;
beforeAll(async () => {
  dataset = await phantomDataset(store, lesions.slice(0, 2), lesions.slice(2));
});

/** A sharded step over both shards. */
async function applied(params: object): Promise<Digest> {
  const input = { params: stepKinds["enhancement.apply"].params.parse(params), inputs: { lesions: { artifact: dataset } } };
  const parts = [];
  for (const part of [0, 1]) parts.push((await enhancementApply.run(context, { ...input, part })).outputs);
  return (await enhancementApply.gather!(context, input, parts)).outputs.enhanced;
}

function expectPicture(found: Slice, expected: Slice): void {
  expect([found.width, found.height]).toEqual([expected.width, expected.height]);
  found.data.forEach((grey, p) => {
    expect(Math.abs(grey - expected.data[p])).toBeLessThan(EXACT);
  });
}

describe("enhancement.apply", () => {
  test("by bicubic interpolation enlarges the ROI of the marks on every slice asked for, and keeps it exactly", async () => {
    const enhanced = await openEnhanced(store, await applied({ method: "bicubic", slices: 1 }));
    expect(enhanced.meta).toEqual({ method: "bicubic", lesions: 3 });
    for (const { id, image, marks, window } of lesions) {
      const box = roiOfMarks(marks, image.dims[0], image.dims[1]);
      const zoom = zoomOf({ width: box.x1 - box.x0, height: box.y1 - box.y0 }, "auto");
      for (const z of [marks.slice - 1, marks.slice, marks.slice + 1]) {
        const found = await readEnhancedSlice(store, enhanced, { id, window }, z);
        expect(found).toMatchObject({ zoom, box });
        expect(found.pictures.denoised).toBeUndefined();
        const expected = bicubicallyEnhanced(pictureOfRoi(sliceOf(image, z), marks, window), zoom);
        expectPicture(found.pictures.original, expected);
        expectPicture(found.pictures.enhanced, expected);
      }
    }
  });

  test("brings the long diameter to the pixels asked for, with a zoom between 2 and 5", async () => {
    for (const longAxisPx of [20, 60, 200]) {
      const { lines } = await openEnhanced(store, await applied({ method: "bicubic", zoom: { longAxisPx } }));
      for (const { id, marks } of lesions) {
        const lengthPx = lengthMm(marks.long, [1, 1, 1]);
        const { zoom } = lines.get(id)!;
        expect(zoom).toBe(zoomOfDiameter(lengthPx, longAxisPx));
        if (zoom > 2 && zoom < 5) expect(zoom * lengthPx).toBeCloseTo(longAxisPx, 9);
      }
    }
    expect([1, 8, 12, 31, 32, 60].map((lengthPx) => zoomOfDiameter(lengthPx, 60))).toEqual([5, 5, 5, 2, 2, 2]);
  });

  test("gives the same artifact for the same inputs", async () => {
    expect(await applied({ method: "bicubic" })).toBe(await applied({ method: "bicubic" }));
  });
});

describe("GrabCut-R-SR with an input of enhanced slices", () => {
  const params = { method: "grabcut-r-sr" };
  const inputs = (enhanced: Digest) => ({ lesions: { artifact: dataset }, enhanced: { artifact: enhanced } });

  async function labelled(enhanced: Digest) {
    const input = { params: stepKinds["labels.initial"].params.parse(params), inputs: inputs(enhanced) };
    const parts = [];
    for (const part of [0, 1]) parts.push((await labelsInitial.run(context, { ...input, part })).outputs);
    return openLabels(store, (await labelsInitial.gather!(context, input, parts)).outputs.labels);
  }

  /** The ROI through a made-up enhancer that inverts, so that its masks cannot be those of the slice itself. */
  async function inverted(change: (line: { zoom: number }) => object = () => ({})): Promise<Digest> {
    const parts = [];
    for (const shard of [lesions.slice(0, 2), lesions.slice(2)]) {
      const made = shard.map(({ id, image, marks, window }) => {
        const original = bicubicallyEnhanced(pictureOfRoi(sliceOf(image, marks.slice), marks, window), 3);
        const enhanced = { ...original, data: original.data.map((grey) => Math.sqrt(1 - grey)) };
        const box = roiOfMarks(marks, image.dims[0], image.dims[1]);
        const line = { id, zoom: 3, box, window, slices: [marks.slice], pictures: [{ original, denoised: original, enhanced }] };
        return { ...line, ...change(line) };
      });
      parts.push({ part: await putEnhancedPart(store, made) });
    }
    return (await gatherEnhanced(store, parts, { method: "sgan" })).outputs.enhanced;
  }

  test("cuts on these pictures, and says by which method they were made", async () => {
    const labels = await labelled(await inverted());
    expect(labels.meta.method).toBe("grabcut-r-sr (sgan)");
    const maps = new Map([...(await readLabelShard(store, labels, 0)), ...(await readLabelShard(store, labels, 1))]);
    for (const { id, image, marks, window } of lesions) {
      const picture = bicubicallyEnhanced(pictureOfRoi(sliceOf(image, marks.slice), marks, window), 3);
      const levels = picture.data.map((grey) => Math.round(Math.sqrt(1 - grey) * 65535) / 65535);
      const expected = initialMask("grabcut-r-sr", sliceOf(image, marks.slice), marks, window, {
        enhanced: { ...picture, data: levels },
      });
      expect(maps.get(`${id}/${marks.slice}`)!.data).toEqual(expected.labels.data);
      expect(labels.lines.find((line) => line.id === id)!.outcome).toBe("grabcut on enhanced");
    }
  });

  test("calls bicubic pictures bicubic, in labels and in predictions", async () => {
    const bicubic = await applied({ method: "bicubic" });
    const labels = await labelled(bicubic);
    expect(labels.meta.method).toBe("grabcut-r-sr (bicubic)");
    expect(new Set(labels.lines.map(({ outcome }) => outcome))).toEqual(new Set(["grabcut on bicubic"]));
    const input = { params: stepKinds["segmentation.classical"].params.parse(params), inputs: inputs(bicubic) };
    const parts = [];
    for (const part of [0, 1]) parts.push((await segmentationClassical.run(context, { ...input, part })).outputs);
    const { outputs } = await segmentationClassical.gather!(context, input, parts);
    const { meta, lines } = await openPredictions(store, outputs.predictions);
    expect(meta).toMatchObject({ method: "grabcut-r-sr (bicubic)", dimension: "2D", lesions: 3 });
    for (const { outcomes } of lines.values()) expect(outcomes).toEqual({ "grabcut on bicubic": 1 });
  });

  test("refuses pictures of other lesions, slices, windows and places, each with what is wrong", async () => {
    const [{ id, image, marks, window }] = lesions;
    const lesion = lesionSchema.parse(
      (await readFile(store, await getManifest(store, dataset), "lesions.jsonl"))
        .toString()
        .split("\n")
        .map((line) => line && JSON.parse(line))[0],
    );
    const opened = await openEnhanced(store, await applied({ method: "bicubic" }));
    const read = (of: { id: string; window: typeof window }, z: number) => readEnhancedSlice(store, opened, of, z);
    await expect(read({ id: "nobody", window }, marks.slice)).rejects.toThrow("hold no picture of lesion nobody");
    await expect(read({ id, window }, marks.slice + 1)).rejects.toThrow(`not ${marks.slice + 1}`);
    await expect(read({ id, window: { low: -1, high: 1 } }, marks.slice)).rejects.toThrow("from -1 to 1 HU");
    const elsewhere = await inverted(() => ({ box: { x0: 0, y0: 0, x1: 4, y1: 4 } }));
    await expect(enhancedRoi(store, { enhanced: { artifact: elsewhere } }, lesion, image)).rejects.toThrow(
      `does not show the ROI of lesion ${id}`,
    );
  });
});
