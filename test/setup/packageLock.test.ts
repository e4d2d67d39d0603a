import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

interface LockedPackage {
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const file = fileURLToPath(new URL("../../package-lock.json", import.meta.url));
const locked: Record<string, LockedPackage> = JSON.parse(readFileSync(file, "utf8")).packages;

/** Where Node would find `name` from a package's folder: in it, or in a folder above. */
function resolves(name: string, from: string): boolean {
  if (locked[`${from === "" ? "" : `${from}/`}node_modules/${name}`] !== undefined) return true;
  if (from === "") return false;
  return resolves(name, from.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, ""));
}

it("package-lock.json holds the packages for all platforms, without which npm ci refuses it everywhere", () => {
  const missing = Object.entries(locked).flatMap(([folder, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !resolves(name, folder))
      .map((name) => `${folder} → ${name}`),
  );
  expect(missing).toEqual([]);
});
