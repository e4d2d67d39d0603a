import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson } from "../../artifacts/canonicalJson.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { MissingBlobError } from "../../artifacts/errors.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { putArtifact } from "../../artifacts/manifest.ts";
import { actionPointer, artifactsPresent, commitCampaign, findCampaign, putRecord } from "../../artifacts/records.ts";
import { openS3Store } from "../../artifacts/s3Store.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { type Problem, verifyCampaign } from "../../artifacts/verify.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import { type S3Server, startS3Server } from "./s3Server.ts";
import { commit, recordOf, type SmallCampaign, smallCampaign } from "./smallCampaign.ts";
import { flipBit, tamper } from "./storeContract.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-verify-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const pristine = join(scratch, "pristine");
let campaign: SmallCampaign;
beforeAll(async () => {
  campaign = await smallCampaign(openFileStore(pristine), "phantom-1");
}, 30_000);

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, "store-"));
  cpSync(pristine, folder, { recursive: true });
  store = openFileStore(folder);
});

const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(path, name)).isFile())
    .sort();
const fileOf = (digest: string): string => `sha256/${digest.slice(0, 2)}/${digest.slice(2)}`;
/** What a problem with a file of the store is called. */
const nameOf = (path: string): string =>
  path.startsWith("sha256/")
    ? `blob ${path.slice(7).replace("/", "")}`
    : `pointer ${path.slice("pointers/".length, -".json".length)}`;
const problems = async (): Promise<readonly Problem[]> => (await verifyCampaign(store, "phantom-1")).problems;

