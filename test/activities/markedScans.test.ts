import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../../activities/datasets.ts";
import { putSource } from "../../activities/sources.ts";
import { parseInput } from "../../activities/steps/index.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import type { Action } from "../../schemas/messages.ts";
import { stepOutputs } from "./stepOutputs.ts";

const kind = "dataset.import";
const LESIONS = [0, 1, 2, 3].map((index) => synthesizeLesion({ seed: 3, index, longMm: [14, 20] }));

let folder: string;
let store: Store;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-marked-"));
  store = openFileStore(path.join(folder, "store"));
  for (const { id, image, reference } of LESIONS) {
    writeFileSync(path.join(folder, `${id}.nii.gz`), writeNifti(image));
    writeFileSync(path.join(folder, `${id}-mask.nii.gz`), writeNiftiMask(reference!));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Imports the lesions, of which the first `masks` have a reference mask, and reports on the ellipsoid. */
async function reported(masks: number) {
  const lesions = LESIONS.map(({ id, patient, marks: { slice, long, short } }, i) => {
    const mask = i < masks ? { mask: `${id}-mask.nii.gz` } : {};
    return { id, image: `${id}.nii.gz`, patient, slice, long, short, ...mask };
  });
  writeFileSync(path.join(folder, "marks.json"), JSON.stringify(lesions));
  const given = { format: "marked-scans", root: folder, split: { by: "patient", test: 0 } };
  const source = await putSource(store, kind, parseInput({ kind, params: given, inputs: {} }).params as Action["params"]);
  const { all } = await stepOutputs(store, kind, given, { source });
  const { predictions } = await stepOutputs(store, "segmentation.classical", { method: "ellipsoid" }, { lesions: all });
  const masksByName = { "predictions:Ellipsoid": predictions };
  const { evaluation } = await stepOutputs(store, "evaluate", {}, { ...masksByName, reference: all });
  const inputs = { "evaluation:evaluation": evaluation, "lesions:all": all, ...masksByName };
  const { report } = await stepOutputs(store, "report", { gallery: 3 }, inputs);
  const { content } = JSON.parse((await readFile(store, await getManifest(store, report), "content.json")).toString());
  return { dataset: await openDataset(store, all as Digest), content };
}

it("scans with marks and no masks at all are imported, and a report shows what was segmented", async () => {
  const { dataset, content } = await reported(0);
  expect(dataset.meta).toMatchObject({ name: "marked-scans", origin: "real" });
  expect(dataset.lesions.map(({ id, hasReference }) => [id, hasReference])).toEqual(LESIONS.map(({ id }) => [id, false]));
  const gallery: { dice: number | null; title: string; panels: { label: string }[] }[] = content.gallery;
  expect(gallery.map(({ dice, title }) => [dice, title])).toEqual(Array(3).fill([null, "Ellipsoid 3D"]));
  expect(content).toMatchObject({
    methods: [],
    evaluations: [],
    remarks: [expect.stringMatching(/4 of 4 lesions have no reference mask/)],
  });
  for (const { panels } of gallery) expect(panels.map(({ label }) => label)).toEqual(["image", "marks", "trimap", "mask"]);
});

it("of lesions with a reference mask it shows these, with their scores", async () => {
  const { dataset, content } = await reported(2);
  expect(dataset.lesions.filter(({ hasReference }) => hasReference)).toHaveLength(2);
  const shown = content.gallery.map(({ lesion, dice }: { lesion: string; dice: number }) => [lesion, dice > 0.3]);
  expect(shown.sort()).toEqual(LESIONS.slice(0, 2).map(({ id }) => [id, true]));
});
