import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson } from "../../../artifacts/canonicalJson.ts";
import { keyIdOf, seal } from "../../../artifacts/crate/dsse.ts";
import { attestedFiles, crateFiles } from "../../../artifacts/crate/layout.ts";
import { publicPem } from "../../../artifacts/crate/signingKey.ts";
import { crateStatement, recordStatement } from "../../../artifacts/crate/statement.ts";
import { type CrateReport, verifyCrate } from "../../../artifacts/crate/verifyCrate.ts";
import { writeCrate } from "../../../artifacts/crate/writeCrate.ts";
import { sha256 } from "../../../artifacts/digest.ts";
import { MissingBlobError, StoreInputError } from "../../../artifacts/errors.ts";
import { openFileStore } from "../../../artifacts/fileStore.ts";
import { putArtifact } from "../../../artifacts/manifest.ts";
import { commitCampaign, findCampaign } from "../../../artifacts/records.ts";
import { InputError } from "../../../methods/inputError.ts";
import type { ActionRecord, CampaignRecord } from "../../../schemas/records.ts";
import { mutatedJson } from "../mutatedJson.ts";
import { commit, recordOf, type SmallCampaign, smallCampaign } from "../smallCampaign.ts";
import { flipBit } from "../storeContract.ts";
import { knownKey } from "./knownKey.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-crate-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const store = openFileStore(join(scratch, "store"));
const pristine = join(scratch, "pristine");
let campaign: SmallCampaign;
beforeAll(async () => {
  campaign = await smallCampaign(store, "phantom-1");
  await write(pristine);
}, 30_000);
let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(scratch, "to-")), "crate");
});

const write = async (dir: string, options: { all?: boolean; privateKey?: KeyObject; id?: string } = {}) =>
  writeCrate(store, (await findCampaign(store, options.id ?? "phantom-1"))!, dir, {
    all: options.all ?? false,
    privateKey: options.privateKey ?? knownKey,
  });
const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(dir, name)).isFile())
    .sort();
const contents = (dir: string): [string, string][] =>
  filesBelow(dir).map((path) => [path, readFileSync(join(dir, path), "latin1")]);
const linesOf = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");
const problemsOf = async (dir: string): Promise<string[]> =>
  (await verifyCrate(dir)).problems.map(({ kind, what }) => `${kind}: ${what}`);

