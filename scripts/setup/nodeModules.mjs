import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { root } from "./folders.mjs";
import { SetupError } from "./setupError.mjs";

/** npm packages: `npm ci` when what is installed is not what package-lock.json says. */
export const nodeModules = { name: "npm", isCached: false, isCurrent, build };

function isCurrent() {
  const installed = join(root, "node_modules/.package-lock.json");
  // npm writes this file last, so an interrupted install has none.
  return (
    existsSync(installed) && differences(readPackages(join(root, "package-lock.json")), readPackages(installed)).length === 0
  );
}

/**
 * @param {Record<string, { version?: string, integrity?: string, optional?: boolean }>} wanted packages of package-lock.json
 * @param {Record<string, { version?: string, integrity?: string }>} installed packages of node_modules/.package-lock.json
 * @returns {string[]} the folders that differ; optional packages (for other platforms) may be absent
 */
export function differences(wanted, installed) {
  const differs = (folder) =>
    wanted[folder]?.version !== installed[folder]?.version || wanted[folder]?.integrity !== installed[folder]?.integrity;
  const missing = Object.keys(wanted).filter((folder) => folder !== "" && !installed[folder] && !wanted[folder].optional);
  return [...missing, ...Object.keys(installed).filter(differs)];
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch (error) {
    throw new SetupError(
      `${path} cannot be read: ${error.message}`,
      "Restore it (git checkout package-lock.json) or remove node_modules.",
    );
  }
}

async function build() {
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: root,
    install: "Node 20.19 or newer with npm is needed (https://nodejs.org). If package-lock.json was edited, run npm install.",
  });
}
