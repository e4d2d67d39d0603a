import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import {
  DamagedBlobError,
  DamagedPointerError,
  MalformedDocumentError,
  MissingBlobError,
  StoreInputError,
  StoreUnreachableError,
} from "../../artifacts/errors.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { putArtifact } from "../../artifacts/manifest.ts";
import {
  actionPointer,
  commitAction,
  commitCampaign,
  type FoundAction,
  findAction,
  findCampaign,
  getRecord,
  putRecord,
  usableAction,
} from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import { recordOf, smallCampaign } from "./smallCampaign.ts";
import { flipBit, tamper } from "./storeContract.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-records-"));
afterAll(() => rmSync(scratch, { recursive: true }));

let folder: string;
let store: Store;
let record: ActionRecord;
let key: Digest;
beforeEach(async () => {
  folder = mkdtempSync(join(scratch, "store-"));
  store = openFileStore(folder);
  const labels = await putArtifact(store, {
    type: "labels",
    meta: {},
    files: [{ path: "a", bytes: Buffer.from("a"), mediaType: "text/plain" }],
  });
  record = recordOf({ kind: "labels.initial", inputs: {}, outputs: { labels } });
  key = record.actionKey as Digest;
});
const later = (): ActionRecord => ({ ...record, attempt: 2, finished: "2026-01-02T03:09:00.000Z" });
const fileOf = (digest: string): string => join(folder, "sha256", digest.slice(0, 2), digest.slice(2));

describe("commitAction", () => {
  it("makes the record the one that findAction finds", async () => {
    expect(await findAction(store, key)).toBeNull();
    const committed = await commitAction(store, key, record);
    expect(committed).toEqual({ digest: await putRecord(store, record), record });
    expect(await findAction(store, key)).toEqual(committed);
    expect(await getRecord(store, committed.digest)).toEqual(record);
    expect(await store.getPointer(`actions/${key.slice(0, 2)}/${key}`)).toEqual({ record: committed.digest });
  });

  it("lets the first writer win, and tells the others who won", async () => {
    const first = await commitAction(store, key, record);
    expect(await commitAction(store, key, later())).toEqual(first);
    expect(await findAction(store, key)).toEqual(first);
  });

  it("tells 20 simultaneous writers of one winner", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => commitAction(store, key, { ...record, attempt: i + 1 })));
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(1);
    expect(await findAction(store, key)).toEqual(all[0]);
  });

  it("refuses a record of another action, and one whose key does not follow from its contents", async () => {
    await expect(commitAction(store, sha256("other"), record)).rejects.toThrow(
      /^the record is of action [0-9a-f]{64}, not of [0-9a-f]{64}$/,
    );
    await expect(commitAction(store, key, { ...record, params: { more: 1 } })).rejects.toThrow(/do not give its key/);
    expect(await findAction(store, key)).toBeNull();
  });

  it("refuses a record whose outputs are not all stored", async () => {
    await store.dropBlob(sha256("a"));
    await expect(commitAction(store, key, record)).rejects.toThrow(MissingBlobError);
    expect(await findAction(store, key)).toBeNull();
  });

  it.each([
    ["the winner's record is gone", async (digest: Digest) => store.dropBlob(digest)],
    ["the winner's record is damaged", async (digest: Digest) => tamper(fileOf(digest), flipBit)],
    ["the pointer is damaged", async () => writeFileSync(join(folder, "pointers", `${actionPointer(key)}.json`), "{")],
    ["the pointer names no record", async () => void (await store.setPointer(actionPointer(key), { record: "x" }))],
    [
      "the pointer names another thing",
      async () => void (await store.setPointer(actionPointer(key), { record: record.outputs.labels })),
    ],
  ])("replaces what can no longer answer: %s", async (_, spoil) => {
    await spoil((await commitAction(store, key, record)).digest);
    await expect(findAction(store, key)).rejects.toThrow(/missing|damaged|not a valid/);
    const second = await commitAction(store, key, later());
    expect(second.record).toEqual(later());
    expect(await findAction(store, key)).toEqual(second);
  });

  it("replaces a record whose outputs are gone", async () => {
    const lost = await putArtifact(store, { type: "labels", meta: { run: 1 }, files: [] });
    await commitAction(store, key, { ...record, outputs: { labels: lost } });
    await store.dropBlob(lost);
    expect((await commitAction(store, key, record)).record).toEqual(record);
    expect((await findAction(store, key))?.record).toEqual(record);
  });
});

describe("findAction", () => {
  it("does not hide that a record is gone, damaged, or of another action", async () => {
    const { digest } = await commitAction(store, key, record);
    await tamper(fileOf(digest), flipBit);
    await expect(findAction(store, key)).rejects.toThrow(DamagedBlobError);
    await store.dropBlob(digest);
    await expect(findAction(store, key)).rejects.toThrow(MissingBlobError);
    const other = recordOf({ kind: "labels.harvest", inputs: {}, outputs: {} });
    await store.setPointer(actionPointer(key), { record: await putRecord(store, other) });
    await expect(findAction(store, key)).rejects.toThrow(DamagedPointerError);
    await expect(findAction(store, key)).rejects.toThrow(`it names the record of action ${other.actionKey}`);
  });

  it("does not take a campaign's record for an action's", async () => {
    const { records } = await smallCampaign(store, "c");
    const campaign = await findCampaign(store, "c");
    await expect(getRecord(store, campaign!.digest)).rejects.toThrow(MalformedDocumentError);
    await expect(getRecord(store, records.lesions.record.outputs.lesions as Digest)).rejects.toThrow(
      /is not a valid action record/,
    );
  });
});

describe("usableAction", () => {
  it.each([
    ["the record is gone", async ({ digest }: FoundAction) => store.dropBlob(digest)],
    ["the record is damaged", async ({ digest }: FoundAction) => tamper(fileOf(digest), flipBit)],
    ["an output's manifest is damaged", async () => tamper(fileOf(record.outputs.labels), flipBit)],
    ["an output's file is gone", async () => store.dropBlob(sha256("a"))],
  ])("takes for not done, so that it is done again, an action of which %s", async (_, spoil) => {
    const found = await commitAction(store, key, record);
    expect(await usableAction(store, key)).toEqual(found);
    await spoil(found);
    expect(await usableAction(store, key)).toBeNull();
  });

  it("does not take a store that is away for one that has lost it", async () => {
    await commitAction(store, key, record);
    const away = { ...store, getPointer: () => Promise.reject(new StoreUnreachableError("file:x", "away", "wait")) };
    await expect(usableAction(away, key)).rejects.toThrow(StoreUnreachableError);
  });
});

describe("commitCampaign", () => {
  it("is found again, and may be repeated", async () => {
    const { record: campaign } = await smallCampaign(store, "phantom-1");
    const found = await findCampaign(store, "phantom-1");
    expect(found?.record).toEqual(campaign);
    expect(await commitCampaign(store, "phantom-1", campaign)).toBe(found?.digest);
    expect(await findCampaign(store, "phantom-2")).toBeNull();
  });

  it("refuses a record of another campaign and an id that cannot name a pointer", async () => {
    const { record: campaign } = await smallCampaign(store, "a");
    await expect(commitCampaign(store, "b", campaign)).rejects.toThrow("the record is of campaign a, not of b");
    await expect(commitCampaign(store, "../a", { ...campaign, campaign: "../a" })).rejects.toThrow(StoreInputError);
    await store.setPointer("campaigns/b", await store.getPointer("campaigns/a"));
    await expect(findCampaign(store, "b")).rejects.toThrow("it names the record of campaign a");
  });
});