describe("writeCrate", () => {
  it("writes a crate in which nothing is wrong", async () => {
    const written = await write(folder);
    expect(written).toEqual({ records: 5, artifacts: 6, included: [campaign.model], keyid: keyIdOf(knownKey) });
    expect(await verifyCrate(folder)).toEqual({
      folder,
      campaign: "phantom-1",
      ok: true,
      records: 5,
      artifacts: 6,
      included: [campaign.model],
      signed: { keyid: keyIdOf(knownKey), by: "crate" },
      isDescribedAsHere: true,
      external: expect.arrayContaining([{ artifact: campaign.source, where: "step lesions > input source" }]),
      problems: [],
    } satisfies CrateReport);
    const own = `artifacts/${campaign.model}`;
    expect(filesBelow(folder)).toEqual(
      [...crateFiles, `${own}/_manifest.json`, `${own}/network.json`, `${own}/weights.safetensors`].sort(),
    );
  });

  it("names records and artifacts by the SHA-256 of their lines, each after what it came from", async () => {
    const records = linesOf(join(pristine, "records.jsonl")).map((line) => sha256(line));
    const { parts, lesions, masks, theta } = campaign.records;
    expect(records).toEqual([...parts, lesions, masks, theta].map(({ digest }) => digest));
    const manifests = linesOf(join(pristine, "manifests.jsonl")).map((line) => sha256(line));
    expect(manifests).toEqual(expect.arrayContaining([campaign.source, campaign.dataset, campaign.labels, campaign.model]));
    expect(manifests).toHaveLength(6);
  });

  it("writes the same bytes for the same campaign and key, whenever and wherever", async () => {
    await write(folder);
    expect(contents(folder)).toEqual(contents(pristine));
    const other = join(folder, "..", "other");
    await write(other, { privateKey: generateKeyPairSync("ed25519").privateKey });
    const differing = contents(other).filter(([path, text]) => readFileSync(join(pristine, path), "latin1") !== text);
    expect(differing.map(([path]) => path)).toEqual(["attestations.intoto.jsonl", "signing-key.pub.pem"]);
  });

  it("leaves pictures, masks and lists of files out unless all are asked for", async () => {
    expect((await write(folder, { all: true })).included).toHaveLength(6);
    expect(await verifyCrate(folder)).toMatchObject({ ok: true });
    const metadata = (dir: string) => readFileSync(join(dir, "ro-crate-metadata.json"), "utf8");
    for (const left of [campaign.source, campaign.dataset, campaign.labels]) {
      expect(readdirSync(join(folder, "artifacts"))).toContain(left);
      expect(readdirSync(join(pristine, "artifacts"))).not.toContain(left);
      expect(metadata(pristine)).toContain(`"#artifact/${left}"`);
    }
  });

  it("leaves the key of a study out, and masks that readers drew", async () => {
    const key = Buffer.from('{"source":"WSSS"}');
    const sealed = await store.putBlob(key);
    const file = (path: string, bytes: Buffer) => ({ path, bytes, mediaType: "application/json" });
    const answers = file("answers.jsonl", Buffer.from("{}\n"));
    const outputs = {
      cases: await putArtifact(store, { type: "cases", meta: { sealed }, files: [] }),
      study: await putArtifact(store, { type: "study", meta: { sealed }, files: [file("key.json", key)] }),
      answers: await putArtifact(store, { type: "decisions", meta: {}, files: [answers] }),
      drawn: await putArtifact(store, { type: "decisions", meta: {}, files: [answers, file("masks/a.json", key)] }),
    };
    const { digest } = await commit(store, recordOf({ kind: "study.evaluate", inputs: {}, outputs }));
    await commitCampaign(store, "study", { ...campaign.record, campaign: "study", steps: { lesions: digest } });
    expect((await write(folder, { id: "study" })).included).toEqual([outputs.answers]);
    expect(contents(folder).filter(([, text]) => text.includes(key.toString()))).toEqual([]);
    const all = join(folder, "..", "all");
    await write(all, { id: "study", all: true });
    expect(readFileSync(join(all, "artifacts", outputs.study, "key.json"))).toEqual(key);
    expect(readdirSync(join(all, "artifacts", outputs.cases))).toEqual(["_manifest.json"]);
    expect(await verifyCrate(all)).toMatchObject({ ok: true });
  });

  it("leaves nothing behind when the campaign is not whole, and no other folder's files in danger", async () => {
    const broken = openFileStore(join(scratch, "broken"));
    cpSync(join(scratch, "store"), join(scratch, "broken"), { recursive: true });
    await broken.dropBlob(sha256("weights of phantom-1"));
    const found = (await findCampaign(broken, "phantom-1"))!;
    await expect(writeCrate(broken, found, folder, { all: false, privateKey: knownKey })).rejects.toThrow(MissingBlobError);
    expect(readdirSync(join(folder, ".."))).toEqual([]);
    await expect(write(pristine)).rejects.toThrow(StoreInputError);
  });
});

