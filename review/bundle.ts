import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** All that pages may import (see .dependency-cruiser.cjs). */
const SOURCES = ["review/pages", "schemas", "report"];

/** Digest of everything that goes into the pages: their sources, this file, the pinned packages. */
export function pagesSourceDigest(): string {
  const hash = createHash("sha256");
  for (const folder of SOURCES) {
    const files = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const file of files.map((entry) => path.join(entry.parentPath, entry.name)).sort())
      hash.update(`${path.relative(root, file)}\0`).update(readFileSync(file));
  }
  for (const file of ["review/bundle.ts", "package-lock.json"]) hash.update(readFileSync(path.join(root, file)));
  return hash.digest("hex");
}

/** Folder of the pages built from the current sources; builds them when they are not there (a few seconds). */
export async function builtPages(): Promise<string> {
  const folder = path.join(root, ".build", `review-${pagesSourceDigest().slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.${process.pid}`;
  const { build } = await import("vite");
  await build({
    configFile: false,
    root: path.join(root, "review/pages"),
    base: "/",
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: temporary,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 6000,
      modulePreload: { polyfill: false },
    },
  });
  try {
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another process has built the same meanwhile
  }
  return folder;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.error(`review pages: ${path.relative(root, await builtPages())}`);
}
