import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./command.mjs";
import { root } from "./folders.mjs";

/** The workflows, bundled once, so that a worker starts in half the time. */
export const workflowBundle = { name: "bundle", isCached: false, isCurrent, build };

const BUNDLER = join(root, "worker/bundle.ts");
/** All that workflow code may import (see .dependency-cruiser.cjs), and what the bundle is made with. */
const SOURCES = ["workflows", "schemas"];
const stampPath = join(root, ".build/bundle-stamp");

function isCurrent() {
  if (!existsSync(BUNDLER)) return true;
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === sourceHash();
}

async function build() {
  const hash = sourceHash();
  await run(process.execPath, ["--import", "tsx", BUNDLER], {
    cwd: root,
    install: "The workflow code does not bundle: see the message above.",
  });
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, hash);
}

function sourceHash() {
  const hash = createHash("sha256");
  const folders = SOURCES.map((folder) => join(root, folder)).filter((folder) => existsSync(folder));
  const files = folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)));
  for (const file of [BUNDLER, join(root, "package-lock.json"), ...files.filter((name) => name.endsWith(".ts")).sort()]) {
    hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file));
  }
  return hash.digest("hex");
}
