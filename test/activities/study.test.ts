import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCases } from "../../activities/cases.ts";
import { putDataset, putShard } from "../../activities/datasets.ts";
import { gatherPredictions, putPredictionPart } from "../../activities/predictions.ts";
import { putDecisions } from "../../activities/readingLog.ts";
import { createReadings } from "../../activities/readings.ts";
import { bodyOf, parseInput } from "../../activities/steps/index.ts";
import type { StepContext, StepResult } from "../../activities/steps/step.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { scalingAffine, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { Pictures } from "../../review/server/pictures.ts";
import { lesionSchema } from "../../schemas/dataset.ts";
import type { Action } from "../../schemas/messages.ts";
import type { Decision } from "../../schemas/reading.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { type StudyKey, type StudyResult, studyKeySchema, studyResultSchema } from "../../schemas/study.ts";

let folder: string;
let store: Store;
let lesions: Digest;
let wsss: Digest;

const DIMS: Vec3 = [8, 6, 5];
const COUNT = 20;
const spacingMm: Vec3 = [1, 1, 5];
const grid = { dims: DIMS, spacingMm, affine: scalingAffine(spacingMm) };
const size = DIMS[0] * DIMS[1] * DIMS[2];
/** Two lesions a patient; WSSS' masks cover everything, the reference n + 1 voxels of each slice. */
const referenceOf = (n: number) => Uint8Array.from({ length: size }, (_, i) => (i % (DIMS[0] * DIMS[1]) <= n ? 1 : 0));

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "recist3d-study-"));
  store = openFileStore(folder);
  const cases = Array.from({ length: COUNT }, (_, n) => ({
    id: `lesion-${n}`,
    patient: `patient-${n >> 1}`,
    category: n % 4 === 0 ? ("liver" as const) : ("lung" as const),
    split: "test" as const,
    marks: {
      slice: 2,
      long: [
        [1, 2],
        [5, 2],
      ],
      short: [
        [3, 1],
        [3, 3],
      ],
    } as never,
    window: { low: -160, high: 240 },
    image: { ...grid, data: new Int16Array(size).fill(n) },
    reference: { ...grid, data: referenceOf(n) },
    source: { series: "s", origin: [0, 0, 0] as Vec3 },
    notes: [],
  }));
  const manifest = await getManifest(store, await putShard(store, 0, cases));
  const lines = (await readFile(store, manifest, "lesions.jsonl")).toString("utf8").trimEnd().split("\n");
  const parts = [{ manifest, lesions: lines.map((line) => lesionSchema.parse(JSON.parse(line))) }];
  lesions = await putDataset(store, parts, { name: "tiny", split: "test", origin: "synthetic", skipped: {} }, () => true);
  const masks = cases.map(({ id }) => ({ id, mask: { ...grid, data: new Uint8Array(size).fill(1) }, outcomes: {} }));
  const part = await putPredictionPart(store, masks);
  wsss = (await gatherPredictions(store, [{ part }], { method: "WSSS", dimension: "3D" })).outputs.predictions;
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(kind: string, params: Action["params"], inputs: Record<string, Digest>): Promise<StepResult> {
  const refs = Object.fromEntries(Object.entries(inputs).map(([name, artifact]) => [name, { artifact }]));
  return bodyOf(kind).run({ store, progress: () => {} } as unknown as StepContext, parseInput({ kind, params, inputs: refs }));
}
const prepare = async (params: Action["params"]): Promise<Digest> =>
  (await run("study.prepare", { reference: "manual", ...params }, { lesions, "masks:WSSS": wsss })).outputs.cases;
async function keyOf(cases: Digest): Promise<StudyKey> {
  const { meta } = await openCases(store, cases);
  return studyKeySchema.parse(JSON.parse((await store.getBlob(meta.sealed as Digest)).toString("utf8")));
}