describe("ro-crate-metadata.json", () => {
  type Entity = Record<string, unknown> & { "@id": string; "@type": string | string[] };
  const graph = (): Entity[] =>
    (JSON.parse(readFileSync(join(pristine, "ro-crate-metadata.json"), "utf8")) as { "@graph": Entity[] })["@graph"];
  const ofType = (type: string): Entity[] => graph().filter((entity) => [entity["@type"]].flat().includes(type));
  const idsIn = (value: unknown): string[] => {
    if (typeof value !== "object" || value === null) return [];
    const fields = Object.entries(value);
    if (fields.length === 1 && fields[0][0] === "@id") return [fields[0][1] as string];
    return fields.flatMap(([, field]) => idsIn(field));
  };

  it("refers to nothing that it does not hold, but to specifications, and holds nothing twice", () => {
    const ids = graph().map((entity) => entity["@id"]);
    expect(new Set(ids).size).toBe(ids.length);
    const absent = graph()
      .flatMap((entity) => Object.values(entity).flatMap(idsIn))
      .filter((id) => !ids.includes(id));
    for (const id of absent) expect(id).toMatch(/^https:\/\/(w3id\.org\/ro\/crate|bioschemas\.org\/profiles)\//);
  });

  it("tells plan and execution as the Provenance Run Crate profile does", () => {
    const [workflow] = ofType("ComputationalWorkflow");
    expect(workflow).toMatchObject({ "@id": "pipeline.yaml", sha256: campaign.record.source });
    const steps = ofType("HowToStep");
    expect(steps.map(({ name, position }) => [name, position])).toEqual([
      ["lesions", "0"],
      ["masks", "1"],
      ["theta", "2"],
    ]);
    const [organization] = ofType("OrganizeAction");
    expect(organization.object).toEqual(ofType("ControlAction").map((control) => ({ "@id": control["@id"] })));
    const [run, ...actions] = ofType("CreateAction");
    expect(organization.result).toEqual({ "@id": run["@id"] });
    expect(run).toMatchObject({ instrument: { "@id": "pipeline.yaml" }, endTime: "2026-01-02T03:05:05.000+00:00" });
    expect(actions.map(({ identifier }) => identifier)).toEqual(
      [campaign.records.lesions, campaign.records.masks, campaign.records.theta].map(({ digest }) => `sha256:${digest}`),
    );
    expect(actions[2].result).toEqual({ "@id": `artifacts/${campaign.model}/` });
    expect(run.result).toEqual(actions[2].result);
  });

  it("gives files with size and SHA-256, and parameters with their values", () => {
    const hashed = ofType("File").filter(({ sha256 }) => sha256 !== undefined);
    expect(hashed).toHaveLength(filesBelow(pristine).length - 3); // not itself, the statements and the key
    for (const { "@id": path, sha256: digest, contentSize } of hashed) {
      const bytes = readFileSync(join(pristine, path));
      expect([digest, contentSize]).toEqual([sha256(bytes), String(bytes.length)]);
    }
    const values = ofType("PropertyValue").map(({ name, value }) => [name, value]);
    expect(values).toEqual(
      expect.arrayContaining([
        ["seed", 7],
        ["share", 0.5],
        ["fast", true],
        ["sizes", "[1,2]"],
      ]),
    );
  });
});

describe("verifyCrate", () => {
  beforeEach(() => cpSync(pristine, folder, { recursive: true }));

  it("says whether the key that was given has signed", async () => {
    const stranger = generateKeyPairSync("ed25519");
    expect(await verifyCrate(folder, stranger.publicKey)).toMatchObject({
      ok: false,
      signed: { keyid: keyIdOf(stranger.publicKey), by: "given" },
    });
    const forged = join(folder, "..", "forged");
    await write(forged, { privateKey: stranger.privateKey });
    expect(await verifyCrate(forged)).toMatchObject({ ok: true, signed: { by: "crate" } });
    expect((await verifyCrate(forged, knownKey)).problems.map(({ kind }) => kind)).toEqual([
      ...Array<string>(7).fill("signature"), // the key's file and six statements
    ]);
  });

  it("names every file that was changed, taken away or added", async () => {
    for (const path of filesBelow(pristine)) {
      writeFileSync(join(folder, path), flipBit(readFileSync(join(pristine, path))));
      expect(await verifyCrate(folder), path).toMatchObject({ ok: false });
      rmSync(join(folder, path));
      expect(await problemsOf(folder), path).toContain(`missing: file ${path.replace(/^artifacts\/[^/]*\//, "")}`);
      cpSync(join(pristine, path), join(folder, path));
      for (const added of [`${path}.bak`, join(path, "..", ".hidden")]) {
        writeFileSync(join(folder, added), "");
        expect((await problemsOf(folder)).join(), added).toMatch(/^extra: file [^,]*(bak|hidden)$/);
        rmSync(join(folder, added));
      }
    }
    expect(await problemsOf(folder)).toEqual([]);
    rmSync(join(folder, "artifacts"), { recursive: true });
    expect(await problemsOf(folder)).toEqual([`missing: file artifacts/${campaign.model}`]);
  });

  it("reads no link, wherever it leads", async () => {
    rmSync(join(folder, "README.md"));
    symlinkSync("/dev/zero", join(folder, "README.md"));
    expect(await problemsOf(folder)).toEqual(expect.arrayContaining(["extra: file README.md", "missing: file README.md"]));
  });

  it("finds what does not follow, though all digests and signatures are made anew", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    /** The crate after a change of its last record, as somebody would write it who has no other key. */
    const forge = (change: (record: ActionRecord) => object, drop = 0, describe = (metadata: string) => metadata): void => {
      const lines = linesOf(join(pristine, "records.jsonl"));
      lines.push(canonicalJson(change(JSON.parse(lines.pop()!) as ActionRecord)));
      const kept = lines.slice(drop);
      writeFileSync(join(folder, "records.jsonl"), kept.map((line) => `${line}\n`).join(""));
      const record = {
        ...campaign.record,
        steps: { ...campaign.record.steps, theta: sha256(lines.at(-1)!) },
      } satisfies CampaignRecord;
      writeFileSync(join(folder, "campaign.json"), canonicalJson(record));
      const metadata = readFileSync(join(pristine, "ro-crate-metadata.json"), "utf8");
      writeFileSync(join(folder, "ro-crate-metadata.json"), describe(metadata));
      const digests = attestedFiles.map((path) => [path, sha256(readFileSync(join(folder, path)))] as const);
      const statements = [
        ...kept.map((line) => recordStatement({ digest: sha256(line), record: JSON.parse(line) as ActionRecord })),
        crateStatement(new Map(digests), {
          campaign: "phantom-1",
          record: sha256(canonicalJson(record)),
          artifacts: [campaign.model],
        }),
      ];
      const sealed = statements.map((statement) => `${canonicalJson(seal(statement, privateKey))}\n`);
      writeFileSync(join(folder, "attestations.intoto.jsonl"), sealed.join(""));
      writeFileSync(join(folder, "signing-key.pub.pem"), publicPem(publicKey));
    };
    forge((record) => record);
    expect(await verifyCrate(folder)).toMatchObject({ ok: true, isDescribedAsHere: true });
    forge(
      (record) => record,
      0,
      (metadata) => metadata.replace('"value": 7', '"value": 8'),
    );
    expect(await verifyCrate(folder)).toMatchObject({ ok: true, isDescribedAsHere: false });
    forge((record) => ({ ...record, params: { epochs: 1 } }));
    expect(await problemsOf(folder)).toEqual(["key: file records.jsonl"]);
    forge((record) => ({ ...record, outputs: { model: "0".repeat(64) } }));
    expect(await problemsOf(folder)).toEqual(["missing: file manifests.jsonl", "extra: file manifests.jsonl"]);
    forge((record) => ({
      ...record,
      inputs: { ...record.inputs, images: { ...record.inputs.images, record: campaign.records.masks.digest } },
    }));
    expect(await problemsOf(folder)).toEqual([`origin: blob ${campaign.dataset}`]);
    forge((record) => record, 1);
    expect(await problemsOf(folder)).toEqual(["missing: file records.jsonl", "extra: file manifests.jsonl"]);
  });

  it("takes a folder that is no crate for wrong input", async () => {
    await expect(verifyCrate(scratch)).rejects.toThrow(InputError);
    await expect(verifyCrate(join(scratch, "absent"))).rejects.toThrow(StoreInputError);
  });

  /** A file of the crate with one change that a disk, a person or an enemy might make. */
  const changed = (path: string): fc.Arbitrary<Buffer> => {
    const whole = readFileSync(join(pristine, path));
    const lines = whole.toString("utf8").split(/(?<=\n)/);
    const line = fc.nat({ max: lines.length - 1 });
    const joined = (parts: readonly string[]): Buffer => Buffer.from(parts.join(""));
    const at = fc.nat({ max: whole.length - 1 });
    const ways = [
      fc
        .tuple(at, fc.nat({ max: 255 }))
        .map(([i, byte]) => Buffer.concat([whole.subarray(0, i), Buffer.from([byte]), whole.subarray(i + 1)])),
      at.map((i) => whole.subarray(0, i)),
      fc
        .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 4 }))
        .map(([i, more]) => Buffer.concat([whole.subarray(0, i), more, whole.subarray(i)])),
      line.map((i) => joined(lines.toSpliced(i, 1))),
      fc.tuple(line, line).map(([i, j]) => joined(lines.with(i, lines[j]).with(j, lines[i]))),
      fc.tuple(line, line).map(([i, j]) => joined(lines.toSpliced(j, 0, lines[i]))),
      fc.constantFrom(1, 100_000).map((depth) => joined([...lines, `${"[".repeat(depth)}${"]".repeat(depth)}\n`])),
    ];
    if (/^(campaign|pipeline|records|manifests|attestations)[.a-z]*\.jsonl?$/.test(path)) {
      ways.push(
        line.chain((i) =>
          mutatedJson(JSON.parse(lines[i])).map((bytes) => joined(lines.with(i, `${bytes.toString("latin1")}\n`))),
        ),
      );
    }
    return fc.oneof(...ways).filter((bytes) => !bytes.equals(whole));
  };

  test("finds any change of any file, and reads whatever it is given", async () => {
    const paths = filesBelow(pristine);
    const change = fc.constantFrom(...paths).chain((path) => fc.tuple(fc.constant(path), changed(path)));
    await fc.assert(
      fc.asyncProperty(change, async ([path, bytes]) => {
        writeFileSync(join(folder, path), bytes);
        try {
          const { ok, problems } = await verifyCrate(folder);
          expect([ok, problems.length > 0]).toEqual([false, true]);
        } finally {
          cpSync(join(pristine, path), join(folder, path));
        }
      }),
      { numRuns: Number(process.env.CRATE_FUZZ ?? 250) },
    );
    expect(await problemsOf(folder)).toEqual([]);
  });
});
