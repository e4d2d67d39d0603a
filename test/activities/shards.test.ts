import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fc, test as property } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countShards, openDataset, putDataset, putShard, readPart } from "../../activities/datasets.ts";
import { keepingLast } from "../../activities/keepingLast.ts";
import {
  gatherPredictions,
  niftiFiles,
  openPredictions,
  putPredictionPart,
  readPredictedMask,
} from "../../activities/predictions.ts";
import { exportArtifact } from "../../artifacts/export.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { LesionCase } from "../../methods/datasets/lesionCase.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { type Mask, scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { type Lesion, lesionSchema } from "../../schemas/dataset.ts";

const DIMS: Vec3 = [5, 4, 3];
const VOXELS = DIMS[0] * DIMS[1] * DIMS[2];
const SPACING_MM: Vec3 = [0.5, 0.5, 5];
const GRID = { dims: DIMS, spacingMm: SPACING_MM, affine: scalingAffine(SPACING_MM) };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-shards-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let stores = 0;
const newStore = (): Store => openFileStore(path.join(folder, `store-${stores++}`));

/** Lesion n has n HU everywhere; `test` lesions are every fourth. */
function lesionCase(n: number): LesionCase & { split: Lesion["split"] } {
  return {
    id: `lesion-${n}`,
    patient: `patient-${n >> 1}`,
    category: "liver",
    split: n % 4 === 0 ? "test" : "train",
    marks: {
      slice: 1,
      long: [
        [0, 2],
        [4, 2],
      ],
      short: [
        [2, 1],
        [2, 3],
      ],
    },
    window: { low: -160, high: 240 },
    image: { ...GRID, data: new Int16Array(VOXELS).fill(n) },
    source: { series: "s", origin: [0, 0, 0] },
    notes: [],
  };
}

/** Data sets of `count` lesions in shards of `size`: all of them, and the side `train`. */
async function twoDatasets(store: Store, count: number, size: number): Promise<Record<"all" | "train", Digest>> {
  const parts = [];
  for (let shard = 0; shard * size < count; shard++) {
    const cases = Array.from({ length: Math.min(size, count - shard * size) }, (_, i) => lesionCase(shard * size + i));
    const manifest = await getManifest(store, await putShard(store, shard, cases));
    const lines = (await readFile(store, manifest, "lesions.jsonl")).toString("utf8").trimEnd().split("\n");
    parts.push({ manifest, lesions: lines.map((line) => lesionSchema.parse(JSON.parse(line))) });
  }
  const meta = { name: "tiny", origin: "synthetic", skipped: {} } as const;
  return {
    all: await putDataset(store, parts, { ...meta, split: "all" }, () => true),
    train: await putDataset(store, parts, { ...meta, split: "train" }, ({ split }) => split === "train"),
  };
}

describe("a data set in shards", () => {
  property.prop([fc.integer({ min: 1, max: 23 }), fc.integer({ min: 1, max: 9 })], { numRuns: 15 })(
    "gives, part after part, the lesions of lesions.jsonl with their images, on either side of the split",
    async (count, size) => {
      const store = newStore();
      for (const [side, dataset] of Object.entries(await twoDatasets(store, count, size))) {
        const expected = Array.from({ length: count }, (_, n) => n).filter((n) => side === "all" || n % 4 !== 0);
        const found: number[] = [];
        for (let part = 0; part < (await countShards(store, dataset)); part++) {
          const lesions = await readPart(store, dataset, part);
          expect(lesions.length).toBeGreaterThan(0);
          for (const { lesion, image } of lesions) {
            found.push(image.data[0]);
            expect(lesion.id).toBe(`lesion-${image.data[0]}`);
          }
        }
        expect(found).toEqual(expected);
        const { lesions, meta } = await openDataset(store, dataset);
        expect(lesions.map(({ id }) => id)).toEqual(expected.map((n) => `lesion-${n}`));
        expect(meta.lesions).toBe(expected.length);
      }
    },
  );

  test("lets a part be read when everything but the manifest and its own shard is gone", async () => {
    const store = newStore();
    const { all } = await twoDatasets(store, 20, 4);
    const { blobs } = await getManifest(store, all);
    for (const { path: name, digest } of blobs) if (!name.startsWith("shards/00002.")) await store.dropBlob(digest as Digest);
    expect((await readPart(store, all, 2)).map(({ lesion }) => lesion.id)).toEqual([8, 9, 10, 11].map((n) => `lesion-${n}`));
    await expect(readPart(store, all, 1)).rejects.toThrow(/is missing/);
  });
});

describe("predicted masks", () => {
  const maskOf = (n: number): Mask => ({
    ...GRID,
    data: Uint8Array.from({ length: VOXELS }, (_, i) => ((i * 7 + n) % 3 === 0 ? 1 : 0)),
  });
  const predictionsOf = async (store: Store): Promise<Digest> => {
    const parts = [];
    for (const numbers of [[0, 1, 2], [3, 4], [5]]) {
      const predictions = numbers.map((n) => ({ id: `lesion-${n}`, mask: maskOf(n), outcomes: { grabcut: 1 } }));
      parts.push({ part: await putPredictionPart(store, predictions) });
    }
    return (await gatherPredictions(store, parts, { method: "ellipse", dimension: "2D" })).outputs.predictions;
  };

  test("come back as they were, in any order; of a lesion that was not predicted there is none", async () => {
    const store = newStore();
    const predictions = await openPredictions(store, await predictionsOf(store));
    for (const n of [5, 0, 4, 1, 3, 2]) expect(await readPredictedMask(store, predictions, `lesion-${n}`)).toEqual(maskOf(n));
    await expect(readPredictedMask(store, predictions, "lesion-6")).rejects.toThrow(/no mask of lesion lesion-6/);
  });

  test("are one file for each shard in the store, and one NIfTI file for each lesion on export", async () => {
    const store = newStore();
    const artifact = await predictionsOf(store);
    const { blobs } = await getManifest(store, artifact);
    expect(blobs.map((blob) => blob.path)).toEqual([
      "lesions.jsonl",
      ...[0, 1, 2].map((shard) => `masks/0000${shard}.safetensors`),
    ]);
    const target = path.join(folder, "exported");
    await exportArtifact(store, artifact, target, (manifest) => niftiFiles(store, manifest));
    for (let n = 0; n < 6; n++)
      expect(readFileSync(path.join(target, `masks/lesion-${n}.nii.gz`)).equals(writeNiftiMask(maskOf(n)))).toBe(true);
  });
});

describe("keepingLast", () => {
  const store = { url: "file:/nowhere" } as Store;
  const digests = ["a", "b", "c"] as Digest[];

  test("opens what is asked for again once, and forgets what was asked for longest ago", async () => {
    const opened: string[] = [];
    const open = keepingLast(2, async (_store, digest) => opened.push(digest));
    for (const i of [0, 0, 1, 0, 2, 0, 1]) await open(store, digests[i]);
    expect(opened).toEqual(["a", "b", "c", "b"]);
  });

  test("tells stores apart, and tries again after an error", async () => {
    let calls = 0;
    const open = keepingLast(2, async ({ url }) => {
      if (++calls === 1) throw new Error("away");
      return url;
    });
    await expect(open(store, digests[0])).rejects.toThrow("away");
    expect(await open(store, digests[0])).toBe("file:/nowhere");
    expect(await open({ ...store, url: "file:/elsewhere" }, digests[0])).toBe("file:/elsewhere");
  });
});
