import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset, putDataset, putShard, readLesions } from "../../activities/datasets.ts";
import {
  gatherPredictions,
  openPredictions,
  putPredictionPart,
  readPredictedMask,
  readProbabilities,
} from "../../activities/predictions.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext, StepResult } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { Category, LesionCase } from "../../methods/datasets/lesionCase.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import type { Action } from "../../schemas/messages.ts";

let folder: string;
let store: Store;
let lesions: Digest;

const DIMS: Vec3 = [6, 5, 3];
/** Seven patients with 1 to 3 lesions, 14 in all; lesion n has n HU everywhere, and a reference mask where n is even. */
const PATIENTS = [1, 2, 3, 1, 2, 3, 2].flatMap((count, p) => Array.from({ length: count }, () => `p${p}`));
const CATEGORIES: readonly Category[] = ["liver", "lung", "bone"];
function lesionCase(n: number): LesionCase & { split: "train" | "test" } {
  const spacingMm: Vec3 = [1, 1, 5];
  const grid = { dims: DIMS, spacingMm, affine: scalingAffine(spacingMm) };
  const volume = DIMS[0] * DIMS[1] * DIMS[2];
  return {
    id: `lesion-${n}`,
    patient: PATIENTS[n],
    category: CATEGORIES[n % 3],
    split: n < 9 ? "train" : "test",
    marks: {
      slice: 1,
      long: [
        [0, 2],
        [n / 4 + 1, 2],
      ],
      short: [
        [0.5, 1.5],
        [0.5, 2.5],
      ],
    },
    window: { low: -160, high: 240 },
    image: { ...grid, data: new Int16Array(volume).fill(n) },
    ...(n % 2 === 0 ? { reference: { ...grid, data: new Uint8Array(volume).fill(1) } } : {}),
    source: { series: "s", origin: [0, 0, 0] },
    notes: [],
  };
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-selection-"));
  store = openFileStore(folder);
  const parts = [];
  for (const shard of [0, 1, 2]) {
    const cases = PATIENTS.map((_, n) => n)
      .filter((n) => Math.floor(n / 5) === shard)
      .map(lesionCase);
    const manifest = await getManifest(store, await putShard(store, shard, cases));
    const bytes = await store.getBlob(manifest.blobs.find((blob) => blob.path === "lesions.jsonl")!.digest as Digest);
    parts.push({
      manifest,
      lesions: bytes
        .toString("utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    });
  }
  const meta = { name: "tiny", split: "all", origin: "synthetic", skipped: { "image file is absent": 2 } } as const;
  lesions = await putDataset(store, parts, meta, () => true);
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(kind: string, params: Action["params"], inputs: Record<string, Digest>): Promise<StepResult> {
  const refs = Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }]));
  return bodyOf(kind).run({ store, progress: () => {} } as unknown as StepContext, parseInput({ kind, params, inputs: refs }));
}
const idsOf = async (dataset: Digest) => (await openDataset(store, dataset)).lesions.map(({ id }) => id);
const images = (manifest: Awaited<ReturnType<typeof getManifest>>) =>
  manifest.blobs.filter((blob) => blob.path.endsWith(".safetensors")).map((blob) => blob.digest);

/** Every lesion of a dataset with its own image, so that lines and tensors belong together. */
async function checkImages(dataset: Digest): Promise<void> {
  for await (const { lesion, image, reference } of readLesions(store, await openDataset(store, dataset))) {
    const n = Number(lesion.id.slice("lesion-".length));
    expect(new Set(image.data)).toEqual(new Set([n]));
    expect(reference !== undefined).toBe(n % 2 === 0);
  }
}

