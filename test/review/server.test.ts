import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Client, Connection } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { putArtifact } from "../../artifacts/manifest.ts";
import type { Access } from "../../review/server/access.ts";
import { reviewApp } from "../../review/server/app.ts";
import { serveReview } from "../../review/server/serve.ts";
import { shownCasesSchema } from "../../schemas/review.ts";
import { putDrawnCases } from "./drawnCases.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "recist3d-review-"));
const store = openFileStore(folder);
// A real client of an engine that is not there.
const client = new Client({ connection: Connection.lazy({ address: "127.0.0.1:9", connectTimeout: "1s" }) });
const bytes = new TextEncoder().encode("<!doctype html>");
const assets = new Map([["index.html", { bytes, mediaType: "text/html" }]]);
const TOKEN = "a-token-of-the-test";
const app = (access: Access = { kind: "local" }) => reviewApp({ client, store, access, assets, patienceMs: 300 });
let cases: string;

beforeAll(async () => {
  cases = await putDrawnCases(store, { cases: 3, side: 16, slices: 2 });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ask = (address: string, headers: Record<string, string> = {}, access?: Access) =>
  app(access).request(`http://127.0.0.1:7345${address}`, { headers: { host: "127.0.0.1:7345", ...headers } });
const tell = (headers: Record<string, string>, access?: Access, body: unknown = {}) =>
  app(access).request("http://127.0.0.1:7345/api/readings/some/answer", {
    method: "POST",
    headers: { host: "127.0.0.1:7345", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("on the local address", () => {
  test.each(["127.0.0.1:7345", "localhost:7345", "localhost", "[::1]:80"])("answers to %s without login", async (host) => {
    expect((await ask("/", { host })).status).toBe(200);
  });

  test.each(["evil.example", "evil.example:7345", "127.0.0.1.evil.example", "localhost.evil.example:7345", ""])(
    "does not answer to %j: a name that resolves to this machine",
    async (host) => {
      const response = await ask(`/api/cases/${cases}`, { host });
      expect(response.status).toBe(421);
      expect(await response.text()).not.toContain("lesion");
    },
  );

  test.each([
    [{ origin: "https://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://127.0.0.1:7346" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "content-type": "text/plain" }, 415],
    [{ "content-type": "application/x-www-form-urlencoded" }, 415],
    // It came through and is judged by its content.
    [{ origin: "http://127.0.0.1:7345", "sec-fetch-site": "same-origin" }, 400],
    [{}, 400],
  ])("takes a message with %j: %i", async (headers, status) => {
    expect((await tell(headers)).status).toBe(status);
  });
});

describe("elsewhere", () => {
  const access: Access = { kind: "token", token: TOKEN };

  test.each<Record<string, string>>([
    {},
    { authorization: "Bearer wrong" },
    { authorization: TOKEN },
    { cookie: "recist3d-review=wrong" },
  ])("%j does not open it", async (headers) => {
    for (const address of ["/", `/api/cases/${cases}`, "/api/readings"])
      expect((await ask(address, headers, access)).status).toBe(401);
    expect((await tell(headers, access)).status).toBe(401);
  });

  test("the token opens it, as a bearer and as the cookie that the printed address sets", async () => {
    expect((await ask(`/api/cases/${cases}`, { authorization: `Bearer ${TOKEN}` }, access)).status).toBe(200);
    const entered = await ask(`/campaigns/demo?token=${TOKEN}`, {}, access);
    expect([entered.status, entered.headers.get("location")]).toEqual([302, "/campaigns/demo"]);
    const cookie = entered.headers.get("set-cookie")!;
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    expect((await ask("/", { cookie: cookie.split(";")[0] }, access)).status).toBe(200);
    expect((await ask("/?token=wrong", {}, access)).status).toBe(401);
  });

  test("the cookie alone sends nothing from another site", async () => {
    const cookie = `recist3d-review=${TOKEN}`;
    expect((await tell({ cookie, origin: "https://evil.example" }, access)).status).toBe(403);
    expect((await tell({ cookie }, access)).status).toBe(400);
  });
});

describe("cases", () => {
  test("are shown without the place where their pixels lie", async () => {
    const response = await ask(`/api/cases/${cases}`);
    const text = await response.text();
    const shown = shownCasesSchema.parse(JSON.parse(text));
    expect(shown.cases.map(({ id, images, masks }) => [id, images.length, masks.length])).toEqual([
      ["lesion-0", 3, 1],
      ["lesion-1", 3, 1],
      ["lesion-2", 3, 1],
    ]);
    for (const secret of ["secret", "safetensors", "pixels/"]) expect(text).not.toContain(secret);
  });

  test("give their pixels with type and shape, to be kept for ever", async () => {
    const server = await serveReview({ client, store, access: { kind: "local" }, assets }, { host: "127.0.0.1", port: 0 });
    try {
      const get = (layer: string) => fetch(`${server.address}api/cases/${cases}/2/${layer}`);
      const original = await get("images/0");
      expect([original.headers.get("x-dtype"), original.headers.get("x-shape")]).toEqual(["I16", "2,16,16"]);
      expect(original.headers.get("cache-control")).toMatch(/immutable/);
      const hu = new Int16Array(await original.arrayBuffer());
      expect(hu).toHaveLength(512);
      // 80 HU in the disc, −40 around, ± 30 of noise.
      expect(Math.abs(hu[8 * 16 + 8] - 80)).toBeLessThanOrEqual(30);
      expect(Math.abs(hu[0] + 40)).toBeLessThanOrEqual(30);
      const enhanced = await get("images/2");
      expect([enhanced.headers.get("x-dtype"), enhanced.headers.get("x-shape")]).toEqual(["U8", "32,32"]);
      const mask = new Uint8Array(await (await get("masks/0")).arrayBuffer());
      // Pixels of which the centre is nearer than the disc's radius (discRadius).
      const inside = Array.from(mask.subarray(0, 256)).filter((value) => value === 1).length;
      const near = Array.from({ length: 256 }, (_, i) => Math.hypot((i % 16) - 7.5, Math.floor(i / 16) - 7.5)).filter(
        (distance) => distance < 16 * 0.16,
      ).length;
      expect(inside).toBe(near);
    } finally {
      await server.close();
    }
  });

  test.each([
    ["3/images/0", 404],
    ["0/images/3", 404],
    ["0/masks/1", 404],
    ["0/files/0", 404],
    ["-1/images/0", 404],
    ["0/images/0x1", 404],
  ])("have no %s", async (address, status) => {
    const response = await ask(`/api/cases/${cases}/${address}`);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  test("nothing else of the store can be read", async () => {
    const other = await putArtifact(store, { type: "model", meta: {}, files: [] });
    const blob = await store.putBlob(Buffer.from("a sealed key"));
    for (const digest of [other, blob, "0".repeat(64)]) expect((await ask(`/api/cases/${digest}`)).status).toBe(404);
    expect((await ask("/api/cases/..%2f..%2fetc")).status).toBe(400);
  });
});

describe("messages", () => {
  test.each([
    [{}, /reader/],
    [{ reader: " ", cases: "0".repeat(64), entries: [] }, /reader/],
    [{ reader: "Ada", cases: "x", entries: [] }, /cases/],
    [{ reader: "Ada", cases: "0".repeat(64), entries: [] }, /entries/],
  ])("%j is refused with what is wrong in it", async (message, words) => {
    const response = await tell({}, undefined, message);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toMatch(words);
  });

  test("wait for an engine that is away: the page tries again", async () => {
    const entries = [{ position: 0, answer: "select", at: 1, tookMs: 1 }];
    const response = await tell({}, undefined, { reader: "Ada", cases: "0".repeat(64), entries });
    expect(response.status).toBe(503);
  });

  test("that are too long are not read", async () => {
    expect((await tell({}, undefined, { note: "x".repeat(300_000) })).status).toBe(413);
  });
});

test("pages load and run nothing from elsewhere", async () => {
  const policy = (await ask("/readings/some")).headers.get("content-security-policy")!;
  expect(policy).toMatch(/default-src 'none'/);
  expect(policy).not.toMatch(/unsafe-inline|https?:|\*/);
});
