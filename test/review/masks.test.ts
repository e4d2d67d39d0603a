import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDrawnMask, putDrawnMask } from "../../activities/drawnMasks.ts";
import { asDigest } from "../../artifacts/digest.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { reviewApp } from "../../review/server/app.ts";
import { fromRuns, keptMaskSchema, toRuns } from "../../schemas/drawnMask.ts";
import { putDrawnCases } from "./drawnCases.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "recist3d-masks-"));
const store = openFileStore(folder);
// A real client of an engine that is not there.
const client = new Client({ connection: Connection.lazy({ address: "127.0.0.1:9", connectTimeout: "1s" }) });
const app = reviewApp({ client, store, access: { kind: "local" }, assets: new Map(), patienceMs: 300 });

const SIDE = 16;
const VOXELS = 2 * SIDE * SIDE;
let cases: string;
beforeAll(async () => {
  cases = await putDrawnCases(store, { cases: 2, side: SIDE, slices: 2 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const host = { host: "127.0.0.1:7345" };
const told = async (address: string, message: unknown) => {
  const headers = { ...host, "content-type": "application/json" };
  const response = await app.request(`http://127.0.0.1:7345${address}`, {
    method: "POST",
    headers,
    body: JSON.stringify(message),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const box = Uint8Array.from({ length: VOXELS }, (_, i) => (i % SIDE > 3 && i % SIDE < 9 ? 1 : 0));
const message = (changes: object = {}) => ({ cases, index: 1, author: "Ada", at: 7, from: cases, runs: toRuns(box), ...changes });

describe("a mask that is sent", () => {
  test("is kept with its author under a digest, the same when it is sent again, and given back", async () => {
    const first = await told("/api/masks", message());
    const { mask } = keptMaskSchema.parse(first.body);
    expect((await told("/api/masks", message())).body).toEqual({ mask });
    const { meta, shape, data } = await openDrawnMask(store, asDigest(mask));
    expect(meta).toEqual({ cases, case: "lesion-1", author: "Ada", at: 7, from: cases });
    expect([shape, data]).toEqual([[2, SIDE, SIDE], box]);
    const given = await app.request(`http://127.0.0.1:7345/api/masks/${mask}`, { headers: host });
    expect(fromRuns(((await given.json()) as { runs: number[] }).runs, VOXELS, 2)).toEqual(box);
    expect((await told("/api/masks", message({ author: "Bo" }))).body).not.toEqual({ mask });
  });

  test.each([
    [{ runs: [0, VOXELS - 1] }, 400, `mask: must be ${VOXELS} values from 0 to 1`],
    [{ runs: [2, VOXELS] }, 400, `mask: must be ${VOXELS} values from 0 to 1`],
    [{ runs: [0, VOXELS] }, 400, "this mask is empty"],
    [{ runs: [0] }, 400, "must be pairs"],
    [{ author: "<script>" }, 400, "must be a name"],
    [{ index: 2 }, 404, "numbered from 0 to 1"],
    [{ cases: "0".repeat(64) }, 404, "no such cases"],
  ])("is not kept where it is wrong: %j", async (changes, status, why) => {
    const answer = await told("/api/masks", message(changes));
    expect([answer.status, answer.body.error]).toEqual([status, expect.stringContaining(why)]);
  });
});

test("a mask of 512 kB is taken, as ragged as its pixels allow; one of more than 16 MiB is told what may be sent", async () => {
  const side = 256;
  const large = await putDrawnCases(store, { cases: 1, side, slices: 2 });
  const chessboard = Uint8Array.from({ length: 2 * side * side }, (_, p) => ((p % side) + Math.floor(p / side)) % 2);
  const runs = toRuns(chessboard);
  expect(JSON.stringify(runs).length).toBeGreaterThan(500_000);
  const { status, body } = await told("/api/masks", message({ cases: large, from: large, index: 0, runs }));
  expect(status).toBe(200);
  expect((await openDrawnMask(store, asDigest(body.mask as string))).data).toEqual(chessboard);
  expect(await told("/api/masks", { runs: "1".repeat(16 * 1024 * 1024) })).toEqual({
    status: 413,
    body: { error: expect.stringContaining("at most 1,048,576 stretches of pixels in a row") },
  });
});

test("no other artifact is given for a mask, and an answer cannot name what is not the reader's mask of these cases", async () => {
  for (const digest of [cases, "0".repeat(64)]) {
    const response = await app.request(`http://127.0.0.1:7345/api/masks/${digest}`, { headers: host });
    expect([response.status, await response.json()]).toEqual([400, { error: `${digest}: the store has no such mask` }]);
  }
  const meta = { cases, case: "lesion-1", author: "Ada", at: 7, from: cases };
  const mask = await putDrawnMask(store, { meta, shape: [2, SIDE, SIDE], data: box });
  const answer = (reader: string, of: string, digest: string) => {
    const entries = [{ position: 0, answer: "edited", at: 1, tookMs: 1, mask: digest }];
    return told("/api/readings/some/answer", { reader, cases: of, entries });
  };
  expect(await answer("Bo", cases, mask)).toMatchObject({ status: 400, body: { error: `mask ${mask} was drawn by Ada` } });
  const others = await putDrawnCases(store, { cases: 1, side: SIDE });
  expect(await answer("Ada", others, mask)).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("drawn on other cases") },
  });
  expect(await answer("Ada", cases, "1".repeat(64))).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining("no such mask") },
  });
  // What is right goes on to the engine, which is away here.
  expect((await answer("Ada", cases, mask)).status).toBe(503);
});

describe("a slice that is cut anew", () => {
  const cut = (changes: object = {}, index = 0) => {
    const blank = [0, SIDE * SIDE];
    const given = { slice: 1, window: { low: -160, high: 240 }, mask: blank, strokes: blank, ...changes };
    return told(`/api/masks/cut/${cases}/${index}`, given);
  };
  const strokes = (at: Record<number, number>): number[] =>
    toRuns(Uint8Array.from({ length: SIDE * SIDE }, (_, p) => at[p] ?? 0));

  test("has what was stroked, and not what was", async () => {
    const centre = (SIDE / 2) * SIDE + SIDE / 2;
    const { status, body } = await cut({ strokes: strokes({ [centre]: 1, [centre + 3]: 2, [centre - SIDE]: 1 }) });
    expect(status).toBe(200);
    const mask = fromRuns(body.runs as number[], SIDE * SIDE, 2)!;
    expect([mask[centre], mask[centre - SIDE], mask[centre + 3]]).toEqual([1, 1, 0]);
  });

  test("is not where nothing says what the lesion is, and not on a slice that is not there", async () => {
    expect(await cut()).toEqual({ status: 200, body: { failure: "no foreground samples" } });
    expect(await cut({ slice: 2 })).toMatchObject({
      status: 400,
      body: { error: "slice 2: there are 2 slices, counted from 0" },
    });
    expect(await cut({ strokes: [3, SIDE * SIDE] })).toMatchObject({ status: 400 });
    expect((await cut({}, 9)).status).toBe(404);
  });
});
