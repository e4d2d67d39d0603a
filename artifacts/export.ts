import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Manifest } from "../schemas/artifacts.ts";
import { asDigest, sha256 } from "./digest.ts";
import { parseDocument } from "./document.ts";
import { manifestDocument } from "./manifest.ts";
import { contentsOf, writeBelow, writeFolder } from "./plainFolder.ts";
import type { Digest, Store } from "./store.ts";
import type { Problem } from "./verify.ts";

/** The manifest's name in an exported folder. No file of an artifact can be called so: their names start with a letter or digit. */
export const manifestFile = "_manifest.json";

/** Files that follow from an artifact and are written beside its own. */
export type Unpack = (manifest: Manifest) => AsyncIterable<{ readonly path: string; readonly bytes: Uint8Array }>;

/**
 * Copies an artifact to a plain folder: its files under their own paths, and its manifest as `_manifest.json`, whose
 * SHA-256 is the artifact's digest. The folder appears whole or not at all.
 * @param unpack further files to write, e.g. what other programs read out of files of our own.
 * @throws StoreInputError when `dir` exists and is not an empty folder; MissingBlobError, DamagedBlobError or
 * MalformedDocumentError when the artifact is not whole.
 */
export function exportArtifact(store: Store, artifact: Digest, dir: string, unpack?: Unpack): Promise<void> {
  return writeFolder(dir, async (partial) => {
    const bytes = await store.getBlob(artifact);
    const manifest = parseDocument(store.url, manifestDocument, artifact, bytes);
    await writeBelow(partial, manifestFile, bytes);
    for (const { path, digest } of manifest.blobs) await writeBelow(partial, path, await store.getBlob(asDigest(digest)));
    for await (const file of unpack?.(manifest) ?? []) await writeBelow(partial, file.path, file.bytes);
  });
}

/**
 * What is wrong with an exported folder: files that are missing, changed, or neither the artifact's nor unpacked from it.
 * None: it is as `exportArtifact` with the same `unpack` writes it.
 *
 * @throws StoreInputError where there is no such folder; as `unpack` does.
 */
export async function verifyExport(dir: string, artifact: Digest, unpack?: Unpack): Promise<Problem[]> {
  const problems: Problem[] = [];
  const note = (kind: Problem["kind"], path: string, detail: string) =>
    problems.push({ kind, what: `file ${path}`, where: dir, detail });
  const { files: present, others } = await contentsOf(dir);
  for (const path of others) note("extra", path, "it is neither a file nor a folder");
  if (!present.delete(manifestFile)) {
    note("missing", manifestFile, "without it nothing can be checked");
    return problems;
  }
  const bytes = await readFile(join(dir, manifestFile));
  if (sha256(bytes) !== artifact) {
    note("damaged", manifestFile, `its bytes hash to ${sha256(bytes)}, not to ${artifact}`);
    return problems;
  }
  const check = async (path: string, digest: string, size: number, because: string): Promise<void> => {
    if (!present.delete(path)) {
      note("missing", path, `${because} ${digest}`);
      return;
    }
    const own = await readFile(join(dir, path));
    const found = sha256(own);
    if (found !== digest) note("damaged", path, `its bytes hash to ${found}, not to ${digest}`);
    else if (own.length !== size) note("malformed", path, `its manifest says ${size} bytes, it has ${own.length}`);
  };
  const manifest = parseDocument(dir, manifestDocument, artifact, bytes);
  for (const { path, digest, size } of manifest.blobs) await check(path, digest, size, "the manifest has it as blob");
  for await (const file of unpack?.(manifest) ?? [])
    await check(file.path, sha256(file.bytes), file.bytes.byteLength, "the artifact unpacks to it, with bytes that hash to");
  for (const path of [...present].sort()) note("extra", path, "it is not of this artifact");
  return problems;
}
