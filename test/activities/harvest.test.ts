import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openLabels, readLabelShard } from "../../activities/labels.ts";
import { putModel } from "../../activities/models.ts";
import { labelsHarvest } from "../../activities/steps/labelsHarvest.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { preprocessingSchema } from "../../methods/networks/preprocess.ts";
import { networkSpecSchema } from "../../methods/networks/spec.ts";
import { initialWeights } from "../../methods/networks/weights.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { phantomDataset } from "./phantomDataset.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-harvest-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));

const lesions = [0, 1].map((index) => ({
  ...synthesizeLesion({ seed: 4, index, category: "abdomen", sliceMm: 5, longMm: [16, 24] }),
  split: "train" as const,
}));

const dataset = () => phantomDataset(store, lesions);

/** A network that has learned nothing. */
function model(): ReturnType<typeof putModel> {
  const spec = networkSpecSchema.parse({ network: "hnn", width: 0.0625, norm: "none" });
  const params = stepKinds["network.train"].params.parse({ width: 0.0625, crop: { size: 32 } });
  return putModel(
    store,
    { spec, preprocessing: preprocessingSchema.parse({ crop: { size: 32 } }), training: null, weights: initialWeights(spec, 1) },
    params,
  );
}

describe("labels.harvest", () => {
  test.each([0, 1, 3])("looks at every lesion's slices −k … k once, and counts those without a label: k = %i", async (k) => {
    const inputs = { lesions: { artifact: await dataset() }, model: { artifact: await model() } };
    const input = { params: stepKinds["labels.harvest"].params.parse({ k }), inputs };
    const context = { store, progress: () => undefined, backend: openBackend } as unknown as StepContext;
    const part = await labelsHarvest.run(context, { ...input, part: 0 });
    const { outputs } = await labelsHarvest.gather!(context, input, [part.outputs]);
    const { lines, meta } = await openLabels(store, outputs.labels);

    const unlabelled = Object.values(meta.unlabelled).reduce((sum, n) => sum + n, 0);
    expect(lines.length + unlabelled).toBe(lesions.length * (2 * k + 1));
    expect(new Set(lines.map(({ id, offset }) => `${id} ${offset}`)).size).toBe(lines.length);
    for (const { id, image, marks } of lesions) {
      const halfMm = lengthMm(marks.long, image.spacingMm) / 2;
      const within = Array.from({ length: 2 * k + 1 }, (_, i) => i - k).filter((tau) => {
        const z = marks.slice + tau;
        return z >= 0 && z < image.dims[2] && Math.abs(tau) * image.spacingMm[2] < halfMm;
      });
      const own = lines.filter((line) => line.id === id);
      // Where the marks reach, even a network that finds nothing leaves their own trimap.
      expect(own.map(({ offset }) => offset)).toEqual(within);
      for (const { z, offset } of own) expect(z).toBe(marks.slice + offset);
    }
    const counted = Object.values(meta.outcomes).flatMap((byOffset) => Object.entries(byOffset));
    for (let tau = -k; tau <= k; tau++) {
      const labelled = counted.reduce((sum, [offset, n]) => sum + (Number(offset) === tau ? n : 0), 0);
      const left = Object.entries(meta.unlabelled).reduce((sum, [why, n]) => sum + (why.startsWith(`τ = ${tau}:`) ? n : 0), 0);
      expect(labelled + left).toBe(lesions.length);
    }
    expect(meta.round).toBe(k);
  });

  test("labels slices beyond the marks' reach as background where asked to", async () => {
    const inputs = { lesions: { artifact: await dataset() }, model: { artifact: await model() } };
    const input = { params: stepKinds["labels.harvest"].params.parse({ k: 3, beyond: "background" }), inputs };
    const context = { store, progress: () => undefined, backend: openBackend } as unknown as StepContext;
    const part = await labelsHarvest.run(context, { ...input, part: 0 });
    const { outputs } = await labelsHarvest.gather!(context, input, [part.outputs]);
    const labels = await openLabels(store, outputs.labels);
    const maps = await readLabelShard(store, labels, 0);
    const isBeyond = ({ id, offset }: (typeof labels.lines)[number]): boolean => {
      const { image, marks } = lesions.find((lesion) => lesion.id === id)!;
      return Math.abs(offset) * image.spacingMm[2] >= lengthMm(marks.long, image.spacingMm) / 2;
    };
    const beyond = labels.lines.filter(isBeyond);
    expect(beyond.length).toBeGreaterThan(0);
    expect(new Set(beyond.map(({ outcome }) => outcome))).toEqual(new Set(["beyond the marks"]));
    for (const { id, z } of beyond) expect(maps.get(`${id}/${z}`)!.data.every((label) => label === 0)).toBe(true);
    for (const line of labels.lines) if (!isBeyond(line)) expect(line.outcome).not.toBe("beyond the marks");
  });

  test("labels every slice of the scan by one cut where asked to", async () => {
    const inputs = { lesions: { artifact: await dataset() }, model: { artifact: await model() } };
    const input = { params: stepKinds["labels.harvest"].params.parse({ k: 3, cut: "prior" }), inputs };
    const context = { store, progress: () => undefined, backend: openBackend } as unknown as StepContext;
    const part = await labelsHarvest.run(context, { ...input, part: 0 });
    const { outputs } = await labelsHarvest.gather!(context, input, [part.outputs]);
    const { lines } = await openLabels(store, outputs.labels);
    expect(new Set(lines.map(({ outcome }) => outcome))).toEqual(new Set(["prior-cut"]));
    for (const { id, image, marks } of lesions) {
      const inScan = [-3, -2, -1, 0, 1, 2, 3].filter((tau) => marks.slice + tau >= 0 && marks.slice + tau < image.dims[2]);
      expect(lines.filter((line) => line.id === id).map(({ offset }) => offset)).toEqual(inScan);
    }
  });
});