describe("verifyCampaign", () => {
  it("finds a whole campaign whole, and says how much it read", async () => {
    const blobs = filesBelow(join(pristine, "sha256"));
    expect(await verifyCampaign(store, "phantom-1")).toEqual({
      campaign: "phantom-1",
      store: store.url,
      ok: true,
      records: 5,
      artifacts: 6,
      blobs: blobs.length,
      bytes: blobs.reduce((sum, path) => sum + statSync(join(pristine, "sha256", path)).size, 0),
      external: [
        { artifact: campaign.source, where: "step lesions > input source" },
        ...[0, 1].map((i) => ({ artifact: campaign.source, where: `step lesions > part ${i} > input source` })),
      ],
      problems: [],
    });
  });

  it("reports its progress, from little to all", async () => {
    const steps: { checked: number; total: number; bytes: number }[] = [];
    const report = await verifyCampaign(store, "phantom-1", { onProgress: (step) => steps.push(step) });
    expect(steps.map(({ checked }) => checked)).toEqual(steps.map((_, i) => i + 1));
    for (const { checked, total } of steps) expect(checked).toBeLessThanOrEqual(total);
    expect(steps.at(-1)).toEqual({ checked: report.blobs, total: report.blobs, bytes: report.bytes });
  });

  it.each<[string, (path: string) => Promise<void> | void]>([
    ["a flipped bit", (path) => tamper(path, flipBit)],
    ["a flipped first bit", (path) => tamper(path, (bytes) => Buffer.concat([Buffer.from([bytes[0] ^ 128]), bytes.subarray(1)]))],
    ["an appended byte", (path) => tamper(path, (bytes) => Buffer.concat([bytes, Buffer.from(" ")]))],
    ["a missing last byte", (path) => tamper(path, (bytes) => bytes.subarray(0, -1))],
    ["a deleted file", (path) => rmSync(path)],
    [
      "a folder in its place",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
  ])("names every file that was tampered with: %s", async (change, spoil) => {
    for (const path of filesBelow(pristine)) {
      await spoil(join(folder, path));
      const report = await verifyCampaign(store, "phantom-1");
      expect(report.ok).toBe(false);
      const named = report.problems.find(({ what }) => what === nameOf(path));
      // A pointer of which a bit was flipped may still name a digest: then it is that one which is missing.
      const kind = change === "a deleted file" ? "missing" : expect.stringMatching(/^(damaged|missing)$/);
      if (named !== undefined || !path.startsWith("pointers/campaigns")) expect(named, path).toMatchObject({ kind });
      else expect(report.problems[0]).toMatchObject({ kind: "missing", where: "campaign phantom-1" });
      rmSync(join(folder, path), { recursive: true, force: true });
      cpSync(join(pristine, path), join(folder, path));
    }
  });

  it.each([
    ["missing", (path: string) => rmSync(path)],
    ["damaged", (path: string) => tamper(path, flipBit)],
  ] as const)("follows a sealed blob that is no file of its artifact: %s", async (kind, spoil) => {
    const sealed = await store.putBlob(Buffer.from("which mask came from where"));
    const cases = await putArtifact(store, { type: "cases", meta: { title: "blind", cases: 0, sealed }, files: [] });
    const prepared = await commit(store, recordOf({ kind: "study.prepare", inputs: {}, outputs: { cases } }));
    await commitCampaign(store, "blind", { ...campaign.record, campaign: "blind", steps: { prepare: prepared.digest } });
    expect(await verifyCampaign(store, "blind")).toMatchObject({ ok: true });
    await spoil(join(folder, fileOf(sealed)));
    const report = await verifyCampaign(store, "blind", { wholeStore: false });
    expect(report.problems.map(({ detail: _, ...problem }) => problem)).toEqual([
      { kind, what: `blob ${sealed}`, where: "step prepare > output cases > sealed" },
    ]);
    // A step whose sealed blob is gone is not taken for done, nor is anything stored that names one.
    expect(await artifactsPresent(store, cases)).toBe(kind === "damaged");
    if (kind === "missing")
      await expect(putArtifact(store, { type: "cases", meta: { sealed }, files: [] })).rejects.toThrow(MissingBlobError);
  });

  it("says how the campaign comes to what is wrong", async () => {
    await tamper(join(folder, fileOf(sha256("shard 1 of phantom-1"))), flipBit);
    rmSync(join(folder, fileOf(sha256("weights of phantom-1"))));
    rmSync(join(folder, fileOf(campaign.labels)));
    rmSync(join(folder, fileOf(campaign.record.source)));
    expect(
      (await problems()).map(({ kind, what, where }) => ({ kind, what, where })).sort((a, b) => (a.where < b.where ? -1 : 1)),
    ).toEqual([
      { kind: "missing", what: `blob ${campaign.record.source}`, where: "pipeline source" },
      {
        kind: "damaged",
        what: `blob ${sha256("shard 1 of phantom-1")}`,
        where: "step lesions > output lesions > shards/00001.safetensors",
      },
      { kind: "missing", what: `blob ${campaign.labels}`, where: "step masks > output labels" },
      {
        kind: "missing",
        what: `blob ${sha256("weights of phantom-1")}`,
        where: "step theta > output model > weights.safetensors",
      },
    ]);
  });

  it("names files that the store did not put there, also below the folder of an artifact's blobs", async () => {
    const blob = fileOf(campaign.model);
    const planted = ["notes.txt", `${blob}.orig`, "sha256/evil", "pointers/campaigns/x.txt", "pointers/.hidden.json"];
    for (const path of planted) writeFileSync(join(folder, path), "planted");
    expect((await problems()).map(({ kind, what }) => [kind, what]).sort()).toEqual(
      planted.map((path) => ["extra", `file ${path}`]).sort(),
    );
  });

  it("names planted blobs and pointers that carry a possible name", async () => {
    mkdirSync(join(folder, "sha256/ab"), { recursive: true });
    writeFileSync(join(folder, `sha256/ab/${"c".repeat(62)}`), "planted");
    writeFileSync(join(folder, "pointers/planted.json"), "{ }");
    expect((await problems()).map(({ kind, what, where }) => [kind, what, where])).toEqual([
      ["damaged", `blob ab${"c".repeat(62)}`, "not of this campaign"],
      ["damaged", "pointer planted", "not of this campaign"],
    ]);
    expect((await verifyCampaign(store, "phantom-1", { wholeStore: false })).ok).toBe(true);
  });

  it("is not disturbed by other campaigns, whole ones", async () => {
    await smallCampaign(store, "phantom-2");
    expect((await verifyCampaign(store, "phantom-1")).ok).toBe(true);
    expect((await verifyCampaign(store, "phantom-2")).ok).toBe(true);
    expect(await verifyCampaign(store, "phantom-3")).toMatchObject({
      ok: false,
      records: 0,
      problems: [{ kind: "missing", what: "pointer campaigns/phantom-3" }],
    });
  });
});

/** Makes `steps` the campaign's, by records that were never committed if need be. */
async function forge(steps: Record<string, ActionRecord>): Promise<Record<string, Digest>> {
  const digests: Record<string, Digest> = {};
  for (const [name, record] of Object.entries(steps)) digests[name] = await putRecord(store, record);
  const found = await findCampaign(store, "phantom-1");
  await commitCampaign(store, "phantom-1", { ...found!.record, steps: { ...found!.record.steps, ...digests } });
  return digests;
}

describe("verifyCampaign on forged records", () => {
  it.each<[string, Partial<ActionRecord>]>([
    ["another kind", { kind: "labels.harvest" }],
    ["another version", { kindVersion: 2 }],
    ["other parameters", { params: { method: "ellipse" } }],
    ["other inputs", { inputs: {} }],
    ["another fingerprint", { fingerprint: "other" }],
    ["a part's number", { part: 0 }],
  ])("recomputes keys: %s", async (_, changed) => {
    const forged = { ...campaign.records.masks.record, ...changed };
    const { masks: digest } = await forge({ masks: forged });
    expect(await problems()).toContainEqual({
      kind: "key",
      what: `blob ${digest}`,
      where: "step masks",
      detail: expect.stringMatching(`^the record says ${forged.actionKey}, its contents give [0-9a-f]{64}$`),
    });
  });

  it("wants the pointer by which an action is found again", async () => {
    const record = recordOf({ kind: "labels.initial", params: { method: "ellipse" }, inputs: {}, outputs: {} });
    await forge({ ellipses: record });
    expect(await problems()).toEqual([
      {
        kind: "missing",
        what: `pointer ${actionPointer(record.actionKey as Digest)}`,
        where: "step ellipses",
        detail: "the action would be computed again",
      },
    ]);
  });

  it("names an input that no action made, unless it is declared", async () => {
    const model = await putArtifact(store, { type: "model", meta: {}, files: [] });
    const step = await commit(
      store,
      recordOf({ kind: "segmentation.predict", inputs: { model: { artifact: model } }, outputs: {} }),
    );
    await forge({ masks3d: step.record });
    expect(await problems()).toEqual([
      {
        kind: "origin",
        what: `blob ${model}`,
        where: "step masks3d > input model",
        detail: "no action of this campaign made it, and it is not declared as external",
      },
    ]);
    const declared = await verifyCampaign(store, "phantom-1", { external: [model] });
    expect(declared.ok).toBe(true);
    expect(declared.external).toContainEqual({ artifact: model, where: "step masks3d > input model" });
  });

  it("names an input that the record it should come from does not have", async () => {
    const inputs = { lesions: { artifact: campaign.labels, record: campaign.records.lesions.digest } };
    const step = await commit(store, recordOf({ kind: "evaluate", inputs, outputs: {} }));
    await forge({ report: step.record });
    expect(await problems()).toEqual([
      {
        kind: "origin",
        what: `blob ${campaign.labels}`,
        where: "step report > input lesions",
        detail: `record ${campaign.records.lesions.digest}, from which it should come, has no such output`,
      },
    ]);
  });

  it("follows inputs to the records of other campaigns", async () => {
    const other = await smallCampaign(store, "phantom-2");
    const inputs = { model: { artifact: other.model, record: other.records.theta.digest } };
    await forge({ masks3d: (await commit(store, recordOf({ kind: "segmentation.predict", inputs, outputs: {} }))).record });
    expect(await verifyCampaign(store, "phantom-1")).toMatchObject({ ok: true, records: 11 });
    rmSync(join(folder, fileOf(other.records.parts[1].digest)));
    expect(await problems()).toContainEqual(
      expect.objectContaining({
        kind: "missing",
        what: `blob ${other.records.parts[1].digest}`,
        where: "step masks3d > input model > input images > part 1",
      }),
    );
  });

  it("names documents that are something else, and sizes that are wrong", async () => {
    const digest = sha256("weights of phantom-1");
    const lying = await store.putBlob(
      Buffer.from(
        canonicalJson({ type: "model", schemaVersion: 1, meta: {}, blobs: [{ path: "w", digest, size: 1, mediaType: "x" }] }),
      ),
    );
    const noManifest = await store.putBlob(Buffer.from("no manifest"));
    const record = recordOf({ kind: "network.train", inputs: {}, outputs: { a: lying, b: noManifest } });
    await store.setPointer(actionPointer(record.actionKey as Digest), { record: await putRecord(store, record) });
    await forge({ other: record });
    const found = await findCampaign(store, "phantom-1");
    await commitCampaign(store, "phantom-1", { ...found!.record, steps: { ...found!.record.steps, odd: campaign.model } });
    expect((await problems()).map(({ kind, what, where }) => [kind, what, where])).toEqual(
      expect.arrayContaining([
        ["malformed", `blob ${campaign.model}`, "step odd"],
        ["malformed", `blob ${noManifest}`, "step other > output b"],
        ["malformed", expect.stringMatching(`${lying}|${digest}`), expect.stringMatching(/> w$|> weights.safetensors$/)],
      ]),
    );
  });
});

describe("verifyCampaign on S3", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  }, 30_000);
  afterAll(() => server?.stop());

  it("finds the same, and looks at the whole store only when asked", async () => {
    const url = await server.bucket("p");
    const remote = await openS3Store(url, server.credentials);
    await smallCampaign(remote, "phantom-1");
    const files = join(server.data, new URL(url.slice(3)).pathname);
    writeFileSync(join(files, "planted"), "");
    expect((await verifyCampaign(remote, "phantom-1")).ok).toBe(true);
    expect((await verifyCampaign(remote, "phantom-1", { wholeStore: true })).problems).toMatchObject([
      { kind: "extra", what: "file planted" },
    ]);
    await tamper(join(files, fileOf(campaign.model)), flipBit);
    expect((await verifyCampaign(remote, "phantom-1")).problems).toMatchObject([
      { kind: "damaged", what: `blob ${campaign.model}`, where: "step theta > output model" },
    ]);
  });
});