describe("study.prepare", () => {
  test("is the same for the same seed, and another for another", async () => {
    expect(await prepare({ study: "comparison", seed: 3 })).toBe(await prepare({ study: "comparison", seed: 3 }));
    expect(await prepare({ study: "comparison", seed: 4 })).not.toBe(await prepare({ study: "comparison", seed: 3 }));
  });

  test("shows every mask of every lesion once, one a case", async () => {
    const key = await keyOf(await prepare({ study: "acceptance" }));
    const shown = key.cases.map(({ lesion, masks }) => `${lesion} ${masks.join()}`).sort();
    const all = Array.from({ length: COUNT }, (_, n) => [`lesion-${n} WSSS`, `lesion-${n} manual`])
      .flat()
      .sort();
    expect(shown).toEqual(all);
    expect(key.cases.map(({ case: id }) => id)).toEqual(
      Array.from({ length: 2 * COUNT }, (_, i) => `case-${String(i + 1).padStart(5, "0")}`),
    );
  });

  test("puts each source left equally often, and the pixels where the key says", async () => {
    const digest = await prepare({ study: "comparison", seed: 9 });
    const key = await keyOf(digest);
    expect(key.cases.filter(({ masks }) => masks[0] === "WSSS")).toHaveLength(COUNT / 2);
    const pictures = new Pictures(store);
    for (const [i, { masks, lesion }] of key.cases.entries()) {
      for (const [side, source] of masks.entries()) {
        const { data, shape } = await pictures.tensor(digest, i, "masks", side);
        const n = source === "WSSS" ? DIMS[0] * DIMS[1] : Number(lesion.slice("lesion-".length)) + 1;
        expect(shape).toEqual([5, 6, 8]);
        // Only on the RECIST slice: elsewhere a 2D source would give itself away.
        expect((data as Uint8Array).reduce((sum, one) => sum + one, 0)).toBe(n);
      }
    }
  });

  test.each(["acceptance", "comparison"] as const)(
    "of %s: nothing that the server sends, and no name in the artifact, tells a source, lesion or patient",
    async (study) => {
      const digest = await prepare({ study });
      const { manifest, cases } = await openCases(store, digest);
      const sent = JSON.stringify(await new Pictures(store).shown(digest)) + JSON.stringify(manifest) + JSON.stringify(cases);
      for (const secret of ["WSSS", "manual", "lesion-", "patient-", wsss, lesions]) expect(sent).not.toContain(secret);
      for (const { path: file } of manifest.blobs)
        expect(file).toMatch(/^cases(\.jsonl|\/case-\d{5}-(image|masks)\.safetensors)$/);
      // A lesion's image is stored once, however many of its masks are judged.
      expect(
        new Set(manifest.blobs.filter((blob) => blob.path.endsWith("-image.safetensors")).map(({ digest }) => digest)).size,
      ).toBe(COUNT);
      for (const { masks } of cases)
        expect(masks.map(({ name }) => name)).toEqual(study === "acceptance" ? ["mask"] : ["left", "right"]);
    },
  );

  test("counts the lesions that it does not show", async () => {
    expect((await keyOf(await prepare({ study: "comparison" }))).leftOut).toEqual({ withoutMask: 0, notDrawn: 0 });
    expect((await keyOf(await prepare({ study: "comparison", lesions: 8 }))).leftOut).toEqual({ withoutMask: 0, notDrawn: 12 });
    const some = Array.from({ length: 5 }, (_, n) => ({
      ...{ id: `lesion-${n}`, mask: { ...grid, data: new Uint8Array(size).fill(1) }, outcomes: {} },
    }));
    const parts = [{ part: await putPredictionPart(store, some) }];
    const { outputs } = await gatherPredictions(store, parts, { method: "few", dimension: "3D" });
    const params = { study: "comparison", reference: "manual" };
    const prepared = await run("study.prepare", params, { lesions, "masks:few": outputs.predictions });
    expect((await keyOf(prepared.outputs.cases)).leftOut).toEqual({ withoutMask: 15, notDrawn: 0 });
    expect(prepared.summary).toMatchObject({ lesions: 5, "without a mask of every source": 15 });
  });

  test("draws categories by their share, or equally", async () => {
    const livers = async (strata: string, count: number) =>
      (await keyOf(await prepare({ study: "comparison", strata, lesions: count }))).cases.filter(
        ({ category }) => category === "liver",
      ).length;
    expect(await livers("proportional", 8)).toBe(2);
    expect(await livers("equal", 8)).toBe(4);
  });

  test("refuses a comparison of one source, and answers for names", async () => {
    await expect(run("study.prepare", { study: "comparison" }, { lesions, "masks:WSSS": wsss })).rejects.toThrow(InputError);
    await expect(prepare({ study: "acceptance", reference: "both" })).rejects.toThrow(InputError);
  });
});

