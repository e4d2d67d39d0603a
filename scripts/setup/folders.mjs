import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./setupError.mjs";

/** The clone that this file belongs to. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Where downloads and builds are kept, outside the clone, so that the next clone finds them:
 * `$RECIST3D_CACHE`, else `$XDG_CACHE_HOME/recist3d`, else `~/.cache/recist3d`. Created when absent.
 *
 * @returns {string} an absolute path
 */
export function cacheFolder() {
  const chosen = process.env.RECIST3D_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "recist3d");
  const folder = resolve(chosen);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new SetupError(
      `the cache folder ${folder} cannot be written: ${error.message}`,
      "Set RECIST3D_CACHE to a folder that can.",
    );
  }
  return folder;
}

/**
 * Makes a cached folder, which appears whole or not at all.
 *
 * @param {string} name of the folder in the cache; has to change with everything that its content is made from
 * @param {(work: string) => Promise<string>} make fills the scratch folder `work` and returns what becomes the cached folder
 * @returns {Promise<string>} the cached folder
 */
export async function cached(name, make) {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  // Whatever an interrupted setup left there goes first.
  const work = join(cacheFolder(), "unfinished", name);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const made = await make(work);
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}