describe("dataset.fold", () => {
  it("tests every lesion in exactly one of the folds, and never a patient that it trains on", async () => {
    const all = await idsOf(lesions);
    const tested: string[] = [];
    for (let fold = 0; fold < 5; fold++) {
      const { outputs } = await run("dataset.fold", { folds: 5, fold, seed: 3 }, { lesions });
      const [train, test] = [await openDataset(store, outputs.train), await openDataset(store, outputs.test)];
      expect([...train.lesions, ...test.lesions].map(({ id }) => id).sort()).toEqual([...all].sort());
      const patients = new Set(train.lesions.map(({ patient }) => patient));
      expect(test.lesions.filter(({ patient }) => patients.has(patient))).toEqual([]);
      expect(test.lesions.length).toBeGreaterThan(0);
      expect([train.meta.split, test.meta.split]).toEqual(["train", "test"]);
      for (const { split } of train.lesions) expect(split).toBe("train");
      for (const { split } of test.lesions) expect(split).toBe("test");
      expect(train.meta).toMatchObject({ name: "tiny", origin: "synthetic", skipped: { "image file is absent": 2 } });
      tested.push(...test.lesions.map(({ id }) => id));
      await checkImages(outputs.train);
      await checkImages(outputs.test);
    }
    expect(tested.sort()).toEqual([...all].sort());
  });

  it("shares the shards' images by digest", async () => {
    const own = new Set(images(await getManifest(store, lesions)));
    const { outputs } = await run("dataset.fold", { folds: 2, fold: 1 }, { lesions });
    for (const output of Object.values(outputs))
      for (const image of images(await getManifest(store, output))) expect(own).toContain(image);
  });

  it("refuses more folds than patients, and a fold that there is not", async () => {
    await expect(run("dataset.fold", { folds: 8, fold: 0 }, { lesions })).rejects.toThrow(
      /7 patients cannot be divided into 8 folds/,
    );
    expect(() => run("dataset.fold", { folds: 5, fold: 5 }, { lesions })).toThrow(/must be less than folds/);
  });
});

