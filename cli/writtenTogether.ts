import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "../methods/inputError.ts";

/**
 * Files that appear in folder `out` together or not at all: `write` fills a temporary folder beside it, whose files are
 * then moved in. What lies in `out` already stays, but for files of the same names.
 *
 * @param write gets the temporary folder and returns the names of the files that it wrote there, without folders.
 * @throws InputError where `out` cannot be a folder that is written to.
 */
export async function writtenTogether(out: string, write: (folder: string) => Promise<readonly string[]>): Promise<void> {
  const target = path.resolve(out);
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new InputError(`cannot be written to (${error.code})`, out, "name a folder that can be created or written", {
      cause: error,
    });
  };
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? undefined : refuse(error)));
  if (found && !found.isDirectory()) throw new InputError("is not a folder", out, "name a folder that can be created or written");
  await makeFolder(path.dirname(target)).catch(refuse);
  const temporary = await mkdtemp(path.join(path.dirname(target), `.${path.basename(target)}-`)).catch(refuse);
  try {
    const names = await write(temporary);
    await makeFolder(target).catch(refuse);
    for (const name of names) await rename(path.join(temporary, name), path.join(target, name)).catch(refuse);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Makes a folder and those above it. (`mkdir` with `recursive` never returns where a file system, such as /proc, answers ENOENT in a folder that exists.) */
async function makeFolder(folder: string): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" || path.dirname(folder) === folder) throw error;
    await makeFolder(path.dirname(folder));
    await make();
  });
}
