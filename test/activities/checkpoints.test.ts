import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { checkpointsOf, discardCheckpoints, LostCheckpointError, newestCheckpoint } from "../../activities/checkpoints.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { flipBit, tamper } from "../artifacts/storeContract.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-checkpoints-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const key = sha256("a training");
const states = ["one", "two", "three", "four"].map((text) => Buffer.from(text));
let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, "store-"));
  store = openFileStore(folder);
});
/** As a compute process does: each attempt has its own. */
const attempt = () => checkpointsOf(store, key);
const fileOf = (bytes: Buffer): string => join(folder, "sha256", sha256(bytes).slice(0, 2), sha256(bytes).slice(2));
const kept = async (): Promise<Digest[]> => {
  const digests: Digest[] = [];
  for await (const digest of store.listBlobs()) digests.push(digest);
  return digests.sort();
};

it("the newest is what the next attempt goes on from", async () => {
  expect(await attempt().latest()).toBeNull();
  for (const state of states) await attempt().save(state);
  expect(await attempt().latest()).toEqual(states[3]);
  await discardCheckpoints(store, key);
  expect(await attempt().latest()).toBeNull();
});

it("two are kept, however many attempts a training takes", async () => {
  for (const state of states) await attempt().save(state);
  expect(await kept()).toEqual([states[2], states[3]].map(sha256).sort());
});

it("an attempt that is behind another one, and saves what that one has saved, leaves the newest pointer with its blob", async () => {
  const [ahead, behind] = [attempt(), attempt()];
  await ahead.save(states[0]);
  await ahead.save(states[1]);
  await behind.save(states[0]);
  await behind.save(states[0]);
  await ahead.save(states[2]);
  await behind.save(states[1]);
  expect(await store.getBlob((await newestCheckpoint(store, key))!)).toEqual(await attempt().latest());
});

it.each([
  ["missing", async () => store.dropBlob(sha256(states[1]))],
  ["damaged", async () => tamper(fileOf(states[1]), flipBit)],
])("where the newest is %s, the one before stands in, and it is said", async (_, spoil) => {
  for (const state of states.slice(0, 2)) await attempt().save(state);
  await spoil();
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(await attempt().latest()).toEqual(states[0]);
  expect(said.mock.calls).toEqual([[expect.stringMatching(/is (missing|damaged).*; the checkpoint before it is taken$/)]]);
  said.mockRestore();
  await attempt().save(states[1]);
  expect(await attempt().latest()).toEqual(states[1]);
});

it("where both are lost it does not begin again by itself, but says how to", async () => {
  for (const state of states.slice(0, 2)) await attempt().save(state);
  for (const state of states.slice(0, 2)) await tamper(fileOf(state), flipBit);
  vi.spyOn(console, "error").mockImplementationOnce(() => {});
  const lost = attempt().latest();
  await expect(lost).rejects.toThrow(LostCheckpointError);
  await expect(lost).rejects.toThrow(/recist3d retry <campaign> <step> --discard-checkpoint/);
});
