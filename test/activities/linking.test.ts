import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCases } from "../../activities/cases.ts";
import { openDataset, putSubset } from "../../activities/datasets.ts";
import { putDecisions } from "../../activities/readingLog.ts";
import { putSource } from "../../activities/sources.ts";
import { readSuggestedLinks } from "../../activities/suggestedLinks.ts";
import { openVolumes } from "../../activities/volumes.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { decodeSafetensors } from "../../methods/networks/safetensors.ts";
import type { Lesion } from "../../schemas/dataset.ts";
import { options, writeBackgroundFolder, writeShapeFolder } from "../datasets/implantMaterial.ts";
import { stepOutputs } from "./stepOutputs.ts";

/** Patients of three lesions, at three time points; the second scan of each lies elsewhere. */
const PER_PATIENT = 3;
const MOVED_MM = [25, -30, 140];

let root: string;
let store: Store;
let lesions: Digest;
/** Which constructed lesion each is, which no step may read. */
let truth: Map<string, string>;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "recist3d-linking-"));
  store = openFileStore(path.join(root, "store"));
  writeShapeFolder(path.join(root, "shapes"));
  writeBackgroundFolder(path.join(root, "backgrounds"));
  const params = {
    ...{ sets: options.sets, seed: 3, lesions: 9, followUps: 2, stable: 0.4, growth: [0.5, 2], longAxisPx: [12, 20] },
    ...{ testFraction: 1, shardSize: 4, shapes: path.join(root, "shapes"), backgrounds: path.join(root, "backgrounds") },
  };
  const source = await putSource(store, "timepoints.construct", params);
  const dataset = await openDataset(store, (await step("timepoints.construct", params, { source })).all);
  truth = new Map(dataset.lesions.map(({ id, followUp }) => [id, followUp!.lesion]));
  lesions = await putSubset(
    store,
    dataset,
    { name: "patients", origin: "semi-synthetic", skipped: {}, split: "all" },
    ofPatients,
  );
});
afterAll(() => rmSync(root, { recursive: true }));

/** A lesion as a scan would have it: nobody knows which it is. The first of each patient vanishes, the last one is new. */
function ofPatients(lesion: Lesion): Lesion | undefined {
  const { lesion: own, timePoint, day } = lesion.followUp!;
  const number = Number(own.slice(-5));
  const [patient, place] = [Math.floor(number / PER_PATIENT), number % PER_PATIENT];
  if ((place === 0 && timePoint === 2) || (place === PER_PATIENT - 1 && timePoint === 0)) return undefined;
  const affine = [...lesion.affine];
  // lesions of a patient lie apart, and the second scan elsewhere than the others
  for (const axis of [0, 1, 2]) affine[4 * axis + 3] += place * [70, -50, 90][axis] + (timePoint === 1 ? MOVED_MM[axis] : 0);
  return { ...lesion, patient: `patient-${patient}`, affine, followUp: { lesion: lesion.id, timePoint, day } };
}

const step = (kind: string, params: object, inputs: Record<string, Digest>): Promise<Record<string, Digest>> =>
  stepOutputs(store, kind, params, inputs);

const decided = (cases: Digest, answers: Readonly<Record<string, string>>): Promise<Digest> =>
  putDecisions(
    store,
    Object.entries(answers).map(([id, answer]) => ({ case: id, repeat: false, reader: null, answer, at: 0, tookMs: 1 })),
    { bytes: Buffer.alloc(0) },
    { title: "links", cases, decidedBy: "people", readers: [], closedBy: "readers" },
  );

/** Lesions by what they were linked to. */
async function grouped(digest: Digest): Promise<string[][]> {
  const groups = new Map<string, string[]>();
  for (const { id, followUp } of (await openDataset(store, digest)).lesions)
    groups.set(followUp!.lesion, [...(groups.get(followUp!.lesion) ?? []), id]);
  return [...groups.values()].map((ids) => ids.sort()).sort();
}

