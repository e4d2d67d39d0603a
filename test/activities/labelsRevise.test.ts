import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCases } from "../../activities/cases.ts";
import { openDataset, parseLines, putDataset, putShard } from "../../activities/datasets.ts";
import { drawnMaskFiles, putDrawnMask } from "../../activities/drawnMasks.ts";
import { openLabels, readLabelShard } from "../../activities/labels.ts";
import { openPredictions, readPredictedMask } from "../../activities/predictions.ts";
import { putDecisions } from "../../activities/readingLog.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { synthesizeLesion } from "../../methods/datasets/phantom.ts";
import { sliceOf } from "../../methods/imaging/volume.ts";
import { segmentVolume } from "../../methods/labels/volume.ts";
import { lesionSchema } from "../../schemas/dataset.ts";
import type { Action } from "../../schemas/messages.ts";
import type { Decision } from "../../schemas/reading.ts";
import { revisionSchema } from "../../schemas/revision.ts";
import { studyKeySchema } from "../../schemas/study.ts";

const folder = mkdtempSync(path.join(tmpdir(), "recist3d-revise-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = openFileStore(path.join(folder, "store"));
const context = { store, progress: () => undefined } as unknown as StepContext;

/** Six lesions in two shards. */
const COUNT = 6;
const phantoms = Array.from({ length: COUNT }, (_, index) => ({
  ...synthesizeLesion({ seed: 4, index, category: "abdomen", sliceMm: 3, longMm: [16, 24] }),
  split: "train" as const,
}));
const ids = phantoms.map(({ id }) => id);
let lesions: Digest;
/** Masks of two methods, of which the study mixes the cases. */
let ellipsoids: Digest;
let cuts: Digest;
let cases: Digest;

/** Carries a step out, all its parts and their gathering. */
async function carriedOut(kind: string, params: Action["params"], inputs: Record<string, Digest>) {
  const body = bodyOf(kind);
  const refs = Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }]));
  const input = parseInput({ kind, params, inputs: refs });
  if (body.gather === undefined) return (await body.run(context, input)).outputs;
  const parts = [];
  for (let part = 0; part < (await body.parts!(context, input)); part++)
    parts.push((await body.run(context, { ...input, part })).outputs);
  return (await body.gather(context, input, parts)).outputs;
}

beforeAll(async () => {
  const parts = [];
  for (const shard of [0, 1]) {
    const manifest = await getManifest(store, await putShard(store, shard, phantoms.slice(shard * 3, shard * 3 + 3)));
    parts.push({ manifest, lesions: parseLines(await readFile(store, manifest, "lesions.jsonl"), lesionSchema) });
  }
  const meta = { name: "phantoms", origin: "synthetic", skipped: { "seen twice": 1 }, split: "train" } as const;
  lesions = await putDataset(store, parts, meta, () => true);
  ellipsoids = (await carriedOut("segmentation.classical", { method: "ellipsoid" }, { lesions })).predictions;
  cuts = (await carriedOut("segmentation.classical", { method: "grabcut-3de" }, { lesions })).predictions;
  const masks = { "masks:Ellipsoid": ellipsoids, "masks:GrabCut-3DE": cuts };
  cases = (await carriedOut("study.prepare", { study: "acceptance" }, { lesions, ...masks })).cases;
});

/** Every reader accepts every mask but those of `ellipsoids` of the lesions that are theirs to reject. */
async function decided(rejects: Record<string, readonly number[]>, unread: readonly number[] = []): Promise<Digest> {
  const { meta } = await openCases(store, cases);
  const key = studyKeySchema.parse(JSON.parse((await store.getBlob(meta.sealed as Digest)).toString("utf8")));
  const decisions = Object.entries(rejects).flatMap(([reader, own]) =>
    key.cases.flatMap(({ case: id, lesion, masks: [source] }): Decision[] => {
      const n = ids.indexOf(lesion);
      if (unread.includes(n)) return [];
      const answer = source === "Ellipsoid" && own.includes(n) ? "reject" : "accept";
      const given = { case: id, reader, answer, at: 1, tookMs: 1 };
      // A second showing with the other answer, which must not count.
      const again = { ...given, repeat: true, answer: answer === "reject" ? "accept" : "reject" };
      return [{ ...given, repeat: false }, again];
    }),
  );
  const readers = Object.keys(rejects).map((reader) => ({ reader, verdict: null, note: null }));
  const about = { title: "Acceptance", cases, decidedBy: "people", readers, closedBy: "readers" } as const;
  return putDecisions(store, decisions, { bytes: Buffer.alloc(0) }, about);
}

