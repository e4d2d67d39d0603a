import { randomUUID } from "node:crypto";
import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { sha256 } from "./digest.ts";
import { DamagedBlobError, MissingBlobError, StoreFullError, StoreUnreachableError } from "./errors.ts";
import { blobAt, blobPath, pointerAt, pointerPath } from "./layout.ts";
import { decodePointer, encodePointer } from "./pointer.ts";
import type { Store } from "./store.ts";

/** A write in progress touches its temporary file all the time: one left alone for so long belongs to a dead process. */
const abandonedAfterMs = 3_600_000;

/**
 * A store in folder `dir` (made by the first write):
 *
 *     sha256/<first 2 digits>/<other 62>   blobs, read-only
 *     pointers/<name>.json                 pointers
 *     tmp/                                 writes in progress
 *
 * Everything is written to `tmp/`, flushed to the disk, and then renamed (or, to be the first, hard-linked) into place,
 * so neither `kill -9` nor a power cut leaves half a file under a final name. Any number of processes may share the folder.
 */
export function openFileStore(dir: string): Store {
  const root = resolve(dir);
  const url = `file:${root}`;
  const temporaries = join(root, "tmp");
  let swept: Promise<void> | undefined;

  /** Writes a whole file at `path`. @returns false when `onlyIfAbsent` and it exists already. */
  async function write(path: string, bytes: Uint8Array, mode: number, onlyIfAbsent: boolean): Promise<boolean> {
    const temporary = join(temporaries, randomUUID());
    try {
      await makeFolder(temporaries);
      // Leftovers only take space: whoever needs that space and has no right to remove them is told so by the write.
      swept ??= sweep(temporaries).catch(() => undefined);
      await swept;
      await makeFolder(dirname(path));
      const file = await open(temporary, "wx", mode);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      if (onlyIfAbsent) await link(temporary, path);
      else await rename(temporary, path);
      await syncFolder(dirname(path));
      return true;
    } catch (error) {
      if (onlyIfAbsent && codeOf(error) === "EEXIST") return false;
      throw storeError(url, error, "written");
    } finally {
      // What stays behind, another process's first write removes.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async function read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(path);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw storeError(url, error, "read");
    }
  }

  /** All files below `folder` (of the root), as paths from the root with "/", sorted. */
  async function* files(folder: string): AsyncIterable<string> {
    let entries: Awaited<ReturnType<typeof list>>;
    try {
      entries = await list(join(root, folder));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      throw storeError(url, error, "read");
    }
    for (const entry of entries) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) yield* files(path);
      else yield path;
    }
  }

  return {
    url,

    async putBlob(bytes) {
      const digest = sha256(bytes);
      const path = join(root, blobPath(digest));
      const present = await read(path);
      if (present === undefined || sha256(present) !== digest) await write(path, bytes, 0o444, false);
      // Its writer may have died between the rename and this.
      else await syncFolder(dirname(path));
      return digest;
    },

    async getBlob(digest) {
      const bytes = await read(join(root, blobPath(digest)));
      if (bytes === undefined) throw new MissingBlobError(url, digest);
      const found = sha256(bytes);
      if (found !== digest) throw new DamagedBlobError(url, digest, found);
      return bytes;
    },

    async hasBlob(digest) {
      const path = join(root, blobPath(digest));
      try {
        return (await stat(path)).isFile();
      } catch (error) {
        if (codeOf(error) === "ENOENT") return false;
        throw storeError(url, error, "read");
      }
    },

    async dropBlob(digest) {
      const path = join(root, blobPath(digest));
      try {
        await rm(path, { force: true });
      } catch (error) {
        throw storeError(url, error, "written");
      }
    },

    async *listBlobs() {
      for await (const path of files("sha256")) {
        const digest = blobAt(path);
        if (digest !== undefined) yield digest;
      }
    },

    async setPointer(name, value, options) {
      return write(join(root, pointerPath(name)), encodePointer(name, value), 0o644, options?.ifAbsent === true);
    },

    async getPointer(name) {
      const bytes = await read(join(root, pointerPath(name)));
      return bytes === undefined ? undefined : decodePointer(url, name, bytes);
    },

    async *listPointers(prefix) {
      const names: string[] = [];
      for await (const path of files("pointers")) {
        const name = pointerAt(path);
        if (name?.startsWith(prefix)) names.push(name);
      }
      yield* names.sort();
    },

    async *listStrays() {
      for await (const path of files("")) {
        if (blobAt(path) === undefined && pointerAt(path) === undefined && !path.startsWith("tmp/")) yield path;
      }
    },
  };
}

async function list(folder: string) {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Makes `folder` and its parents, and flushes the new entries to the disk. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Flushes a folder's entries to the disk, so that a rename outlives a power cut. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch (error) {
    // Windows and some network file systems cannot flush folders.
    if (!["EPERM", "EISDIR", "EINVAL", "EACCES", "ENOTSUP"].includes(codeOf(error) ?? "")) throw error;
  } finally {
    await handle?.close();
  }
}

/** Removes what dead processes left behind. */
async function sweep(temporaries: string): Promise<void> {
  for (const name of await readdir(temporaries)) {
    const path = join(temporaries, name);
    try {
      if (Date.now() - (await stat(path)).mtimeMs > abandonedAfterMs) await unlink(path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

function storeError(url: string, error: unknown, done: "read" | "written"): Error {
  const code = codeOf(error);
  if (code === undefined) return error as Error;
  const { message } = error as Error;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new StoreFullError(url, message, { cause: error });
    case "EPERM":
    case "ENOTSUP":
      if ((error as NodeJS.ErrnoException).syscall === "link") {
        return new StoreUnreachableError(
          url,
          `no commit is possible (${message})`,
          "keep the store on a file system that has hard links",
          { cause: error },
        );
      }
  }
  return new StoreUnreachableError(
    url,
    `cannot be ${done} (${message})`,
    "check that the folder is there and that this user may use it",
    { cause: error },
  );
}
