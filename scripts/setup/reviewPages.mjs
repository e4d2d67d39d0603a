import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./command.mjs";
import { root } from "./folders.mjs";

/** The pages of `recist3d review`, built once, so that the first reader does not wait for them. */
export const reviewPages = { name: "pages", isCached: false, isCurrent, build };

const BUNDLER = join(root, "review/bundle.ts");
/** All that pages may import (see .dependency-cruiser.cjs), and what they are built with. */
const SOURCES = ["review/pages", "schemas", "report"];
const stampPath = join(root, ".build/pages-stamp");

function isCurrent() {
  if (!existsSync(BUNDLER)) return true;
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === sourceHash();
}

async function build() {
  const hash = sourceHash();
  await run(process.execPath, ["--import", "tsx", BUNDLER], {
    cwd: root,
    install: "The review pages cannot be built: see the message above.",
  });
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, hash);
}

function sourceHash() {
  const hash = createHash("sha256");
  const folders = SOURCES.map((folder) => join(root, folder)).filter((folder) => existsSync(folder));
  const entries = folders.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of [BUNDLER, join(root, "package-lock.json"), ...files.sort()]) {
    hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file));
  }
  return hash.digest("hex");
}
