import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { StoreInputError } from "./errors.ts";

/**
 * A folder outside the store, for people and other programs; it appears whole or not at all.
 * @param fill writes below the folder that it is given, which is renamed when all is there.
 * @throws StoreInputError when `dir` exists and is not an empty folder; as `fill` does.
 */
export async function writeFolder(dir: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const target = resolve(dir);
  await checkFree(target);
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial-${randomUUID()}`;
  try {
    await mkdir(partial);
    await fill(partial);
    // An empty folder in the way is allowed; of anything else the rename complains.
    await rmdir(target).catch(() => undefined);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** Writes a new file, and the folders above it. */
export async function writeBelow(dir: string, path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), bytes, { flag: "wx" });
}

export interface FolderContents {
  /** Paths of all files below the folder, with `/` between folders. */
  readonly files: Set<string>;
  /** What is neither a file nor a folder: links, sockets, devices. Nothing of ours is, and to read one may never end. */
  readonly others: readonly string[];
}

/** @throws StoreInputError where there is no such folder */
export async function contentsOf(dir: string): Promise<FolderContents> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    throw new StoreInputError("there is no such folder", dir, "name one that `recist3d export` wrote", { cause: error });
  });
  const files = new Set<string>();
  const others: string[] = [];
  for (const entry of entries) {
    const path = relative(dir, join(entry.parentPath, entry.name)).split(sep).join("/");
    if (entry.isFile()) files.add(path);
    else if (!entry.isDirectory()) others.push(path);
  }
  return { files, others: others.sort() };
}

async function checkFree(target: string): Promise<void> {
  const occupied = (what: string, cause?: unknown) =>
    new StoreInputError(what, target, "name a folder that does not exist yet, or an empty one", { cause });
  try {
    if ((await readdir(target)).length > 0) throw occupied("this folder is not empty");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR") throw occupied("this is a file", error);
    if (code !== "ENOENT") throw error;
  }
}
