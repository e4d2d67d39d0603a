import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { MalformedDocumentError, MissingBlobError } from "../../artifacts/errors.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../../artifacts/manifest.ts";
import { artifactsPresent } from "../../artifacts/records.ts";
import type { Digest } from "../../artifacts/store.ts";

const folder = mkdtempSync(join(tmpdir(), "recist3d-manifest-"));
afterAll(() => rmSync(folder, { recursive: true }));
const store = openFileStore(folder);

const text = (path: string, content: string): ArtifactFile => ({ path, bytes: Buffer.from(content), mediaType: "text/plain" });

describe("putArtifact", () => {
  it("writes the manifest that the documentation shows", async () => {
    const artifact = await putArtifact(store, {
      type: "labels",
      meta: { slices: 2 },
      files: [text("b.txt", "abc"), text("a/b.txt", "")],
    });
    const bytes = await store.getBlob(artifact);
    expect(bytes.toString()).toBe(
      `{"blobs":[{"digest":"${sha256("")}","mediaType":"text/plain","path":"a/b.txt","size":0},` +
        `{"digest":"${sha256("abc")}","mediaType":"text/plain","path":"b.txt","size":3}],"meta":{"slices":2},"schemaVersion":1,"type":"labels"}`,
    );
    expect(artifact).toBe(sha256(bytes));
  });

  test.prop([fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 })])(
    "gives one digest, in whatever order files and meta come",
    async (order) => {
      const files = order.map((i) => text(`file-${i}`, `${i}`));
      const meta = Object.fromEntries(order.map((i) => [`key-${i}`, i]));
      expect(await putArtifact(store, { type: "model", meta, files })).toBe(
        "b1b04fbd0621aa9d6075fc65787aae0a7a6ad486e94545deaadb8246faff0e3c",
      );
    },
  );

  it("takes entries of blobs that are stored, and names one that is not", async () => {
    const digest = await store.putBlob(Buffer.from("shard"));
    const entry = { path: "shards/0", digest, size: 5, mediaType: "application/octet-stream" };
    const artifact = await putArtifact(store, { type: "dataset", meta: {}, files: [text("lesions.jsonl", ""), entry] });
    expect((await getManifest(store, artifact)).blobs).toContainEqual(entry);
    await expect(
      putArtifact(store, { type: "dataset", meta: {}, files: [{ ...entry, digest: sha256("gone") }] }),
    ).rejects.toThrow(MissingBlobError);
  });

  it.each([
    [[text("a", "1"), text("a", "2")], "two files of this artifact are called a"],
    [[text("a/b/c", "1"), text("a", "2")], "a cannot be a file and the folder of a/b/c"],
    [[text("a/b/c", "1"), text("a/b", "2")], "a/b cannot be a file and the folder of a/b/c"],
  ])("refuses paths that cannot lie in one folder", async (files, message) => {
    await expect(putArtifact(store, { type: "labels", meta: {}, files })).rejects.toThrow(new RangeError(message));
  });

  it.each(["", "/a", "../a", "a/../b", "a//b", "a/", ".a", "_manifest.json", "a b", "a\\b"])("refuses path %j", async (path) => {
    await expect(putArtifact(store, { type: "labels", meta: {}, files: [text(path, "")] })).rejects.toThrow(/"path"/);
  });

  it("refuses meta that JSON cannot keep", async () => {
    await expect(putArtifact(store, { type: "labels", meta: { dice: Number.NaN }, files: [] })).rejects.toThrow(/"dice"/);
  });
});

describe("getManifest", () => {
  it("refuses a blob that is something else", async () => {
    const cases: [string, RegExp][] = [
      ["not JSON", /is not a valid manifest: it is not JSON — check that this digest is that of a manifest/],
      ['{"blobs":[],"meta":{},"schemaVersion":1,"type":"labels"}\n', /its JSON is not in canonical form/],
      ['{"blobs":[],"meta":{},"schemaVersion":2,"type":"labels"}', /\(at \$\.schemaVersion\)/],
      ['{"blobs":[],"meta":{},"schemaVersion":1,"type":"label"}', /\(at \$\.type\)/],
      ['{"blobs":[{"path":"../x"}],"meta":{},"schemaVersion":1,"type":"labels"}', /\(at \$\.blobs\.0\./],
      [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, /it is not JSON/],
    ];
    for (const [bytes, message] of cases) {
      const digest = await store.putBlob(Buffer.from(bytes));
      const error = await getManifest(store, digest).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MalformedDocumentError);
      expect(error).toMatchObject({ digest, store: store.url, message: expect.stringMatching(message) });
    }
  });
});

describe("readFile", () => {
  it("gives the bytes of a file, or names the files that there are", async () => {
    const manifest = await getManifest(
      store,
      await putArtifact(store, { type: "labels", meta: {}, files: [text("a", "1"), text("b", "2")] }),
    );
    expect((await readFile(store, manifest, "b")).toString()).toBe("2");
    await expect(readFile(store, manifest, "c")).rejects.toThrow(new RangeError("this labels has no file c — it has a, b"));
  });
});

describe("artifactsPresent", () => {
  it("is false as soon as the manifest or any blob is gone", async () => {
    const files = Array.from({ length: 20 }, (_, i) => text(`file-${i}`, `present ${i}`));
    const put = (): Promise<Digest> => putArtifact(store, { type: "labels", meta: { present: true }, files });
    const artifact = await put();
    expect(await artifactsPresent(store, artifact)).toBe(true);
    for (const gone of [artifact, sha256("present 0"), sha256("present 19")]) {
      await store.dropBlob(gone);
      expect(await artifactsPresent(store, artifact)).toBe(false);
      expect(await put()).toBe(artifact);
      expect(await artifactsPresent(store, artifact)).toBe(true);
    }
  });
});
