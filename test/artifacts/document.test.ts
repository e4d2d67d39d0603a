import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { canonicalJson } from "../../artifacts/canonicalJson.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { type DocumentKind, parseDocument } from "../../artifacts/document.ts";
import { DamagedPointerError, MalformedDocumentError, MissingBlobError } from "../../artifacts/errors.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { manifestDocument } from "../../artifacts/manifest.ts";
import { actionDocument, actionPointer, campaignDocument, findAction } from "../../artifacts/records.ts";
import type { Manifest } from "../../schemas/artifacts.ts";
import type { CampaignRecord } from "../../schemas/records.ts";
import { mutatedJson } from "./mutatedJson.ts";
import { recordOf } from "./smallCampaign.ts";

const manifest: Manifest = {
  type: "dataset",
  schemaVersion: 1,
  meta: { name: "d", lesions: 3, nested: { a: [1, null, "x"] } },
  blobs: [{ path: "a/b", digest: sha256("a"), size: 1, mediaType: "text/plain" }],
};
const record = recordOf({
  kind: "network.train",
  part: 3,
  params: { rate: 0.1 },
  inputs: { images: { artifact: sha256("a"), record: sha256("b") } },
  outputs: { model: sha256("c") },
  parts: [sha256("d")],
});
const campaign: CampaignRecord = {
  type: "campaign-record",
  schemaVersion: 1,
  campaign: "a",
  pipeline: sha256("p"),
  source: sha256("s"),
  steps: { theta: sha256("t") },
  started: "2026-01-02T03:04:05.000Z",
  finished: "2026-01-02T03:04:05Z",
};

describe.each([
  [manifestDocument as DocumentKind<unknown>, manifest],
  [actionDocument as DocumentKind<unknown>, record],
  [campaignDocument as DocumentKind<unknown>, campaign],
])("a mutated $name", (kind, whole) => {
  test.prop([mutatedJson(whole)], { numRuns: 1000 })("is read to the byte, or refused by name: it never crashes", (bytes) => {
    const digest = sha256(bytes);
    try {
      expect(canonicalJson(parseDocument("file:/s", kind, digest, bytes))).toBe(bytes.toString());
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedDocumentError);
      expect((error as Error).message).toContain(`file:/s: blob ${digest} is not a valid ${kind.name}: `);
    }
  });

  test("with the key __proto__ is refused, not read without it", () => {
    const bytes = Buffer.from(canonicalJson(whole).replace(/^\{/, '{"__proto__":0,'));
    expect(() => parseDocument("file:/s", kind, sha256(bytes), bytes)).toThrow(MalformedDocumentError);
  });

  test.prop([fc.uint8Array()])("of any bytes is refused", (bytes) => {
    expect(() => parseDocument("file:/s", kind, sha256(bytes), Buffer.from(bytes))).toThrow(MalformedDocumentError);
  });
});

describe("a mutated pointer", () => {
  const folder = mkdtempSync(join(tmpdir(), "recist3d-document-"));
  const store = openFileStore(folder);
  const key = sha256("key");
  beforeAll(async () => void (await store.setPointer(actionPointer(key), 0)));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.prop([mutatedJson({ record: sha256("record") })], { numRuns: 300 })("leads nowhere, and says so", async (bytes) => {
    writeFileSync(join(folder, "pointers", `${actionPointer(key)}.json`), bytes);
    const error = await findAction(store, key).catch((thrown: unknown) => thrown);
    expect(error instanceof DamagedPointerError || error instanceof MissingBlobError).toBe(true);
  });
});