describe("dataset.select", () => {
  const select = async (params: Action["params"]) => {
    const { outputs } = await run("dataset.select", params, { lesions });
    await checkImages(outputs.lesions);
    return openDataset(store, outputs.lesions);
  };
  const numbers = (dataset: Awaited<ReturnType<typeof select>>) => dataset.lesions.map(({ id }) => Number(id.slice(7)));

  it("takes lesions by each property and counts what it leaves out, beside what was left out before", async () => {
    expect(numbers(await select({ split: "test" }))).toEqual([9, 10, 11, 12, 13]);
    expect((await select({ split: "test" })).meta).toMatchObject({
      split: "test",
      lesions: 5,
      shards: 2,
      skipped: { "image file is absent": 2, "not on the split's side test": 9 },
    });
    const measured = await select({ hasReference: true, categories: ["liver", "bone"] });
    expect(numbers(measured)).toEqual([0, 2, 6, 8, 12]);
    expect(measured.meta.skipped).toEqual({ "image file is absent": 2, "has no reference mask": 7, "category lung": 2 });
    // The long diameter of lesion n is n/4 + 1 mm.
    const large = await select({ minLongMm: 2, maxLongMm: 3.5 });
    expect(numbers(large)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    expect(large.meta.skipped).toMatchObject({ "long diameter is less than 2 mm": 4, "long diameter is more than 3.5 mm": 3 });
    expect(numbers(await select({}))).toHaveLength(14);
  });

  it("draws patients: a smaller number takes a part of what a larger one takes", async () => {
    const drawn = [];
    for (const count of [3, 7, 14, 50]) drawn.push(numbers(await select({ lesions: count, seed: 2 })));
    expect(drawn.map((ids) => ids.length)).toEqual([3, 7, 14, 14]);
    for (const n of drawn[0]) expect(drawn[1]).toContain(n);
    const patients = drawn[1].map((n) => PATIENTS[n]);
    const incomplete = [...new Set(patients)].filter(
      (patient) => patients.filter((p) => p === patient).length < PATIENTS.filter((p) => p === patient).length,
    );
    expect(incomplete.length).toBeLessThanOrEqual(1);
    expect((await select({ lesions: 3, seed: 2 })).meta.skipped["not among the lesions that were drawn"]).toBe(11);
    expect(numbers(await select({ lesions: 7, seed: 3 }))).not.toEqual(drawn[1]);
  });

  it("refuses to take nothing, and a range that is empty", async () => {
    await expect(select({ categories: ["kidney"] })).rejects.toThrow(
      /tiny: no lesion is left — left out: 2 × image file is absent, 5 × category liver, 5 × category lung, 4 × category bone/,
    );
    await expect(select({ minLongMm: 5, maxLongMm: 4 })).rejects.toThrow(/must not be less than minLongMm/);
  });
});

describe("predictions.join", () => {
  const grid = { dims: DIMS, spacingMm: [1, 1, 5] as Vec3, affine: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1] };
  const voxels = DIMS[0] * DIMS[1] * DIMS[2];
  /** Predictions for lesions, some per part: mask n has its voxel n set, its probability is n everywhere. */
  async function predicted(
    shards: readonly (readonly number[])[],
    more: { probabilities?: boolean; dimension?: "2D" | "3D"; method?: string } = {},
  ) {
    const { probabilities = false, dimension = "3D", method = "network" } = more;
    const parts = [];
    for (const shard of shards) {
      const predictions = shard.map((n) => ({
        id: `lesion-${n}`,
        outcomes: { grabcut: n },
        mask: { ...grid, data: new Uint8Array(voxels).map((_, i) => (i === n ? 1 : 0)) },
        ...(probabilities ? { probability: new Uint8Array(voxels).fill(n) } : {}),
      }));
      parts.push({ part: await putPredictionPart(store, predictions) });
    }
    return (await gatherPredictions(store, parts, { method, dimension })).outputs.predictions;
  }
  const join = (sets: Record<string, Digest>) =>
    run("predictions.join", {}, Object.fromEntries(Object.entries(sets).map(([name, set]) => [`predictions:${name}`, set])));

  it("holds every mask, outcome and probability of each set, and copies none", async () => {
    const sets = [
      await predicted([[3, 1], [4]], { probabilities: true }),
      await predicted([[0], [2, 5]], { probabilities: true }),
    ];
    const { outputs, summary } = await join({ "fold 0": sets[0], "fold 1": sets[1] });
    expect(summary).toEqual({ lesions: 6 });
    const joined = await openPredictions(store, outputs.predictions);
    expect(joined.meta).toEqual({ method: "network", dimension: "3D", lesions: 6, probabilities: true });
    for (const n of [0, 1, 2, 3, 4, 5]) {
      const id = `lesion-${n}`;
      expect((await readPredictedMask(store, joined, id)).data.indexOf(1)).toBe(n);
      const line = joined.lines.get(id)!;
      expect(line.outcomes).toEqual({ grabcut: n });
      expect(new Set((await readProbabilities(store, joined, line.shard)).get(id))).toEqual(new Set([n]));
    }
    const before = new Set((await Promise.all(sets.map((set) => getManifest(store, set)))).flatMap(images));
    for (const blob of images(joined.manifest)) expect(before).toContain(blob);
    expect(await join({ "fold 1": sets[1], "fold 0": sets[0] })).toMatchObject({ outputs });
  });

  it("refuses a lesion that is in two sets, and sets of different kinds", async () => {
    const set = await predicted([[0, 1]]);
    await expect(join({ a: set, b: await predicted([[2], [1]]) })).rejects.toThrow("lesion lesion-1 is in a and in b");
    await expect(join({ a: set, b: await predicted([[2]], { dimension: "2D" }) })).rejects.toThrow(
      "predictions of different dimension: a is 3D, b is 2D",
    );
    await expect(join({ a: set, b: await predicted([[2]], { method: "ellipsoid" }) })).rejects.toThrow(InputError);
    await expect(join({ a: set, b: await predicted([[2]], { probabilities: true }) })).rejects.toThrow(/different probabilities/);
  });
});
