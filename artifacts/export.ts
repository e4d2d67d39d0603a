import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Manifest } from "../schemas/artifacts.ts";
import { asDigest, sha256 } from "./digest.ts";
import { parseDocument } from "./document.ts";
import { StoreInputError } from "./errors.ts";
import { manifestDocument } from "./manifest.ts";
import type { Digest, Store } from "./store.ts";
import type { Problem } from "./verify.ts";

/** The manifest's name in an exported folder. No file of an artifact can be called so: their names start with a letter or digit. */
export const manifestFile = "_manifest.json";

/**
 * Copies an artifact to a plain folder: its files under their own paths, and its manifest as `_manifest.json`, whose
 * SHA-256 is the artifact's digest. The folder appears whole or not at all.
 * @param unpack further files to write, e.g. what other programs read out of files of our own; `verifyExport` calls them extra.
 * @throws StoreInputError when `dir` exists and is not an empty folder; MissingBlobError, DamagedBlobError or
 * MalformedDocumentError when the artifact is not whole.
 */
export async function exportArtifact(
  store: Store,
  artifact: Digest,
  dir: string,
  unpack?: (manifest: Manifest) => AsyncIterable<{ readonly path: string; readonly bytes: Uint8Array }>,
): Promise<void> {
  const target = resolve(dir);
  await checkFree(target);
  const bytes = await store.getBlob(artifact);
  const manifest = parseDocument(store.url, manifestDocument, artifact, bytes);
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial-${randomUUID()}`;
  try {
    await mkdir(partial);
    await writeFile(join(partial, manifestFile), bytes);
    const write = async (path: string, content: Uint8Array): Promise<void> => {
      await mkdir(dirname(join(partial, path)), { recursive: true });
      await writeFile(join(partial, path), content, { flag: "wx" });
    };
    for (const { path, digest } of manifest.blobs) await write(path, await store.getBlob(asDigest(digest)));
    for await (const file of unpack?.(manifest) ?? []) await write(file.path, file.bytes);
    // An empty folder in the way is allowed; of anything else the rename complains.
    await rmdir(target).catch(() => undefined);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/** What is wrong with an exported folder: files that are missing, changed, or not of the artifact. None: it is as exported. */
export async function verifyExport(dir: string, artifact: Digest): Promise<Problem[]> {
  const problems: Problem[] = [];
  const note = (kind: Problem["kind"], path: string, detail: string) =>
    problems.push({ kind, what: `file ${path}`, where: dir, detail });
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  const present = new Set(
    names
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join("/")),
  );

  if (!present.delete(manifestFile)) {
    note("missing", manifestFile, "without it nothing can be checked");
    return problems;
  }
  const bytes = await readFile(join(dir, manifestFile));
  if (sha256(bytes) !== artifact) {
    note("damaged", manifestFile, `its bytes hash to ${sha256(bytes)}, not to ${artifact}`);
    return problems;
  }
  for (const { path, digest } of parseDocument(dir, manifestDocument, artifact, bytes).blobs) {
    if (!present.delete(path)) {
      note("missing", path, `the manifest has it as blob ${digest}`);
      continue;
    }
    const found = sha256(await readFile(join(dir, path)));
    if (found !== digest) note("damaged", path, `its bytes hash to ${found}, not to ${digest}`);
  }
  for (const path of [...present].sort()) note("extra", path, "the manifest does not have it");
  return problems;
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
