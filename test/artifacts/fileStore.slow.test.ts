import { spawn, spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../artifacts/digest.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";

const scratch = mkdtempSync(join(tmpdir(), "recist3d-store-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const emptyFolder = (): string => mkdtempSync(join(scratch, "store-"));

/** The other process: see there for what it does. */
const writer = ["--import", "tsx", resolve(import.meta.dirname, "fileStoreWriter.ts")];
const largeBytes = Buffer.alloc(200_000_000, 7);

describe("several processes", () => {
  it("has one winner among 8 processes that set a pointer if absent", async () => {
    const folder = emptyFolder();
    const gun = join(emptyFolder(), "gun");
    const children = Array.from({ length: 8 }, (_, i) => run([...writer, folder, "commit", String(i), gun]));
    await Promise.all(children.map((child) => child.line("ready")));
    writeFileSync(gun, "");
    const won = (await Promise.all(children.map((child) => child.ended))).map(({ output }) => output.includes("true"));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await openFileStore(folder).getPointer("commit")).toEqual({ by: String(won.indexOf(true)) });
  }, 60_000);
});

describe("kill -9 of a writer", () => {
  it("in the middle of a large blob leaves nothing visible; the next writer of the same blob succeeds", async () => {
    const folder = emptyFolder();
    const child = run([...writer, folder, "large"]);
    await child.line("writing");
    const temporaries = join(folder, "tmp");
    await until(
      () => existsSync(temporaries) && readdirSync(temporaries).some((name) => sizeOf(join(temporaries, name)) > 1_000_000),
    );
    child.kill();
    expect((await child.ended).signal).toBe("SIGKILL");
    const [left] = readdirSync(temporaries);
    expect(sizeOf(join(temporaries, left))).toBeLessThan(largeBytes.length);

    const store = openFileStore(folder);
    expect(await collect(store.listBlobs())).toEqual([]);
    expect(await collect(store.listStrays())).toEqual([]);
    expect(await store.hasBlob(sha256(largeBytes))).toBe(false);
    const digest = await store.putBlob(largeBytes);
    expect((await store.getBlob(digest)).equals(largeBytes)).toBe(true);
  }, 60_000);

  it("while it sets pointers as fast as it can, 4 times over, never leaves a pointer that cannot be read", async () => {
    const folder = emptyFolder();
    for (let life = 0; life < 4; life++) {
      const child = run([...writer, folder, "pointers", String(life)]);
      await child.line("writing");
      await new Promise((done) => setTimeout(done, 20 + 17 * life));
      child.kill();
      await child.ended;
      const store = openFileStore(folder);
      for await (const name of store.listPointers(""))
        expect(await store.getPointer(name)).toEqual({ payload: expect.stringMatching(/^x{5000}$/) });
    }
    expect((await collect(openFileStore(folder).listPointers("commit/"))).length).toBeGreaterThan(0);
  }, 120_000);

  it("between the two steps of a commit leaves a leftover that disturbs nothing", async () => {
    const folder = emptyFolder();
    const store = openFileStore(folder);
    await store.setPointer("commit", 1, { ifAbsent: true });
    linkSync(join(folder, "pointers/commit.json"), join(folder, "tmp/leftover"));
    expect(await store.setPointer("commit", 2, { ifAbsent: true })).toBe(false);
    await store.setPointer("commit", 3);
    expect(await store.getPointer("commit")).toBe(3);
    expect(await collect(store.listStrays())).toEqual([]);
  });
});

/** Whether this user may mount a file system of a given size in a mount namespace of their own. */
const mayMount = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "-o", "size=1m", "full", "/mnt"]).status === 0;

describe("a full store", () => {
  it.skipIf(!mayMount)("ENOSPC: says so, leaves nothing half-written, and takes what still fits (needs user namespaces)", () => {
    const folder = emptyFolder();
    const script = `mount -t tmpfs -o size=2m full ${folder} && exec ${process.execPath} ${writer.join(" ")} ${folder} fill 3000000`;
    const { stdout, stderr } = spawnSync("unshare", ["-Urm", "sh", "-c", script], { encoding: "utf8" });
    expect(stdout, stderr).toContain("StoreFullError");
    expect(stdout).toMatch(new RegExp(`file:${folder}: the store is full \\(ENOSPC.*\\) — free some space`));
    expect(stdout).toContain("blobs 0 temporaries 0 strays 0");
    expect(stdout).toContain("small ok");
  });

  it("EFBIG (a limit on the size of files): the same", () => {
    const limited = emptyFolder();
    const script = `ulimit -f 1000 && exec ${process.execPath} ${writer.join(" ")} ${limited} fill 3000000`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(stdout, stderr).toMatch(
      new RegExp(`StoreFullError file:${limited}: the store is full \\(EFBIG.*\\) — free some space`),
    );
    expect(stdout).toContain("blobs 0 temporaries 0 strays 0");
    expect(stdout).toContain("small ok");
  });
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 1));
}

/** A Node program whose lines of output can be waited for. It does not outlive the test: it ends or is killed. */
function run(args: string[]) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  const ended = new Promise<{ output: string; signal: NodeJS.Signals | null }>((done) =>
    child.once("close", (_, signal) => done({ output, signal })),
  );
  return {
    ended,
    kill: () => child.kill("SIGKILL"),
    line: (text: string) =>
      new Promise<void>((done, reject) => {
        const look = () => output.includes(`${text}\n`) && done();
        child.stdout.on("data", look);
        look();
        child.once("exit", () => reject(new Error(`ended before it said ${text}: ${output}`)));
      }),
  };
}
