import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { DamagedBlobError, DamagedPointerError, MissingBlobError, StoreInputError } from "../../artifacts/errors.ts";
import type { Store } from "../../artifacts/store.ts";

export interface StoreUnderTest {
  /** Opens an empty store; each call of `again` gives another handle on the same store. */
  open(): Promise<{ store: Store; again(): Promise<Store> /** The folder that holds the store's files. */; files: string }>;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Changes a file behind the store's back. */
export async function tamper(path: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, change(await readFile(path)));
}

export const flipBit = (bytes: Buffer): Buffer => {
  bytes[bytes.length >> 1] ^= 1;
  return bytes;
};

/** What every store keeps. */
export function storeContract(name: string, { open }: StoreUnderTest): void {
  describe(`${name}: blobs`, () => {
    let store: Store;
    let again: () => Promise<Store>;
    let files: string;
    beforeAll(async () => {
      ({ store, again, files } = await open());
    });
    const fileOf = (digest: string): string => join(files, "sha256", digest.slice(0, 2), digest.slice(2));

    it("come back as they were put, through any handle", async () => {
      const bytes = Buffer.from("lesion");
      const digest = await store.putBlob(bytes);
      expect(digest).toBe(sha256(bytes));
      expect(await store.getBlob(digest)).toEqual(bytes);
      expect(await (await again()).getBlob(digest)).toEqual(bytes);
    });

    test.prop([fc.uint8Array({ maxLength: 2000 })], { numRuns: 20 })(
      "of any content, given as part of a larger buffer",
      async (bytes) => {
        const around = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]);
        const digest = await store.putBlob(around.subarray(6, 6 + bytes.length));
        expect(digest).toBe(sha256(bytes));
        expect(Buffer.compare(await store.getBlob(digest), bytes)).toBe(0);
      },
    );

    it("may be empty", async () => {
      const digest = await store.putBlob(new Uint8Array());
      expect(await store.hasBlob(digest)).toBe(true);
      expect(await store.getBlob(digest)).toHaveLength(0);
    });

    it("may have 30 MB", async () => {
      const bytes = Buffer.alloc(30_000_000);
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
      const digest = await store.putBlob(bytes);
      expect((await store.getBlob(digest)).equals(bytes)).toBe(true);
    });

    it("are written once when put twice", async () => {
      const bytes = Buffer.from("twice");
      const digest = await store.putBlob(bytes);
      const before = await readdir(join(fileOf(digest), ".."));
      expect(await store.putBlob(bytes)).toBe(digest);
      expect(await readdir(join(fileOf(digest), ".."))).toEqual(before);
    });

    it("may be put by many at once", async () => {
      const bytes = Buffer.alloc(300_000, "same");
      const handles = await Promise.all(Array.from({ length: 4 }, again));
      const digests = await Promise.all(Array.from({ length: 20 }, (_, i) => handles[i % 4].putBlob(bytes)));
      expect(new Set(digests)).toEqual(new Set([sha256(bytes)]));
      expect((await store.getBlob(digests[0])).equals(bytes)).toBe(true);
      expect(await all(store.listStrays())).toEqual([]);
    });

    it("that are missing are named", async () => {
      const digest = sha256("never stored");
      expect(await store.hasBlob(digest)).toBe(false);
      const error = await store.getBlob(digest).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MissingBlobError);
      expect(error).toMatchObject({
        digest,
        store: store.url,
        message: expect.stringMatching(new RegExp(`^${escaped(store.url)}: blob ${digest} is missing — `)),
      });
    });

    it.each([
      ["a flipped bit", flipBit],
      ["an appended byte", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from([0])])],
      ["a missing end", (bytes: Buffer) => bytes.subarray(0, -1)],
      ["no bytes left", () => Buffer.alloc(0)],
    ])("that are damaged are named: %s; putting them again mends them", async (damage, change) => {
      const bytes = Buffer.from(`whole before ${damage}`);
      const digest = await store.putBlob(bytes);
      const found = sha256(change(Buffer.from(bytes)));
      await tamper(fileOf(digest), change);
      const error = await store.getBlob(digest).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DamagedBlobError);
      expect(error).toMatchObject({
        digest,
        store: store.url,
        found,
        message: expect.stringMatching(new RegExp(`^${escaped(store.url)}: blob ${digest} is damaged: .*${found} — `)),
      });
      await store.putBlob(bytes);
      expect(await store.getBlob(digest)).toEqual(bytes);
    });

    it("can be dropped, and dropped again", async () => {
      const digest = await store.putBlob(Buffer.from("old checkpoint"));
      await store.dropBlob(digest);
      expect(await store.hasBlob(digest)).toBe(false);
      await store.dropBlob(digest);
    });

    it("are not asked for by anything but a digest", async () => {
      for (const name of ["../../secret", "", "a".repeat(63), "A".repeat(64)]) {
        await expect(store.getBlob(name as never)).rejects.toThrow(StoreInputError);
        await expect(store.hasBlob(name as never)).rejects.toThrow(StoreInputError);
        await expect(store.dropBlob(name as never)).rejects.toThrow(StoreInputError);
      }
    });
  });

  describe(`${name}: lists`, () => {
    it("name every blob and pointer, and whatever else lies there", async () => {
      const { store, files } = await open();
      expect([await all(store.listBlobs()), await all(store.listPointers("")), await all(store.listStrays())]).toEqual([
        [],
        [],
        [],
      ]);
      const digests = await Promise.all(Array.from({ length: 30 }, (_, i) => store.putBlob(Buffer.from(`blob ${i}`))));
      for (const pointer of ["campaigns/b", "campaigns/a", "campaigns/a/b", "actions/00/x"]) await store.setPointer(pointer, 1);
      expect((await all(store.listBlobs())).sort()).toEqual([...digests].sort());
      expect(await all(store.listPointers("campaigns/"))).toEqual(["campaigns/a", "campaigns/a/b", "campaigns/b"]);
      expect(await all(store.listPointers("campaigns/a"))).toEqual(["campaigns/a", "campaigns/a/b"]);
      expect(await all(store.listPointers(""))).toHaveLength(4);
      expect(await all(store.listPointers("none/"))).toEqual([]);

      const strays = [
        "planted.txt",
        `sha256/${digests[0].slice(0, 2)}/${digests[0].slice(2)}.bak`,
        "sha256/readme",
        "pointers/campaigns/notes.txt",
      ];
      for (const stray of strays) await writeFile(join(files, stray), "stray");
      expect((await all(store.listStrays())).sort()).toEqual([...strays].sort());
      expect(await all(store.listBlobs())).toHaveLength(30);
      expect(await all(store.listPointers(""))).toHaveLength(4);
    });
  });

  describe(`${name}: pointers`, () => {
    let store: Store;
    let again: () => Promise<Store>;
    let files: string;
    beforeAll(async () => {
      ({ store, again, files } = await open());
    });

    it("keep JSON and can be set anew", async () => {
      expect(await store.getPointer("state/a")).toBeUndefined();
      expect(await store.setPointer("state/a", { round: 1, of: [1, "two", null] })).toBe(true);
      expect(await (await again()).getPointer("state/a")).toEqual({ round: 1, of: [1, "two", null] });
      expect(await store.setPointer("state/a", null)).toBe(true);
      expect(await store.getPointer("state/a")).toBeNull();
    });

    it("that are set if absent keep their first value", async () => {
      expect(await store.setPointer("commit/a", { by: 1 }, { ifAbsent: true })).toBe(true);
      expect(await store.setPointer("commit/a", { by: 2 }, { ifAbsent: true })).toBe(false);
      expect(await store.getPointer("commit/a")).toEqual({ by: 1 });
    });

    it("have one winner among 20 writers, and everyone reads the winner's value", async () => {
      const handles = await Promise.all(Array.from({ length: 4 }, again));
      for (let race = 0; race < 3; race++) {
        const won = await Promise.all(
          Array.from({ length: 20 }, (_, writer) =>
            handles[writer % 4].setPointer(`race/${race}`, { writer }, { ifAbsent: true }),
          ),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        for (const handle of handles) expect(await handle.getPointer(`race/${race}`)).toEqual({ writer: won.indexOf(true) });
      }
    });

    it.each([
      "",
      "/",
      "a/",
      "/a",
      "a//b",
      ".",
      "..",
      "a/../b",
      "../a",
      "a/..",
      ".hidden",
      "a b",
      "a\\b",
      "ä",
      "a\0",
      "a\n",
      "a.json/b",
      "a.JSON",
      "x".repeat(201),
      Array(17).fill("a").join("/"),
    ])("cannot be called %j", async (pointer) => {
      await expect(store.setPointer(pointer, 1)).rejects.toThrow(StoreInputError);
      await expect(store.setPointer(pointer, 1, { ifAbsent: true })).rejects.toThrow(/cannot name a pointer — use segments/);
      await expect(store.getPointer(pointer)).rejects.toThrow(StoreInputError);
    });

    it("may be called with every allowed character", async () => {
      for (const pointer of ["A-Z_a-z.0-9", "-", "_", "a..b/c.", "a/b/c/d/e", "jsonl"]) {
        await store.setPointer(`names/${pointer}`, pointer);
        expect(await store.getPointer(`names/${pointer}`)).toBe(pointer);
      }
    });

    it("take only JSON, and only little of it", async () => {
      await expect(store.setPointer("bad", { rate: Number.NaN })).rejects.toThrow("JSON cannot keep NaN (at $.rate)");
      await expect(store.setPointer("bad", "x".repeat(70_000))).rejects.toThrow(/70002 bytes are too many for a pointer/);
      expect(await store.getPointer("bad")).toBeUndefined();
    });

    it.each([
      ["appended white space", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("\n")])],
      ["a missing end", (bytes: Buffer) => bytes.subarray(0, -1)],
      ["no bytes left", () => Buffer.alloc(0)],
      ["bytes that are no UTF-8", (bytes: Buffer) => Buffer.from(bytes).fill(0xff, 8, 9)],
    ])("that are damaged are named: %s", async (_, change) => {
      await store.setPointer("damaged", { record: "abc" });
      await tamper(join(files, "pointers", "damaged.json"), change);
      const error = await store.getPointer("damaged").catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DamagedPointerError);
      expect(error).toMatchObject({ pointer: "damaged", store: store.url });
      await rm(join(files, "pointers", "damaged.json"));
    });

    test.prop([fc.uint8Array({ maxLength: 40 })], { numRuns: 25 })(
      "of any bytes are read or refused, never misread",
      async (bytes) => {
        await store.setPointer("fuzz", 1);
        await tamper(join(files, "pointers", "fuzz.json"), () => bytes);
        await store.getPointer("fuzz").then(
          (value) => expect(Buffer.from(JSON.stringify(value))).toEqual(Buffer.from(bytes)),
          (error: unknown) => expect(error).toBeInstanceOf(DamagedPointerError),
        );
      },
    );
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
