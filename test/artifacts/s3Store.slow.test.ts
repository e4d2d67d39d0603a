import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { StoreFullError, StoreUnreachableError } from "../../artifacts/errors.ts";
import { openS3Store } from "../../artifacts/s3Store.ts";
import type { Store } from "../../artifacts/store.ts";
import { type S3Server, startS3Server } from "./s3Server.ts";

const large = Buffer.alloc(300_000_000, 7);
let server: S3Server | undefined;
afterEach(() => server?.stop());

async function listed(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const digest of store.listBlobs()) found.push(digest);
  for await (const stray of store.listStrays()) found.push(stray);
  return found;
}

describe("S3 store", () => {
  it("takes a blob that is larger than a part of a multipart upload, from two writers at once", async () => {
    server = await startS3Server();
    const url = await server.bucket();
    const [a, b] = await Promise.all([openS3Store(url, server.credentials), openS3Store(url, server.credentials)]);
    const bytes = large.subarray(0, 80_000_000);
    expect(await Promise.all([a.putBlob(bytes), b.putBlob(bytes)])).toEqual([sha256(bytes), sha256(bytes)]);
    expect((await a.getBlob(sha256(bytes))).equals(bytes)).toBe(true);
    expect(await listed(a)).toEqual([sha256(bytes)]);
  });

  it("goes on by itself when its server is killed and back within two seconds", async () => {
    const running = await startS3Server();
    server = running;
    const store = await openS3Store(await running.bucket(), running.credentials);
    const kept = await store.putBlob(Buffer.from("before"));
    await running.kill();
    const restarted = new Promise((done) => setTimeout(done, 300)).then(() => running.start());
    const [bytes, digest, won] = await Promise.all([store.getBlob(kept), store.putBlob(Buffer.from("after")), store.setPointer("commit", 1, { ifAbsent: true })]);
    await restarted;
    expect(bytes.toString()).toBe("before");
    expect(await store.hasBlob(digest)).toBe(true);
    expect(won).toBe(true);
  });

  it("shows nothing of a blob whose server was killed during the upload, and says that it is gone", async () => {
    server = await startS3Server();
    const store = await openS3Store(await server.bucket(), server.credentials);
    const put = store.putBlob(large).catch((thrown: unknown) => thrown);
    await new Promise((done) => setTimeout(done, 700));
    await server.kill();
    const error = await put;
    await server.start();
    expect(error).toBeInstanceOf(StoreUnreachableError);
    expect(await listed(store)).toEqual([]);
    await store.putBlob(large);
    expect(await listed(store)).toEqual([sha256(large)]);
  });

  it("shows nothing of a blob whose writer was killed during the upload", async () => {
    server = await startS3Server();
    const url = await server.bucket();
    const child = spawn(process.execPath, ["--import", "tsx", resolve(import.meta.dirname, "s3StoreWriter.ts"), url], {
      env: { ...process.env, RECIST3D_S3_ACCESS_KEY: server.credentials.accessKey, RECIST3D_S3_SECRET_KEY: server.credentials.secretKey },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((done) => child.stdout.once("data", done));
    child.kill("SIGKILL");
    await new Promise((done) => child.once("exit", done));
    const store = await openS3Store(url, server.credentials);
    expect(await listed(store)).toEqual([]);
    await new Promise((done) => setTimeout(done, 500));
    expect(await listed(store)).toEqual([]);
  });
});

const mount = mkdtempSync(join(tmpdir(), "recist3d-full-"));
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "full", mount]).status === 0;

describe("S3 store on a full disk", () => {
  it.skipIf(!mounted)("says so, leaves nothing half-written, and takes what still fits (needs the right to mount)", async () => {
    try {
      server = await startS3Server(mount);
      const store = await openS3Store(await server.bucket(), server.credentials);
      const error = await store.putBlob(large.subarray(0, 9_000_000)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreFullError);
      expect(String(error)).toMatch(/the store is full \(InsufficientStorage: .*\) — free some space/);
      expect(await listed(store)).toEqual([]);
      const small = Buffer.from("still fits");
      expect(await store.getBlob(await store.putBlob(small))).toEqual(small);
    } finally {
      await server?.stop();
      spawnSync("umount", [mount]);
      rmdirSync(mount);
    }
  });
});