describe("links between time points", () => {
  it("are suggested as they were constructed, beside what is gone and what is new; both time points are shown at one scale", async () => {
    const { cases: digest } = await step("timepoints.suggest", {}, { lesions });
    const cases = await openCases(store, digest);
    const { links } = await readSuggestedLinks(store, cases);
    for (const { first, second } of links) expect(truth.get(first)).toBe(truth.get(second));
    // of each patient two links from the first scan (the third lesion is new) … and two to the third (the first is gone)
    const patients = [0, 1, 2].map((n) => links.filter(({ patient }) => patient === `patient-${n}`).length);
    expect(patients).toEqual([4, 4, 4]);
    const { images, masks, facts } = cases.cases[0];
    expect(images.map(({ name }) => name)).toEqual(["day 0", "day 56"]);
    expect(masks.map(({ name }) => name)).toEqual(["day 0", "day 56"]);
    expect(Object.keys(facts)).toEqual(["day 0", "day 56", "lead over the next best"]);
    const { tensors } = decodeSafetensors(await readFile(store, cases.manifest, images[0].file), "case");
    const shapes = Object.values(tensors).map(({ shape }) => shape.join());
    expect(new Set(shapes)).toEqual(new Set(["7,160,160"]));
    const marked = tensors[masks[0].tensor].data as Uint8Array;
    const [area, [mmX, mmY]] = [marked.reduce((sum, value) => sum + value, 0), images[0].spacingMm];
    const [long, short] = String(facts["day 0"])
      .split(/[^\d.]+/)
      .map(Number);
    expect((area * mmX * mmY) / ((Math.PI * long * short) / 4)).toBeCloseTo(1, 1);
  });

  it("bring every picture to the store before the next lesion is read, so that memory does not grow with their number", async () => {
    const written: number[] = [];
    /** Pictures that were in the store when a lesion was read, twice for each: for the links, and for the pictures. */
    const stored: number[] = [];
    const watched: Store = {
      ...store,
      putBlob: (bytes) => {
        written.push(bytes.byteLength);
        return store.putBlob(bytes);
      },
    };
    const progress = (): number => stored.push(written.length);
    const { cases } = await stepOutputs(watched, "timepoints.suggest", {}, { lesions }, { progress });
    const opened = await openCases(store, cases);
    const { links } = await readSuggestedLinks(store, opened);
    const { lesions: lines } = await openDataset(store, lesions);
    const ends = lines.map(({ id }) => links.filter(({ first, second }) => first === id || second === id).length);
    const before = ends.map((_, i) => ends.slice(0, i).reduce((sum, n) => sum + n, 0));
    expect(stored).toEqual([...lines.map(() => 0), ...before]);
    expect(Math.max(...ends)).toBe(2);
    // A file holds one picture: HU and marks on seven slices.
    const sizes = opened.manifest.blobs.filter(({ path: name }) => name.startsWith("cases/")).map(({ size }) => size);
    expect(sizes).toHaveLength(2 * links.length);
    for (const size of sizes) expect(size - 7 * 160 * 160 * 3).toBeLessThan(300);
  });

  it("that people confirm make one lesion of several time points, which volumes are measured by; dismissed and unanswered ones do not", async () => {
    const { cases } = await step("timepoints.suggest", {}, { lesions });
    const { links } = await readSuggestedLinks(store, await openCases(store, cases));
    const all = Object.fromEntries(links.map(({ case: id }) => [id, "same"]));
    const linked = await step("timepoints.link", {}, { lesions, cases, decisions: await decided(cases, all) });
    const byTruth = new Map<string, string[]>();
    for (const { id } of (await openDataset(store, lesions)).lesions)
      byTruth.set(truth.get(id)!, [...(byTruth.get(truth.get(id)!) ?? []), id]);
    expect(await grouped(linked.lesions)).toEqual([...byTruth.values()].map((ids) => ids.sort()).sort());

    const { lines, meta } = await openVolumes(store, (await step("volumes.measure", {}, { lesions: linked.lesions })).volumes);
    expect([meta.lesions, lines.length]).toEqual([9, 21]);

    const [dismissed, unanswered] = links;
    const some = { ...all, [dismissed.case]: "different" };
    delete some[unanswered.case];
    const groups = await grouped(
      (await step("timepoints.link", {}, { lesions, cases, decisions: await decided(cases, some) })).lesions,
    );
    for (const { first, second } of [dismissed, unanswered])
      expect(groups.some((ids) => ids.includes(first) && ids.includes(second))).toBe(false);
    const { first, second } = links[2];
    expect(groups.some((ids) => ids.includes(first) && ids.includes(second))).toBe(true);
  });

  it("that nobody confirmed are taken only where asked for, and the lesions say so", async () => {
    const { cases } = await step("timepoints.suggest", {}, { lesions });
    const { lesions: linked } = await step("timepoints.link", { unconfirmed: "linked" }, { lesions, cases });
    const { lesions: lines } = await openDataset(store, linked);
    expect(lines.every(({ notes }) => notes.some((note) => note.endsWith("confirmed by nobody")))).toBe(true);
    expect((await grouped(linked)).length).toBe(9);
    const apart = await decided(cases, {});
    expect((await grouped((await step("timepoints.link", {}, { lesions, cases, decisions: apart })).lesions)).length).toBe(21);
  });

  it("can be given as a table, in which nothing may be missing", async () => {
    const { lesions: lines } = await openDataset(store, lesions);
    const row = ({ id, followUp }: Lesion): string => `${id},${truth.get(id)},${followUp!.timePoint},${followUp!.day + 3}`;
    const table = path.join(root, "links.csv");
    writeFileSync(table, ["id,lesion,time_point,day", ...lines.map(row)].join("\n"));
    const source = await putSource(store, "timepoints.link", { table });
    const { lesions: linked } = await step("timepoints.link", { table }, { lesions, source });
    expect((await grouped(linked)).length).toBe(9);
    expect((await openDataset(store, linked)).lesions[0].followUp).toMatchObject({ day: lines[0].followUp!.day + 3 });
    writeFileSync(table, ["id,lesion,time_point,day", ...lines.slice(1).map(row)].join("\n"));
    await expect(step("timepoints.link", { table }, { lesions, source })).rejects.toThrow(/was changed while the campaign ran/);
    const scannedAnew = { lesions, source: await putSource(store, "timepoints.link", { table }) };
    await expect(step("timepoints.link", { table }, scannedAnew)).rejects.toThrow(`has no row for ${lines[0].id}`);
  });

  it("need to know when a lesion was seen, and what was decided on them", async () => {
    const dataset = await openDataset(store, lesions);
    const untimed = await putSubset(store, dataset, { name: "untimed", origin: "real", skipped: {}, split: "all" }, (lesion) => {
      const { followUp: _, ...rest } = lesion;
      return { ...rest, source: { ...lesion.source, series: `scan-${lesion.followUp!.timePoint}` } };
    });
    await expect(step("timepoints.suggest", {}, { lesions: untimed })).rejects.toThrow(/does not say when it was seen/);
    const scans = path.join(root, "scans.csv");
    writeFileSync(scans, "series,time_point,day\nscan-0,0,0\nscan-1,1,40\nscan-2,2,90\n");
    const source = await putSource(store, "timepoints.suggest", { scans });
    const { cases } = await step("timepoints.suggest", { scans }, { lesions: untimed, source });
    const opened = await openCases(store, cases);
    expect((await readSuggestedLinks(store, opened)).links).toHaveLength(12);
    const { lesions: linked } = await step("timepoints.link", { unconfirmed: "linked" }, { lesions: untimed, cases });
    expect(new Set((await openDataset(store, linked)).lesions.map(({ followUp }) => followUp!.day))).toEqual(
      new Set([0, 40, 90]),
    );
    writeFileSync(scans, "series,time_point,day\nscan-0,0,0\n");
    const shortened = { lesions: untimed, source: await putSource(store, "timepoints.suggest", { scans }) };
    await expect(step("timepoints.suggest", { scans }, shortened)).rejects.toThrow(/no row for series scan-/);

    const { cases: others } = await step("timepoints.suggest", { title: "others" }, { lesions });
    const decisions = await decided(others, {});
    await expect(step("timepoints.link", {}, { lesions: untimed, cases, decisions })).rejects.toThrow(/about other cases/);
  });
});
