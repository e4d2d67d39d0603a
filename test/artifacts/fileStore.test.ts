import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { StoreUnreachableError } from "../../artifacts/errors.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import { storeContract } from "./storeContract.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-store-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const emptyFolder = (): string => mkdtempSync(join(scratch, "store-"));

storeContract("folder", {
  async open() {
    const files = emptyFolder();
    const again = async () => openFileStore(files);
    return { store: await again(), again, files };
  },
});

describe("openFileStore", () => {
  it("makes nothing until something is written", async () => {
    const folder = join(emptyFolder(), "not", "there");
    const store = openFileStore(folder);
    expect(await store.hasBlob(sha256("x"))).toBe(false);
    expect(await store.getPointer("x")).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
    await store.putBlob(Buffer.from("x"));
    expect(readdirSync(folder).sort()).toEqual(["sha256", "tmp"]);
  });

  it("lays blobs and pointers out as documented, blobs read-only, and leaves no temporary file", async () => {
    const folder = emptyFolder();
    const store = openFileStore(folder);
    expect(store.url).toBe(`file:${folder}`);
    await store.putBlob(Buffer.from("abc"));
    await store.setPointer("campaigns/a", { b: 1, a: 2 });
    await store.setPointer("campaigns/a", { b: 1 }, { ifAbsent: true });
    const blob = join(folder, "sha256/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(readFileSync(blob, "utf8")).toBe("abc");
    expect(statSync(blob).mode & 0o777).toBe(0o444);
    expect(readFileSync(join(folder, "pointers/campaigns/a.json"), "utf8")).toBe('{"a":2,"b":1}');
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  });

  it("removes what dead processes left an hour ago, and nothing younger, at its first write", async () => {
    const folder = emptyFolder();
    mkdirSync(join(folder, "tmp"));
    for (const [name, ageMinutes] of [
      ["old", 61],
      ["young", 59],
    ] as const) {
      writeFileSync(join(folder, "tmp", name), "half");
      const time = Date.now() / 1000 - ageMinutes * 60;
      utimesSync(join(folder, "tmp", name), time, time);
    }
    const store = openFileStore(folder);
    await store.hasBlob(sha256(""));
    expect(readdirSync(join(folder, "tmp")).sort()).toEqual(["old", "young"]);
    await store.putBlob(Buffer.from("x"));
    expect(readdirSync(join(folder, "tmp"))).toEqual(["young"]);
  });

  it("says so when a file stands where its folder should be", async () => {
    const file = join(emptyFolder(), "file");
    writeFileSync(file, "");
    const store = openFileStore(file);
    await expect(store.putBlob(Buffer.from("x"))).rejects.toThrow(StoreUnreachableError);
    await expect(store.putBlob(Buffer.from("x"))).rejects.toThrow(/cannot be written|cannot be read/);
    await expect(store.setPointer("a", 1)).rejects.toThrow(`file:${file}: cannot be written (`);
  });

  it.skipIf(process.getuid?.() === 0)(
    "says so when the folder is read-only (not tested as root, whom nothing stops)",
    async () => {
      const folder = emptyFolder();
      chmodSync(folder, 0o555);
      await expect(openFileStore(folder).putBlob(Buffer.from("x"))).rejects.toThrow(
        /EACCES.*check that the folder is there and that this user may use it/,
      );
    },
  );
});