test("a reading of a study's cases that asks for answers which mean nothing to it is refused before anybody reads", async () => {
  const readings = createReadings(store, async () => "none");
  const open = async (protocol: Action["params"]) => {
    const inputs = { cases: { artifact: await prepare({ study: "acceptance" }) } };
    const params = stepKinds.reading.params.parse(protocol) as Action["params"];
    return readings.openReading({ action: { kind: "reading", version: 1, params, inputs }, since: 1 });
  };
  expect(await open({ protocol: "acceptance", repeats: 0.1 })).toMatchObject({ count: 2 * COUNT, length: 2 * COUNT + 4 });
  await expect(open({ protocol: "comparison" })).rejects.toThrow(/left, right, both, neither would mean nothing/);
});

async function evaluated(
  cases: Digest,
  decisions: Decision[],
  log: object[] = [],
): Promise<{ result: StudyResult; csv: string }> {
  const bytes = Buffer.from(log.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const digest = await putDecisions(
    store,
    decisions,
    { bytes },
    {
      title: "A study",
      cases,
      decidedBy: "people",
      readers: [...new Set(decisions.map(({ reader }) => reader!))].map((reader) => ({ reader, verdict: null, note: null })),
      closedBy: "readers",
    },
  );
  const { study } = (await run("study.evaluate", {}, { cases, decisions: digest })).outputs;
  const manifest = await getManifest(store, study);
  return {
    result: studyResultSchema.parse(JSON.parse((await readFile(store, manifest, "study.json")).toString("utf8"))),
    csv: (await readFile(store, manifest, "decisions.csv")).toString("utf8"),
  };
}
const decision = (id: string, reader: string, answer: string, tookMs = 1000, repeat = false): Decision => ({
  case: id,
  reader,
  answer,
  tookMs,
  repeat,
  at: 1_700_000_000_000,
});

describe("study.evaluate", () => {
  test("acceptance: rates by source, paired test, agreement with oneself and each other, by hand", async () => {
    const cases = await prepare({ study: "acceptance" });
    const key = await keyOf(cases);
    // Ada rejects WSSS of lesions 0 to 4 and nothing else; Bob rejects WSSS of lesion 0 only. Ada changes 1 of 4 repeats.
    const n = (lesion: string) => Number(lesion.slice("lesion-".length));
    const answers = (reader: string, below: number) =>
      key.cases.map(({ case: id, lesion, masks }) =>
        decision(id, reader, masks[0] === "WSSS" && n(lesion) < below ? "reject" : "accept"),
      );
    const of = (lesion: number) => key.cases.find((one) => one.lesion === `lesion-${lesion}` && one.masks[0] === "WSSS")!.case;
    const repeats = [
      [0, "reject"],
      [1, "reject"],
      [2, "accept"],
      [9, "accept"],
    ] as const;
    const { result, csv } = await evaluated(cases, [
      ...answers("Ada", 5),
      ...repeats.map(([lesion, answer]) => decision(of(lesion), "Ada", answer, 1, true)),
      ...answers("Bob", 1),
    ]);
    const rate = (source: string, reader: string | null) =>
      result.acceptance!.rates.find((row) => row.source === source && row.reader === reader && row.category === null)!;
    expect(rate("WSSS", "Ada")).toMatchObject({ n: 20, accepted: 15, rate: 0.75, lesions: 20, patients: 10 });
    expect(rate("WSSS", "Bob")).toMatchObject({ n: 20, accepted: 19 });
    expect(rate("WSSS", null)).toMatchObject({ n: 40, accepted: 34, lesions: 20 });
    expect(rate("manual", null)).toMatchObject({ n: 40, accepted: 40, rate: 1 });
    expect(result.acceptance!.paired.find(({ reader }) => reader === "Ada")).toMatchObject({
      pairs: 20,
      both: 15,
      onlyFirst: 0,
      onlySecond: 5,
      neither: 0,
      test: { n: 5, p: 0.0625 },
    });
    const agreement = (...readers: string[]) => result.agreement.find((one) => one.readers.join() === readers.join())!;
    // Of 4 repeats 3 agree; first 3 reject of 4, then 2 of 4: κ = (3/4 − 1/2) / (1 − 1/2).
    expect(agreement("Ada")).toMatchObject({ n: 4, agreement: 0.75, kappa: 0.5 });
    expect(agreement("Bob")).toMatchObject({ n: 0, kappa: null });
    // Ada rejects 5 of 40, Bob 1 of these: observed 36/40, expected 35/40 · 39/40 + 5/40 · 1/40.
    const expected = (35 * 39 + 5) / 1600;
    expect(agreement("Ada", "Bob").kappa).toBeCloseTo((0.9 - expected) / (1 - expected), 12);
    expect(result.readers[0]).toMatchObject({ reader: "Ada", answered: 40, unanswered: 0, repeated: 4, seconds: { median: 1 } });
    expect(csv.split("\r\n")).toHaveLength(1 + 84 + 1);
    expect(csv).toContain(",WSSS,Ada,no,reject,2023-11-14T22:13:20.000Z,1000,people");
  });

  test("comparison: left and right become sources; changes of mind are counted from the log", async () => {
    const cases = await prepare({ study: "comparison" });
    const key = await keyOf(cases);
    // Manual is preferred 12 times, WSSS 3 times, both 4 times, neither once.
    const wanted = (i: number) => (i < 12 ? "manual" : i < 15 ? "WSSS" : i < 19 ? "both" : "neither");
    const given = key.cases.map(({ case: id, masks }, i) => {
      const what = wanted(i);
      return decision(id, "Ada", masks[0] === what ? "left" : masks[1] === what ? "right" : what, (i + 1) * 1000);
    });
    const line = (position: number, answer: string | null, at: number) => ({
      event: "answer",
      position,
      answer,
      at,
      tookMs: 1,
      received: at,
      reader: "Ada",
      case: key.cases[position].case,
      repeat: false,
    });
    const log = [
      line(0, "left", 1),
      line(0, "right", 2),
      line(1, "left", 3),
      line(1, null, 4),
      line(1, "left", 5),
      line(1, "left", 6),
    ];
    const { result } = await evaluated(cases, given, log);
    expect(result.comparison!.rows[0]).toMatchObject({
      n: 20,
      patients: 10,
      first: 3,
      second: 12,
      both: 4,
      neither: 1,
      test: { n: 15, share: 0.2, p: expect.closeTo(0.03515625, 12) },
    });
    expect(result.readers[0]).toMatchObject({ changes: 2, seconds: { median: 10.5, q1: 5.75, q3: 15.25 } });
  });

  test("rows of several readers have no p value of their own", async () => {
    const cases = await prepare({ study: "comparison" });
    const key = await keyOf(cases);
    const given = ["Ada", "Bob"].flatMap((reader) => key.cases.map(({ case: id }) => decision(id, reader, "left")));
    const { result } = await evaluated(cases, given);
    expect(result.comparison!.rows[0]).toMatchObject({ reader: null, n: 40, first: 20, second: 20, test: { p: null } });
    expect(result.comparison!.sides[0]).toMatchObject({ left: 20, right: 0, test: { p: 2 * 0.5 ** 20 } });
  });

  test("refuses decisions about other cases, and answers that are none of the study's", async () => {
    const cases = await prepare({ study: "comparison" });
    const other = await prepare({ study: "comparison", seed: 77 });
    const decisions = await putDecisions(
      store,
      [],
      { bytes: Buffer.alloc(0) },
      {
        title: "x",
        cases: other,
        decidedBy: "people",
        readers: [],
        closedBy: "readers",
      },
    );
    await expect(run("study.evaluate", {}, { cases, decisions })).rejects.toThrow(/other cases/);
    await expect(evaluated(cases, [decision("case-00001", "Ada", "accept")])).rejects.toThrow(/no answer/);
  });
});
