import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { DamagedBlobError, MissingBlobError, StoreInputError } from "../../artifacts/errors.ts";
import { exportArtifact, type Unpack, verifyExport } from "../../artifacts/export.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { putArtifact } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { flipBit, tamper } from "./storeContract.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-export-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const stored = join(scratch, "store");
const store = openFileStore(stored);
const contents: Record<string, string> = {
  "lesions.jsonl": "{}\n",
  "shards/00000.safetensors": "zero",
  "shards/00001.safetensors": "one",
  empty: "",
};
let artifact: Digest;
beforeAll(async () => {
  const files = Object.entries(contents).map(([path, text]) => ({ path, bytes: Buffer.from(text), mediaType: "text/plain" }));
  artifact = await putArtifact(store, { type: "dataset", meta: {}, files });
});
let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(scratch, "to-")), "dataset");
});

describe("exportArtifact", () => {
  it("writes the files under their own paths, and the manifest", async () => {
    await exportArtifact(store, artifact, dir);
    for (const [path, text] of Object.entries(contents)) expect(readFileSync(join(dir, path), "utf8")).toBe(text);
    expect(sha256(readFileSync(join(dir, "_manifest.json")))).toBe(artifact);
    expect(readdirSync(join(dir, "..")).sort()).toEqual(["dataset"]);
    expect(await verifyExport(dir, artifact)).toEqual([]);
  });

  it("takes an empty folder, and refuses any other and files", async () => {
    mkdirSync(dir);
    await exportArtifact(store, artifact, dir);
    await expect(exportArtifact(store, artifact, dir)).rejects.toThrow(StoreInputError);
    await expect(exportArtifact(store, artifact, dir)).rejects.toThrow(`${dir}: this folder is not empty — name a folder`);
    await expect(exportArtifact(store, artifact, join(dir, "empty"))).rejects.toThrow(/this is a file/);
    expect(await verifyExport(dir, artifact)).toEqual([]);
  });

  it("leaves nothing when the artifact is not whole", async () => {
    const one = sha256("one");
    await tamper(join(stored, "sha256", one.slice(0, 2), one.slice(2)), flipBit);
    await expect(exportArtifact(store, artifact, dir)).rejects.toThrow(DamagedBlobError);
    await store.dropBlob(one);
    await expect(exportArtifact(store, artifact, dir)).rejects.toThrow(MissingBlobError);
    expect(readdirSync(join(dir, ".."))).toEqual([]);
    await store.putBlob(Buffer.from("one"));
  });
});

describe("verifyExport", () => {
  it.each<[string, string, (path: string) => Promise<void> | void]>([
    ["a flipped bit", "damaged", (path) => tamper(path, (bytes) => (bytes.length === 0 ? Buffer.from([1]) : flipBit(bytes)))],
    ["an appended byte", "damaged", (path) => tamper(path, (bytes) => Buffer.concat([bytes, Buffer.from("\n")]))],
    ["a deleted file", "missing", (path) => rmSync(path)],
  ])("names every file that was changed: %s", async (_, kind, spoil) => {
    for (const path of [...Object.keys(contents), "_manifest.json"]) {
      if (existsSync(dir)) rmSync(dir, { recursive: true });
      await exportArtifact(store, artifact, dir);
      await spoil(join(dir, path));
      expect(await verifyExport(dir, artifact)).toMatchObject([{ kind, what: `file ${path}`, where: dir }]);
    }
  });

  it("names every file that was added", async () => {
    await exportArtifact(store, artifact, dir);
    writeFileSync(join(dir, "shards/00002.safetensors"), "two");
    writeFileSync(join(dir, ".hidden"), "");
    expect(await verifyExport(dir, artifact)).toMatchObject([
      { kind: "extra", what: "file .hidden" },
      { kind: "extra", what: "file shards/00002.safetensors" },
    ]);
  });

  it("knows the files that were unpacked, and misses them where it is told of none", async () => {
    const unpack: Unpack = async function* ({ blobs }) {
      yield { path: "tables/files.csv", bytes: Buffer.from(blobs.map(({ path }) => path).join()) };
    };
    await exportArtifact(store, artifact, dir, unpack);
    expect(await verifyExport(dir, artifact, unpack)).toEqual([]);
    expect(await verifyExport(dir, artifact)).toMatchObject([
      { kind: "extra", what: "file tables/files.csv", detail: "it is not of this artifact" },
    ]);
    await tamper(join(dir, "tables/files.csv"), flipBit);
    expect(await verifyExport(dir, artifact, unpack)).toMatchObject([{ kind: "damaged", what: "file tables/files.csv" }]);
    rmSync(join(dir, "tables/files.csv"));
    expect(await verifyExport(dir, artifact, unpack)).toMatchObject([{ kind: "missing", what: "file tables/files.csv" }]);
  });

  it("holds sizes against the manifest", async () => {
    const digest = await store.putBlob(Buffer.from("zero"));
    const blob = { path: "zero", digest, size: 5, mediaType: "text/plain" };
    const lying = await putArtifact(store, { type: "dataset", meta: {}, files: [blob] });
    await exportArtifact(store, lying, dir);
    expect(await verifyExport(dir, lying)).toMatchObject([{ kind: "malformed", what: "file zero" }]);
  });

  it("says so where there is no folder, and follows no link", async () => {
    await expect(verifyExport(dir, artifact)).rejects.toThrow(StoreInputError);
    await expect(verifyExport(dir, artifact)).rejects.toThrow(`${dir}: there is no such folder`);
    await exportArtifact(store, artifact, dir);
    await expect(verifyExport(join(dir, "empty"), artifact)).rejects.toThrow("there is no such folder");
    symlinkSync("/dev/zero", join(dir, "endless"));
    expect(await verifyExport(dir, artifact)).toMatchObject([
      { kind: "extra", what: "file endless", detail: "it is neither a file nor a folder" },
    ]);
  });
});
