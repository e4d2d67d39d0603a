import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { getManifest, readFile } from "./manifest.ts";
import type { Digest, Store } from "./store.ts";

/**
 * Copies the files of an artifact to a folder, which is replaced as a whole: either every file is the artifact's, or the
 * folder is as it was before.
 * @throws MissingBlobError, DamagedBlobError
 */
export async function exportArtifact(store: Store, artifact: Digest, folder: string): Promise<void> {
  const manifest = await getManifest(store, artifact);
  await mkdir(path.dirname(folder), { recursive: true });
  const temporary = await mkdtemp(`${folder}.`);
  const replaced = `${temporary}.old`;
  try {
    for (const blob of manifest.blobs) {
      const file = path.join(temporary, blob.path);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, await readFile(store, manifest, blob.path));
    }
    await rename(folder, replaced).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(replaced, { recursive: true, force: true });
  }
}
