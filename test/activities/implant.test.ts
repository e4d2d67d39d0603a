import { appendFileSync, cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset, readLesions } from "../../activities/datasets.ts";
import { putSource } from "../../activities/sources.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { options, writeBackgroundFolder, writeShapeFolder } from "../datasets/implantMaterial.ts";

let root: string;
let store: Store;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-implant-step-"));
  store = openFileStore(path.join(root, "store"));
  writeShapeFolder(path.join(root, "shapes"));
  writeBackgroundFolder(path.join(root, "backgrounds"));
});
afterAll(() => rmSync(root, { recursive: true }));

const paramsIn = (folder: string) => ({
  ...options,
  lesions: 10,
  longAxisPx: [10, 22],
  shardSize: 4,
  shapes: path.join(folder, "shapes"),
  backgrounds: path.join(folder, "backgrounds"),
});

/** The step's outputs, its parts computed in the order given. */
async function implanted(params: Record<string, unknown>, order: (parts: number) => number[]): Promise<Record<string, Digest>> {
  const source = await putSource(store, "dataset.implant", params);
  const input = parseInput({ kind: "dataset.implant", params: params as never, inputs: { source: { artifact: source } } });
  const context = {
    store,
    signal: new AbortController().signal,
    progress: () => {},
    backend: () => Promise.reject(new Error("no network is needed")),
    checkpoints: { latest: async () => null, save: async (bytes: Uint8Array) => store.putBlob(bytes) },
  } satisfies StepContext;
  const body = bodyOf("dataset.implant");
  const parts: Record<string, Digest>[] = [];
  for (const part of order(await body.parts!(context, input)))
    parts[part] = (await body.run(context, { ...input, part })).outputs;
  return (await body.gather!(context, input, parts)).outputs;
}

const ascending = (parts: number): number[] => Array.from({ length: parts }, (_, i) => i);

describe("dataset.implant", () => {
  it("makes the same artifacts in any order of its shards, split by the shapes' patients, and calls them semi-synthetic", async () => {
    const params = paramsIn(root);
    const outputs = await implanted(params, ascending);
    expect(await implanted(params, (parts) => ascending(parts).reverse())).toEqual(outputs);

    const [all, train, tested] = await Promise.all(
      [outputs.all, outputs.train, outputs.test].map((digest) => openDataset(store, digest)),
    );
    for (const dataset of [all, train, tested]) expect(dataset.meta.origin).toBe("semi-synthetic");
    expect(all.lesions).toHaveLength(10);
    expect(train.lesions.length + tested.lesions.length).toBe(10);
    const trained = new Set(train.lesions.map(({ patient }) => patient));
    expect(tested.lesions.some(({ patient }) => trained.has(patient))).toBe(false);
    for await (const { lesion, image, reference } of readLesions(store, all)) {
      expect(image.dims).toEqual(lesion.dims);
      expect(reference?.data.some((value) => value === 1)).toBe(true);
    }
  });

  it("has the same source in a moved folder, another one when a byte of a shape or a CT changes", async () => {
    const at = (name: string): string => path.join(root, name);
    const scan = (name: string): Promise<Digest> => putSource(store, "dataset.implant", paramsIn(at(name)));
    for (const folder of ["shapes", "backgrounds"])
      cpSync(path.join(root, folder), path.join(at("here"), folder), { recursive: true });
    const digest = await scan("here");
    expect(digest).toBe(await putSource(store, "dataset.implant", paramsIn(root)));
    renameSync(at("here"), at("there"));
    expect(await scan("there")).toBe(digest);
    appendFileSync(path.join(at("there"), "shapes/masks_tight_index.json"), " ");
    const withSpace = await scan("there");
    expect(withSpace).not.toBe(digest);
    appendFileSync(path.join(at("there"), "backgrounds/tiny/CT_image.nii.gz"), " ");
    expect([digest, withSpace]).not.toContain(await scan("there"));
  });

  it("fails when a CT was changed after the scan", async () => {
    const folder = path.join(root, "changing");
    for (const name of ["shapes", "backgrounds"]) cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    const run = implanted(paramsIn(folder), (parts) => {
      appendFileSync(path.join(folder, "backgrounds/tiny/mask_GTV-1.nii.gz"), " ");
      return ascending(parts);
    });
    await expect(run).rejects.toThrow(/mask_GTV-1\.nii\.gz.*was changed while the campaign ran/s);
  });
});
