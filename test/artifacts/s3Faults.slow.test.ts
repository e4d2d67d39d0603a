import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { StoreUnreachableError } from "../../artifacts/errors.ts";
import { getRecord } from "../../artifacts/records.ts";
import { openS3Store } from "../../artifacts/s3Store.ts";
import { verifyCampaign } from "../../artifacts/verify.ts";
import { type FaultyDoor, faults, openFaultyDoor } from "./faultyDoor.ts";
import { type S3Server, startS3Server } from "./s3Server.ts";
import { smallCampaign } from "./smallCampaign.ts";
import { storeContract } from "./storeContract.ts";

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server?.stop());

describe("S3 store of which every third request fails", () => {
  let door: FaultyDoor;
  beforeAll(async () => {
    // A commit of which the answer is lost cannot know that it won.
    door = await openFaultyDoor(server, {
      seed: 1,
      spared: ({ headers }) => (headers["if-none-match"] === undefined ? [] : ["lost", "cut"]),
    });
  });
  afterAll(() => door?.close());

  storeContract("S3", {
    async open() {
      const url = await server.bucket();
      const again = () => openS3Store(door.through(url), server.credentials);
      return { store: await again(), again, files: `${server.data}${new URL(url.slice(3)).pathname}` };
    },
  });

  it("met every fault", () => {
    for (const fault of faults) expect(door.met[fault], fault).toBeGreaterThan(5);
  });
});

describe("S3 store", () => {
  let door: FaultyDoor | undefined;
  afterEach(async () => {
    vi.useRealTimers();
    await door?.close();
    door = undefined;
  });

  it.each([1, 2, 3, 4])("keeps records whole although answers are lost, those of commits too (draw %i)", async (draw) => {
    door = await openFaultyDoor(server, { seed: draw });
    const url = await server.bucket();
    const { records } = await smallCampaign(await openS3Store(door.through(url), server.credentials), "small");
    const store = await openS3Store(url, server.credentials);
    expect(await verifyCampaign(store, "small")).toMatchObject({ problems: [] });
    for (const { digest, record } of [...records.parts, records.lesions, records.masks, records.theta])
      expect(await getRecord(store, digest)).toEqual(record);
  });

  it("lists page by page, and each page again when it fails", async () => {
    const url = await server.bucket();
    const store = await openS3Store(url, server.credentials);
    const digests: string[] = [];
    for (let batch = 0; batch < 1100; batch += 50) {
      const blobs = Array.from({ length: 50 }, (_, i) => store.putBlob(Buffer.from(`blob ${batch + i}`)));
      digests.push(...(await Promise.all(blobs)));
    }
    door = await openFaultyDoor(server, { seed: 5 });
    const found: string[] = [];
    for await (const digest of (await openS3Store(door.through(url), server.credentials)).listBlobs()) found.push(digest);
    expect(found.sort()).toEqual(digests.sort());
    expect(Object.values(door.met).reduce((a, b) => a + b)).toBeGreaterThan(0);
  });

  it("says that the clocks differ", async () => {
    const url = await server.bucket();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    const error = await openS3Store(url, server.credentials).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreUnreachableError);
    expect(String(error)).toMatch(/the clocks here and there differ too much \(RequestTimeTooSkewed: .*\) — set them right/);
  });
});
