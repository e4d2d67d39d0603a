import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreInputError } from "../../artifacts/errors.ts";
import { openStore, recist3dHome } from "../../artifacts/openStore.ts";
import { type S3Server, startS3Server } from "./s3Server.ts";

describe("openStore", () => {
  it.each([
    ["file:/data/store", "/data/store"],
    ["file:///data/store", "/data/store"],
    ["/data/store", "/data/store"],
    ["file:store", resolve("store")],
    ["./store", resolve("store")],
    ["C", resolve("C")],
  ])("opens folder %s", async (url, folder) => {
    expect((await openStore(url, {})).url).toBe(`file:${folder}`);
  });

  it.each([
    [{}, join(homedir(), ".local/share/recist3d/store")],
    [{ XDG_DATA_HOME: "/xdg" }, "/xdg/recist3d/store"],
    [{ XDG_DATA_HOME: "/xdg", RECIST3D_HOME: "/home" }, "/home/store"],
    [{ RECIST3D_HOME: "/home", RECIST3D_STORE: "/data" }, "/data"],
    [{ RECIST3D_HOME: "/home", RECIST3D_STORE: "" }, "/home/store"],
  ])("takes its default from %j", async (env, folder) => {
    expect((await openStore(undefined, env)).url).toBe(`file:${folder}`);
    if (!("RECIST3D_STORE" in env)) expect(join(recist3dHome(env), "store")).toBe(folder);
  });

  it.each(["", "file:", "http://host/bucket", "gs://bucket"])("refuses %j", async (url) => {
    await expect(openStore(url, {})).rejects.toThrow(StoreInputError);
    await expect(openStore(url, {})).rejects.toThrow(/write file:DIR/);
  });

  it("refuses an S3 store without keys, before it asks the server", async () => {
    for (const env of [{}, { RECIST3D_S3_ACCESS_KEY: "a" }, { AWS_SECRET_ACCESS_KEY: "b", RECIST3D_S3_ACCESS_KEY: "a" }]) {
      await expect(openStore("s3:http://host/bucket", env)).rejects.toThrow(
        new StoreInputError(
          "no keys for this S3 store",
          "s3:http://host/bucket",
          "set RECIST3D_S3_ACCESS_KEY and RECIST3D_S3_SECRET_KEY",
        ),
      );
    }
  });
});

describe("openStore on S3", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  }, 30_000);
  afterAll(() => server?.stop());

  it.each([
    ["RECIST3D_S3_ACCESS_KEY", "RECIST3D_S3_SECRET_KEY"],
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ])("takes its keys from %s and %s", async (access, secret) => {
    const url = await server.bucket();
    const store = await openStore(undefined, {
      RECIST3D_STORE: url,
      [access]: server.credentials.accessKey,
      [secret]: server.credentials.secretKey,
    });
    expect(store.url).toBe(url);
    expect(await store.hasBlob(await store.putBlob(Buffer.from("x")))).toBe(true);
  });
});
