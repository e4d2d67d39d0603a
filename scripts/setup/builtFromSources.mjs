import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./command.mjs";
import { root } from "./folders.mjs";

/**
 * A part of the setup that is made anew whenever what it is made from has changed; a stamp holds the sources' digest.
 *
 * @param {{ name: string, bundler: string, sources: string[], complaint: string }} plan `bundler`: the program that makes
 *   it; `sources`: folders that count, as far as they exist; `complaint`: said when the bundler fails.
 */
export function builtFromSources({ name, bundler, sources, complaint }) {
  const program = join(root, bundler);
  const stampPath = join(root, `.build/${name}-stamp`);
  const isCurrent = () => {
    if (!existsSync(program)) return true;
    return existsSync(stampPath) && readFileSync(stampPath, "utf8") === digestOf(program, sources);
  };
  const build = async () => {
    const digest = digestOf(program, sources);
    await run(process.execPath, ["--import", "tsx", program], { cwd: root, install: complaint });
    mkdirSync(dirname(stampPath), { recursive: true });
    writeFileSync(stampPath, digest);
  };
  return { name, isCached: false, isCurrent, build };
}

function digestOf(program, sources) {
  const hash = createHash("sha256");
  const folders = sources.map((folder) => join(root, folder)).filter((folder) => existsSync(folder));
  const entries = folders.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of [program, join(root, "package-lock.json"), ...files.sort()]) {
    hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file));
  }
  return hash.digest("hex");
}
