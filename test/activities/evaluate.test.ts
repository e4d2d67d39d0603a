import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, putDataset, putShard } from "../../activities/datasets.ts";
import { type Evaluation, offsetColumns, openEvaluation } from "../../activities/evaluations.ts";
import { gatherPredictions, putPredictionPart } from "../../activities/predictions.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { type Mask, scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { overlap } from "../../methods/metrics/overlap.ts";
import { precisionRecall } from "../../methods/metrics/precisionRecall.ts";
import { randomStream } from "../../methods/random.ts";
import { lesionSchema } from "../../schemas/dataset.ts";

let folder: string;
let store: Store;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-evaluate-step-"));
  store = openFileStore(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DIMS: Vec3 = [9, 8, 5];
const spacingMm: Vec3 = [0.8, 0.8, 4];
const grid = { dims: DIMS, spacingMm, affine: scalingAffine(spacingMm) };
const LESIONS = 10;
const VOXELS = DIMS[0] * DIMS[1] * DIMS[2];
const SLICE = 2;

/** A ragged block; nobody drew lesion 4. */
const maskOf = (purpose: string, n: number): Uint8Array => {
  const random = randomStream(1, purpose, n);
  return Uint8Array.from({ length: VOXELS }, (_, i) => (i % 9 > 1 && i % 9 < 7 && random.uniform() < 0.7 ? 1 : 0));
};
const probabilityOf = (n: number): Uint8Array => {
  const random = randomStream(1, "probability", n);
  return Uint8Array.from(maskOf("truth", n), (v) => random.integer(128) + 127 * v);
};
const lesionCase = (n: number): LesionCase & { split: "test" } => ({
  id: `lesion-${n}`,
  patient: `patient-${n >> 1}`,
  category: n % 2 === 0 ? "liver" : "lung",
  split: "test",
  marks: {
    slice: SLICE,
    long: [
      [1, 4],
      [1 + (n % 7), 4],
    ],
    short: [
      [2, 3],
      [2, 5],
    ],
  },
  window: { low: -100, high: 200 },
  image: { ...grid, data: new Int16Array(VOXELS) },
  ...(n === 4 ? {} : { reference: { ...grid, data: maskOf("truth", n) } as Mask }),
  source: { series: "s", origin: [0, 0, 0] },
  notes: [],
});

async function lesionsIn(shardSize: number): Promise<Digest> {
  const parts = [];
  for (let first = 0; first < LESIONS; first += shardSize) {
    const cases = Array.from({ length: Math.min(shardSize, LESIONS - first) }, (_, i) => lesionCase(first + i));
    const manifest = await getManifest(store, await putShard(store, first / shardSize, cases));
    parts.push({ manifest, lesions: parseLines(await readFile(store, manifest, "lesions.jsonl"), lesionSchema) });
  }
  return putDataset(store, parts, { name: "blocks", split: "all", origin: "synthetic", skipped: {} }, () => true);
}

/** Masks that are made in shards of their own. */
async function predictions(purpose: string, dimension: "2D" | "3D", shardSize: number): Promise<Digest> {
  const parts = [];
  for (let first = 0; first < LESIONS; first += shardSize) {
    const part = Array.from({ length: Math.min(shardSize, LESIONS - first) }, (_, i) => {
      const n = first + i;
      const mask: Mask = { ...grid, data: n === 6 ? new Uint8Array(VOXELS) : maskOf(purpose, n) };
      return { id: `lesion-${n}`, mask, outcomes: {}, ...(dimension === "3D" ? { probability: probabilityOf(n) } : {}) };
    });
    parts.push({ part: await putPredictionPart(store, part) });
  }
  return (await gatherPredictions(store, parts, { method: purpose, dimension })).outputs.predictions;
}

async function evaluated(shardSize: number, predictedIn: number): Promise<Evaluation & { parts: number; offsets: Buffer }> {
  const inputs = {
    reference: { artifact: await lesionsIn(shardSize) },
    "predictions:flat": { artifact: await predictions("flat", "2D", predictedIn) },
    "predictions:full": { artifact: await predictions("full", "3D", predictedIn) },
  };
  const body = bodyOf("evaluate");
  const context = { store, progress: () => {} } as unknown as StepContext;
  const input = parseInput({ kind: "evaluate", params: { bootstrap: { resamples: 50 } }, inputs });
  const parts = await body.parts!(context, input);
  const outputs = [];
  for (let part = 0; part < parts; part++) outputs.push((await body.run(context, { ...input, part })).outputs);
  const { evaluation } = (await body.gather!(context, input, outputs)).outputs;
  const offsets = await readFile(store, await getManifest(store, evaluation), "offsets.jsonl");
  return { ...(await openEvaluation(store, evaluation)), parts, offsets };
}

describe("evaluate", () => {
  let whole: Awaited<ReturnType<typeof evaluated>>;
  beforeAll(async () => {
    whole = await evaluated(16, 16);
  });

  it("scores every lesion that has a reference by every method, and counts the others", () => {
    expect(whole.meta).toMatchObject({ lesions: 10, withoutReference: 1, reference: { name: "blocks", origin: "synthetic" } });
    expect(whole.lines.map(({ method, lesion }) => `${method} ${lesion}`)).toEqual(
      ["flat", "full"].flatMap((method) => [0, 1, 2, 3, 5, 6, 7, 8, 9].map((n) => `${method} lesion-${n}`)),
    );
    const line = whole.lines.find(({ method, lesion }) => method === "full" && lesion === "lesion-3");
    expect(line?.volume).toMatchObject(overlap(maskOf("full", 3), maskOf("truth", 3)));
    expect(line).toMatchObject({ patient: "patient-1", category: "lung", longMm: expect.closeTo(3 * 0.8, 12) });
    expect(whole.lines.find(({ lesion }) => lesion === "lesion-6")?.failures).toEqual(["empty prediction"]);
  });

  it("looks at the RECIST slice alone of a method that fills no other", () => {
    const flat = whole.lines.filter(({ method }) => method === "flat");
    expect(flat.every(({ volume }) => volume === null)).toBe(true);
    expect(whole.strata.map(({ method, dimension }) => [method, dimension])).toEqual([
      ["flat", "2D"],
      ["full", "2D"],
      ["full", "3D"],
    ]);
  });

  it("keeps what the strata by slice offset come from", () => {
    const [line] = whole.offsets
      .toString("utf8")
      .split("\n")
      .map((text) => JSON.parse(text || "null"));
    expect(line).toMatchObject({ method: "full", lesion: "lesion-0" });
    const slice = DIMS[0] * DIMS[1];
    const cut = (mask: Uint8Array): Uint8Array => mask.subarray(slice, 2 * slice);
    const { recall, precision, dice, iou, volumetricSimilarity } = overlap(cut(maskOf("full", 0)), cut(maskOf("truth", 0)));
    const below = line.slices.find(([offset]: number[]) => offset === 1 - SLICE);
    expect(offsetColumns(below, whole.meta.tolerancesMm)).toMatchObject({
      ...{ recall, precision, dice, iou, volumetricSimilarity },
      surfaceDice3mm: expect.any(Number),
    });
    const offsets = whole.strata[2].strata.filter(({ by }) => by === "offset");
    expect(offsets.map(({ value, observations }) => [value, observations])).toEqual([
      ["0", 9],
      ["1", 18],
      ["2", 18],
    ]);
  });

  it("counts the pixels of all lesions for the precision-recall curve", () => {
    const { slice, volume } = whole.histograms.full;
    const scored = whole.lines.filter(({ method }) => method === "full");
    expect(precisionRecall(volume!).curve.at(-1)?.recall).toBe(1);
    const sum = (counts: readonly number[]): number => counts.reduce((n, count) => n + count, 0);
    expect(sum(volume!.positives)).toBe(scored.reduce((n, line) => n + line.volume!.tp + line.volume!.fn, 0));
    expect(sum(slice.positives)).toBe(scored.reduce((n, line) => n + line.slice.tp + line.slice.fn, 0));
    // probabilities of at least 127 of 255 are where the truth is, and some background
    expect(precisionRecall(volume!).half?.recall).toBeGreaterThan(0.98);
    expect(whole.histograms.flat).toBeUndefined();
  });

  it.each([
    [1, 16],
    [3, 4],
    [4, 1],
  ])("gives the same in shards of %i lesions with masks made in shards of %i", async (shardSize, predictedIn) => {
    const found = await evaluated(shardSize, predictedIn);
    expect(found.parts).toBe(Math.ceil(LESIONS / shardSize));
    const order = (lines: Evaluation["lines"]) =>
      [...lines].sort((a, b) => a.method.localeCompare(b.method) || a.lesion.localeCompare(b.lesion));
    expect(order(found.lines)).toEqual(order(whole.lines));
    expect(found.strata).toEqual(whole.strata);
    expect(found.histograms).toEqual(whole.histograms);
  });
});
