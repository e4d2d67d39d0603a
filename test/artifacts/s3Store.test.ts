import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { StoreInputError, StoreUnreachableError } from "../../artifacts/errors.ts";
import { openS3Bucket } from "../../artifacts/s3Bucket.ts";
import { openS3Store } from "../../artifacts/s3Store.ts";
import { type S3Server, startS3Server } from "./s3Server.ts";
import { storeContract } from "./storeContract.ts";

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
}, 30_000);
afterAll(() => server?.stop());

describe.each([
  ["at the root of a bucket", undefined],
  ["below a prefix", "group/recist3d"],
])("openS3Store %s", (_, prefix) => {
  storeContract("S3", {
    async open() {
      const url = await server.bucket(prefix);
      const again = () => openS3Store(url, server.credentials);
      return { store: await again(), again, files: `${server.data}${new URL(url.slice(3)).pathname}` };
    },
  });
});

describe("openS3Store", () => {
  it("keeps stores with different prefixes of one bucket apart", async () => {
    const url = await server.bucket();
    const [a, b] = await Promise.all([openS3Store(`${url}/a`, server.credentials), openS3Store(`${url}/ab`, server.credentials)]);
    const digest = await a.putBlob(Buffer.from("mine"));
    await a.setPointer("p", 1, { ifAbsent: true });
    expect(await b.hasBlob(digest)).toBe(false);
    expect(await b.getPointer("p")).toBeUndefined();
    for await (const stray of b.listStrays()) expect.fail(stray);
    expect(await b.setPointer("p", 2, { ifAbsent: true })).toBe(true);
  });

  it("leaves no claim behind after a commit", async () => {
    const url = await server.bucket();
    const store = await openS3Store(url, server.credentials);
    await Promise.all(Array.from({ length: 3 }, () => store.setPointer("commit", 1, { ifAbsent: true })));
    const left: string[] = [];
    for await (const { key } of openS3Bucket(url, server.credentials).list("")) left.push(key);
    expect(left).toEqual(["pointers/commit.json"]);
  });

  it("commits although the claim of a dead process lies there", async () => {
    const url = await server.bucket();
    const store = await openS3Store(url, server.credentials);
    await openS3Bucket(url, server.credentials).write(
      `claims/${sha256("pointers/commit.json")}/dead`,
      new Uint8Array(),
      "application/octet-stream",
    );
    expect(await store.setPointer("commit", 1, { ifAbsent: true })).toBe(true);
    expect(await store.setPointer("commit", 2, { ifAbsent: true })).toBe(false);
  });

  it("names a bucket that does not exist", async () => {
    const url = `s3:http://${server.host}:${server.port}/no-such-bucket`;
    await expect(openS3Store(url, server.credentials)).rejects.toThrow(
      new StoreUnreachableError(url, "bucket no-such-bucket does not exist", "create it, or correct the url"),
    );
  });

  it.each([
    ["an unknown access key", { accessKey: "nobody", secretKey: "contract-secret" }, /refuses these keys \(InvalidAccessKeyId: /],
    ["a wrong secret key", { accessKey: "contract", secretKey: "wrong-secret" }, /refuses these keys \(SignatureDoesNotMatch: /],
  ])("says that the keys are refused: %s", async (_, keys, message) => {
    const url = await server.bucket();
    const error = await openS3Store(url, keys).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreUnreachableError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(String(error)).toContain("set RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY");
    expect(String(error)).not.toContain(keys.secretKey);
  });

  it("says that nobody listens", async () => {
    const free = createServer();
    const port = await new Promise<number>((done) =>
      free.listen(0, "127.0.0.1", () => done((free.address() as { port: number }).port)),
    );
    await new Promise((done) => free.close(done));
    await expect(openS3Store(`s3:http://127.0.0.1:${port}/bucket`, server.credentials)).rejects.toThrow(
      /^s3:http:\/\/127\.0\.0\.1:\d+\/bucket: the server does not answer as it should \(ECONNREFUSED: .*\) — check that it is running/,
    );
  });

  it.each([
    ["s3:ftp://host/bucket", "not the url of an S3 store"],
    ["s3:http://", "not the url of an S3 store"],
    ["s3:http://host", '"" cannot name a bucket'],
    ["s3:http://host/B", '"B" cannot name a bucket'],
    ["s3:http://host/bucket/a//b", "the prefix may only have"],
    ["s3:http://host/bucket/a%20b", "the prefix may only have"],
    ["s3:http://host/bucket?x=1", "the prefix may only have"],
  ])("refuses %s", async (url, what) => {
    await expect(openS3Store(url, server.credentials)).rejects.toThrow(StoreInputError);
    await expect(openS3Store(url, server.credentials)).rejects.toThrow(`${url}: ${what}`);
  });

  it("refuses keys in the url without repeating them", async () => {
    const error = await openS3Store("s3:http://key:hush@host/bucket", server.credentials).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("must not hold keys");
    expect(String(error)).not.toContain("hush");
  });
});
