import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDataset, readLesions } from "../../activities/datasets.ts";
import { putSource } from "../../activities/sources.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { Vec3 } from "../../methods/imaging/volume.ts";
import type { Action } from "../../schemas/messages.ts";
import { axialGrid, ctOf, labelVolume, type PlacedNode, writeNiftiCt, writeNodes } from "../datasets/lymphNodeFolder.ts";

const kind = "dataset.import";
const GRID = axialGrid([40, 30, 10], [1, 1, 2]);
const block = (dims: Vec3, at: Vec3): PlacedNode => ({ dims, at, data: new Uint8Array(dims[0] * dims[1] * dims[2]).fill(1) });
const NODE = [block([6, 5, 4], [5, 5, 2]), block([7, 4, 3], [25, 15, 4])];
const LINE = block([8, 1, 1], [20, 3, 5]);

let folder: string;
let root: string;
let store: Store;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-import-"));
});
beforeEach(() => {
  root = mkdtempSync(path.join(folder, "data-"));
  store = openFileStore(mkdtempSync(path.join(folder, "store-")));
});
afterAll(() => rmSync(folder, { recursive: true }));

function patient(name: string, nodes: readonly PlacedNode[]): void {
  const labels = labelVolume(GRID, nodes);
  writeNiftiCt(root, name, ctOf(labels));
  writeNodes(root, name, labels);
}

async function imported(params: Action["params"]) {
  const given = { format: "lymph-nodes", root, ...params };
  const source = await putSource(store, kind, parseInput({ kind, params: given, inputs: {} }).params as Action["params"]);
  const input = parseInput({ kind, params: given, inputs: { source: { artifact: source } } });
  const context = { store, progress: () => {} } as unknown as StepContext;
  const body = bodyOf(kind);
  const parts = [];
  for (let part = 0; part < (await body.parts!({ store }, input)); part++)
    parts.push((await body.run(context, { ...input, part })).outputs as Record<string, Digest>);
  const { outputs, summary } = await body.gather!(context, input, parts);
  return { parts, summary, all: await openDataset(store, outputs.all), train: await openDataset(store, outputs.train) };
}

describe("an import of whole volumes", () => {
  it("has a shard for so many volumes, each with all its lesions, and counts what every volume left out", async () => {
    patient("ABD_LYMPH_001", [...NODE, LINE]);
    patient("ABD_LYMPH_002", []);
    patient("MED_LYMPH_003", [NODE[0], LINE]);
    patient("MED_LYMPH_004", NODE);
    writeNodes(root, "MED_LYMPH_005", labelVolume(GRID, NODE));
    const { parts, summary, all, train } = await imported({ shardSize: 1, split: { by: "patient", test: 0.25, seed: 1 } });
    expect(parts).toHaveLength(4);
    expect(all.lesions.map(({ id }) => id).sort()).toEqual([
      "ABD_LYMPH_001-01",
      "ABD_LYMPH_001-02",
      "MED_LYMPH_003-01",
      "MED_LYMPH_004-01",
      "MED_LYMPH_004-02",
    ]);
    expect(all.meta).toMatchObject({
      name: "lymph-nodes",
      shards: 3,
      skipped: { "patient has no CT": 1, "mask is empty": 1, "node is too thin to have two diameters": 2 },
    });
    expect(summary).toMatchObject({ lesions: 5, train: train.lesions.length });
    for (const { patient: own, split } of all.lesions)
      for (const other of all.lesions.filter((lesion) => lesion.patient === own)) expect(other.split).toBe(split);
    for await (const { lesion, image, reference } of readLesions(store, all)) {
      expect(lesion.hasReference).toBe(true);
      expect(image.data.filter((hu, p) => reference!.data[p] === 1 && hu < 60)).toHaveLength(0);
    }
  });

  it("says why where nothing is left", async () => {
    patient("ABD_LYMPH_001", [LINE]);
    patient("ABD_LYMPH_002", []);
    await expect(imported({})).rejects.toThrow(
      /no lesion can be imported — left out: (?=.*1 × mask is empty)(?=.*1 × node is too thin to have two diameters)/,
    );
  });
});
