import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { StoreFullError } from "../../artifacts/errors.ts";
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

  it("lists more objects than a server tells at once (1000)", async () => {
    server = await startS3Server();
    const url = await server.bucket();
    const store = await openS3Store(url, server.credentials);
    const bucket = new URL(url.slice(3)).pathname;
    const names = Array.from({ length: 1100 }, (_, i) => sha256(`blob ${i}`)).sort();
    for (const name of names) {
      const folder = join(server.data, bucket, "sha256", name.slice(0, 2));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name.slice(2)), "");
    }
    expect((await listed(store)).sort()).toEqual(names);
  });

  it("goes on by itself when its server is killed and back within two seconds", async () => {
    const running = await startS3Server();
    server = running;
    const store = await openS3Store(await running.bucket(), running.credentials);
    const kept = await store.putBlob(Buffer.from("before"));
    await running.kill();
    const restarted = new Promise((done) => setTimeout(done, 300)).then(() => running.start());
    const [bytes, digest, won] = await Promise.all([
      store.getBlob(kept),
      store.putBlob(Buffer.from("after")),
      store.setPointer("commit", 1, { ifAbsent: true }),
    ]);
    await restarted;
    expect(bytes.toString()).toBe("before");
    expect(await store.hasBlob(digest)).toBe(true);
    expect(won).toBe(true);
  });

  /** A process that is in the middle of an upload. */
  async function uploading(url: string, { credentials }: S3Server, ...more: "dies"[]) {
    const program = resolve(import.meta.dirname, "s3StoreWriter.ts");
    const child = spawn(process.execPath, ["--import", "tsx", program, url, ...more], {
      env: { ...process.env, RECIST3D_S3_ACCESS_KEY: credentials.accessKey, RECIST3D_S3_SECRET_KEY: credentials.secretKey },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    const ended = new Promise<string>((done) => child.once("close", () => done(output)));
    await Promise.race([new Promise((done) => child.stdout.once("data", done)), ended]);
    return { ended, signal: () => child.signalCode };
  }

  it("shows nothing of a blob whose server was killed during the upload, and its writer is told", async () => {
    server = await startS3Server();
    const url = await server.bucket();
    const writer = await uploading(url, server);
    await server.kill();
    expect(await writer.ended).toContain(`StoreUnreachableError: ${url}: the server does not answer as it should (ECONN`);
    await server.start();
    const store = await openS3Store(url, server.credentials);
    expect(await listed(store)).toEqual([]);
    await store.putBlob(large);
    expect(await listed(store)).toEqual([sha256(large)]);
  });

  it("shows nothing of a blob whose writer was killed during the upload", async () => {
    server = await startS3Server();
    const url = await server.bucket();
    const writer = await uploading(url, server, "dies");
    await writer.ended;
    expect(writer.signal()).toBe("SIGKILL");
    const store = await openS3Store(url, server.credentials);
    expect(await listed(store)).toEqual([]);
    await new Promise((done) => setTimeout(done, 500));
    expect(await listed(store)).toEqual([]);
  });
});

const mount = (folder: string): boolean => spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "full", folder]).status === 0;
const unmount = (folder: string): void => {
  spawnSync("umount", [folder]);
  rmdirSync(folder);
};
const emptyFolder = (): string => mkdtempSync(join(tmpdir(), "recist3d-full-"));

function mayMount(): boolean {
  const folder = emptyFolder();
  try {
    return mount(folder);
  } finally {
    unmount(folder);
  }
}

describe("S3 store on a full disk", () => {
  it.skipIf(!mayMount())(
    "says so, leaves nothing half-written, and takes what still fits (needs the right to mount)",
    async () => {
      const folder = emptyFolder();
      try {
        mount(folder);
        server = await startS3Server(folder);
        const store = await openS3Store(await server.bucket(), server.credentials);
        const error = await store.putBlob(large.subarray(0, 9_000_000)).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(StoreFullError);
        expect(String(error)).toMatch(/the store is full \(InsufficientStorage: .*\) — free some space/);
        expect(await listed(store)).toEqual([]);
        const small = Buffer.from("still fits");
        expect(await store.getBlob(await store.putBlob(small))).toEqual(small);
      } finally {
        await server?.stop();
        unmount(folder);
      }
    },
  );
});
