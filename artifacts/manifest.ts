import { type BlobEntry, type Manifest, manifestSchema } from "../schemas/artifacts.ts";
import { asDigest } from "./digest.ts";
import { type DocumentKind, getDocument, putDocument } from "./document.ts";
import { MissingBlobError } from "./errors.ts";
import { inParallel } from "./inParallel.ts";
import type { Digest, Store } from "./store.ts";

/** A file of an artifact in the making: its bytes, or the entry of a blob that is stored already. */
export type ArtifactFile = { readonly path: string; readonly bytes: Uint8Array; readonly mediaType: string } | BlobEntry;

export interface ArtifactContent {
  readonly type: Manifest["type"];
  readonly meta: Manifest["meta"];
  readonly files: readonly ArtifactFile[];
}

export const manifestDocument: DocumentKind<Manifest> = { name: "manifest", schema: manifestSchema };

/**
 * Stores an artifact: its blobs first, its manifest (files sorted by path) last, so that a manifest which is there is
 * whole. Equal content has an equal digest, in whatever order the files are given.
 * @throws MissingBlobError when an entry's blob, or the sealed one that meta names, is not stored, ZodError when meta, a type or a path is not allowed,
 * RangeError when two files have one path, or a path is also a folder.
 */
export async function putArtifact(store: Store, { type, meta, files }: ArtifactContent): Promise<Digest> {
  const blobs = await inParallel(files, async (file): Promise<BlobEntry> => {
    if (!("bytes" in file)) {
      if (!(await store.hasBlob(asDigest(file.digest)))) throw new MissingBlobError(store.url, file.digest);
      return file;
    }
    const { path, bytes, mediaType } = file;
    return { path, digest: await store.putBlob(bytes), size: bytes.byteLength, mediaType };
  });
  for (const digest of sealedBlobs({ meta })) if (!(await store.hasBlob(digest))) throw new MissingBlobError(store.url, digest);
  return putDocument(store, manifestDocument, { type, schemaVersion: 1, meta, blobs: inOrder(blobs) });
}

/**
 * Blobs that belong to an artifact without being among its files, so that who copies or serves its files does not open
 * them: the key of a study of readers, which `meta.sealed` names.
 */
export function sealedBlobs({ meta: { sealed } }: Pick<Manifest, "meta">): Digest[] {
  return typeof sealed === "string" ? [asDigest(sealed)] : [];
}

/** The manifest of an artifact. @throws MissingBlobError, DamagedBlobError, MalformedDocumentError */
export function getManifest(store: Store, artifact: Digest): Promise<Manifest> {
  return getDocument(store, manifestDocument, artifact);
}

/** The bytes of one file of an artifact. @throws RangeError when it has no such file, MissingBlobError, DamagedBlobError */
export async function readFile(store: Store, manifest: Manifest, path: string): Promise<Buffer> {
  return store.getBlob(blobOf(manifest, path));
}

/** The digest of one file of an artifact. @throws RangeError when it has no such file */
export function blobOf(manifest: Manifest, path: string): Digest {
  const entry = manifest.blobs.find((blob) => blob.path === path);
  if (entry !== undefined) return asDigest(entry.digest);
  const paths = manifest.blobs.map((blob) => blob.path);
  const shown = paths.length > 8 ? `${paths.slice(0, 8).join(", ")} and ${paths.length - 8} more` : paths.join(", ");
  throw new RangeError(`this ${manifest.type} has no file ${path} — it has ${shown || "none"}`);
}

/** Sorted by path (UTF-16 code units). @throws RangeError when the paths cannot all be files of one folder. */
function inOrder(blobs: readonly BlobEntry[]): BlobEntry[] {
  const paths = new Set<string>();
  for (const { path } of blobs) {
    if (paths.has(path)) throw new RangeError(`two files of this artifact are called ${path}`);
    paths.add(path);
  }
  for (const path of paths) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (paths.has(path.slice(0, end))) throw new RangeError(`${path.slice(0, end)} cannot be a file and the folder of ${path}`);
    }
  }
  return [...blobs].sort((a, b) => (a.path < b.path ? -1 : 1));
}