async function revised(params: Action["params"], decisions: Digest, masks = ellipsoids, edits: Record<string, Digest> = {}) {
  const outputs = await carriedOut("labels.revise", params, { lesions, masks, decisions, ...edits });
  const labels = await openLabels(store, outputs.labels);
  const maps = new Map([...(await readLabelShard(store, labels, 0)), ...(await readLabelShard(store, labels, 1))]);
  const revisions = parseLines(await readFile(store, labels.manifest, "revisions.jsonl"), revisionSchema);
  return { labels, maps, revisions, learnt: await openDataset(store, outputs.lesions) };
}
const labelled = (lines: readonly { id: string }[]): number[] => [...new Set(lines.map(({ id }) => ids.indexOf(id)))];
const keySlice = (n: number): string => `${ids[n]}/${phantoms[n].marks.slice}`;
const maskOf = async (masks: Digest, n: number) => readPredictedMask(store, await openPredictions(store, masks), ids[n]);

describe("labels.revise", () => {
  test.each([
    ["any", [3, 4]],
    ["majority", [0, 3, 4, 5]],
    ["all", [0, 1, 2, 3, 4, 5]],
  ] as const)("three readers, rule %s: lesions %j stay", async (decide, stay) => {
    // Of three readers one rejects lesion 0, two reject lesion 1 and 2, one (another) rejects lesion 5.
    const decisions = await decided({ Ada: [0, 1, 2], Bo: [1, 5], Cy: [2] });
    const { labels, learnt } = await revised({ decide }, decisions);
    expect(labelled(labels.lines)).toEqual(stay);
    expect(learnt.lesions.map(({ id }) => ids.indexOf(id))).toEqual(stay);
  });

  test("exclude: the accepted keep their very masks; the rejected are counted and named, with who rejected them", async () => {
    const decisions = await decided({ Ada: [1, 4], Bo: [1, 4] });
    const { labels, maps, revisions, learnt } = await revised({ rejected: "exclude" }, decisions);
    expect(labelled(labels.lines)).toEqual([0, 2, 3, 5]);
    for (const n of [0, 2, 3, 5]) {
      const expected = sliceOf(await maskOf(ellipsoids, n), phantoms[n].marks.slice);
      expect(maps.get(keySlice(n))).toEqual(expected);
    }
    expect(labels.meta).toMatchObject({ method: "revised", slices: 4, unlabelled: { rejected: 2 } });
    expect(revisions.map(({ lesion }) => lesion)).toEqual(ids);
    const reject = (reader: string) => ({ reader, answer: "reject" });
    expect(revisions[1]).toEqual({
      ...{ lesion: ids[1], verdict: "rejected", became: "left out", how: "rejected" },
      answers: [reject("Ada"), reject("Bo")],
    });
    expect(revisions[0]).toMatchObject({ verdict: "accepted", became: "kept", how: "accepted" });
    expect(learnt.meta).toMatchObject({ lesions: 4, skipped: { "seen twice": 1, rejected: 2 } });
  });

  test("judges the masks that are wired: the same readers accepted those of the other source", async () => {
    const { labels } = await revised({}, await decided({ Ada: [0, 1, 2, 3, 4, 5] }), cuts);
    expect(labelled(labels.lines)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("reinitialise: the rejected are made again by the declared method, the accepted are not", async () => {
    const decisions = await decided({ Ada: [2] });
    const { labels, maps } = await revised({ rejected: "reinitialise", method: "grabcut-prior-3d", slices: 1 }, decisions);
    const { image, marks, window } = phantoms[2];
    const again = segmentVolume("grabcut-prior-3d", image, marks, window).mask;
    for (const z of [marks.slice - 1, marks.slice, marks.slice + 1])
      expect(maps.get(`${ids[2]}/${z}`)).toEqual(sliceOf(again, z));
    expect(maps.get(keySlice(2))).not.toEqual(sliceOf(await maskOf(ellipsoids, 2), marks.slice));
    expect(maps.get(keySlice(0))).toEqual(sliceOf(await maskOf(ellipsoids, 0), phantoms[0].marks.slice));
    expect(labels.meta.outcomes).toEqual({
      "kept: accepted": { "-1": 5, "0": 5, "1": 5 },
      "made again: grabcut-prior-3d, prior-cut": { "-1": 1, "0": 1, "1": 1 },
    });
  });

  test("a method of the RECIST slice says nothing of the others", async () => {
    const params = { rejected: "reinitialise", method: "ellipse", slices: 1 };
    const { labels } = await revised(params, await decided({ Ada: [2] }));
    expect(labels.lines.filter(({ id }) => id === ids[2]).map(({ offset }) => offset)).toEqual([0]);
  });

  test("masks that nobody judged are kept or left out, as declared, and told from accepted ones", async () => {
    const decisions = await decided({ Ada: [0] }, [4, 5]);
    const kept = await revised({ unjudged: "keep" }, decisions);
    expect(labelled(kept.labels.lines)).toEqual([1, 2, 3, 4, 5]);
    expect(kept.labels.meta.outcomes).toEqual({ "kept: accepted": { "0": 3 }, "kept: not judged": { "0": 2 } });
    const left = await revised({ unjudged: "exclude" }, decisions);
    expect(labelled(left.labels.lines)).toEqual([1, 2, 3]);
    expect(left.labels.meta.unlabelled).toEqual({ rejected: 1, "not judged": 2 });
  });

  test("refuses what it cannot judge by: no mask left, masks of another step, a comparison", async () => {
    const all = await decided({ Ada: [0, 1, 2, 3, 4, 5] });
    await expect(revised({}, all)).rejects.toThrow("no mask is left to learn from");
    const others = (await carriedOut("segmentation.classical", { method: "grabcut-3d" }, { lesions })).predictions;
    await expect(revised({}, all, others)).rejects.toThrow("Acceptance: these masks were not judged in it");
    const flat = (await carriedOut("segmentation.classical", { method: "ellipse" }, { lesions })).predictions;
    await expect(revised({ slices: "all" }, all, flat)).rejects.toThrow("masks of the RECIST slice alone");
    const sides = { "masks:a": ellipsoids, "masks:b": cuts };
    const compared = (await carriedOut("study.prepare", { study: "comparison" }, { lesions, ...sides })).cases;
    const closed = { decidedBy: "people", readers: [] as never[], closedBy: "readers" } as const;
    const preferred = await putDecisions(store, [], { bytes: Buffer.alloc(0) }, { title: "Pairs", cases: compared, ...closed });
    await expect(revised({}, preferred)).rejects.toThrow("Pairs: a study of comparison says which mask is better");
  });
});

describe("masks that people correct", () => {
  /** A box of voxels that no method would give. */
  const drawnOn = ([nx, ny, nz]: readonly number[]) => ({
    shape: [nz, ny, nx],
    data: Uint8Array.from({ length: nx * ny * nz }, (_, i) => (i % nx < 5 && Math.floor(i / nx) % ny < 3 ? 1 : 0)),
  });

  test("predictions.cases shows the rejected ones alone, on the data set's own pixels, and says whose masks they are", async () => {
    const decisions = await decided({ Ada: [1, 4, 5], Bo: [4, 5] });
    const inputs = { lesions, masks: ellipsoids, decisions };
    const shown = await openCases(store, (await carriedOut("predictions.cases", {}, inputs)).cases);
    expect(shown.cases.map(({ id }) => ids.indexOf(id))).toEqual([4, 5]);
    expect(shown.meta.masks).toBe(ellipsoids);
    const { manifest } = await openDataset(store, lesions);
    const images = manifest.blobs.find(({ path: file }) => file === "shards/00001.safetensors");
    expect(shown.manifest.blobs).toContainEqual(images);
    const everything = await openCases(store, (await carriedOut("predictions.cases", {}, { lesions, masks: cuts })).cases);
    expect(everything.cases).toHaveLength(COUNT);
    const none = await carriedOut("predictions.cases", {}, { ...inputs, decisions: await decided({ Ada: [] }) });
    expect((await openCases(store, none.cases)).cases).toEqual([]);
  });

  test("become the labels, with their author; what the editor leaves out or does not come to is named", async () => {
    const decisions = await decided({ Ada: [0, 1, 2, 3] });
    const shown = (await carriedOut("predictions.cases", {}, { lesions, masks: ellipsoids, decisions })).cases;
    const { dims } = phantoms[0].image;
    const meta = { cases: shown, case: ids[0], author: "Bo", at: 5, from: shown };
    const mask = await putDrawnMask(store, { meta, ...drawnOn(dims) });
    const given = { repeat: false, reader: null, at: 9, tookMs: 1 };
    const answers: Decision[] = [
      { ...given, case: ids[0], answer: "edited", mask },
      { ...given, case: ids[1], answer: "exclude" },
      { ...given, case: ids[2], answer: "unchanged" },
    ];
    const about = { title: "By hand", cases: shown, decidedBy: "people", readers: [], closedBy: "deadline" };
    const files = await drawnMaskFiles(store, shown, answers);
    expect(files.map(({ path: file }) => file)).toEqual([`masks/${mask}.safetensors`, `masks/${mask}.json`]);
    const edits = await putDecisions(store, answers, { bytes: Buffer.alloc(0) }, about as never, files);
    const { maps, labels, revisions } = await revised({ rejected: "edit" }, decisions, ellipsoids, { edits });
    const [nx, ny] = dims;
    expect(maps.get(keySlice(0))!.data).toEqual(drawnOn(dims).data.subarray(0, nx * ny));
    expect(labelled(labels.lines)).toEqual([0, 2, 4, 5]);
    expect(labels.meta.unlabelled).toEqual({ "rejected, and left out by who corrects": 1, "rejected, and not corrected": 1 });
    expect(revisions[0]).toMatchObject({
      ...{ lesion: ids[0], verdict: "rejected", became: "edited" },
      edit: { artifact: mask, author: "Bo", at: 5 },
    });
    expect(revisions[2]).toMatchObject({ became: "kept", how: "rejected, but left as it is: unchanged" });
    // Corrections of other masks are not taken for these.
    await expect(revised({ rejected: "edit" }, decisions, cuts, { edits })).rejects.toThrow("By hand: these masks were not");
    const stranger = [{ ...answers[0], case: ids[3] }];
    await expect(drawnMaskFiles(store, shown, stranger)).rejects.toThrow(`was answered with a mask of ${ids[0]}`);
  });
});
