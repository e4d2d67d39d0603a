import { renameSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "../methods/inputError.ts";
import { say } from "./output.ts";

export interface OutputFolder {
  readonly out: string;
  /** What the work reads: files, which are never replaced, and folders, into which nothing is written. */
  readonly inputs: readonly string[];
}

const REMEDY = "name a folder that can be created or written";

/**
 * Files that appear in folder `out` only when all are written: `write` fills a temporary folder. Where there is no `out`,
 * that folder becomes it: all appear together, or none. Where there is one, they are moved into it one after the other,
 * which no Ctrl-C or SIGTERM comes between: only the end of the machine or a `kill -9`, or a disk that refuses one of them,
 * leaves a part. What lies in `out` already stays, but for files of the same names.
 *
 * @param write gets the temporary folder and returns the names of the files that it wrote there, without folders.
 * @throws InputError where `out` cannot be a folder that is written to, or an input would be replaced.
 */
export async function writtenTogether(
  { out, inputs }: OutputFolder,
  write: (folder: string) => Promise<readonly string[]>,
): Promise<void> {
  if (out === "") throw new InputError("the name of the folder to write is empty", undefined, REMEDY);
  const target = path.resolve(out);
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new InputError(`cannot be written to (${error.code})`, out, REMEDY, { cause: error });
  };
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? undefined : refuse(error)));
  if (found && !found.isDirectory()) throw new InputError("is not a folder", out, REMEDY);
  if (found) await refuseFolderOf(inputs, out);
  const near = found ? target : path.dirname(target);
  await makeFolder(near).catch(refuse);
  const temporary = await mkdtemp(path.join(near, `.${path.basename(target)}-`)).catch(refuse);
  const interrupted = (signal: NodeJS.Signals): never => {
    rmSync(temporary, { recursive: true, force: true });
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  try {
    // The temporary folder itself is nobody else's to read; one in it is as any other.
    const filled = path.join(temporary, "filled");
    await mkdir(filled).catch(refuse);
    const names = await write(filled);
    if (!found && (await becomes(filled, target).catch(refuse))) return;
    await refuseTargets(out, names, inputs);
    try {
      for (const name of names) renameSync(path.join(filled, name), path.join(target, name));
    } catch (error) {
      refuse(error as NodeJS.ErrnoException);
    }
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Gives a folder its name. @returns false where somebody else has made a folder of that name, with files in it, meanwhile. */
async function becomes(folder: string, target: string): Promise<boolean> {
  try {
    await rename(folder, target);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/**
 * That none of these names in folder `out` is an input or a folder. To be asked before the work where its names are known.
 * @throws InputError
 */
export async function refuseTargets(out: string, names: readonly string[], inputs: readonly string[]): Promise<void> {
  const read = await Promise.all(inputs.map(fileAt));
  for (const name of names) {
    const target = path.join(out, name);
    const there = await fileAt(target);
    if (there === undefined) continue;
    if (there.isDirectory)
      throw new InputError("is a folder, where a file is to be written", target, "name another folder to write");
    const input = inputs.find((_, i) => read[i]?.identity === there.identity);
    if (input !== undefined)
      throw new InputError(`would replace ${input}, which is read`, target, "name another folder to write, or another id");
  }
}

/**
 * That the file `name` in folder `out`, where there is one, is of an earlier run, as the file `sign` beside it tells.
 * @throws InputError
 */
export async function refuseForeign(out: string, name: string, sign: string): Promise<void> {
  const [there, ours] = await Promise.all([name, sign].map((one) => fileAt(path.join(out, one))));
  if (there !== undefined && ours === undefined)
    throw new InputError("would be replaced, and is not of an earlier run", path.join(out, name), "name another folder to write");
}

/** Tells of masks in folder `out` that earlier runs wrote beside a picture, and this one, which wrote `names`, did not. */
export async function tellEarlierMasks(out: string, names: readonly string[], table: string): Promise<void> {
  const there = new Set(await readdir(out));
  const pictureOf = (mask: string): string => mask.replace(/\.nii\.gz$/, ".png");
  const earlier = [...there].filter((name) => name.endsWith(".nii.gz") && there.has(pictureOf(name)) && !names.includes(name));
  if (earlier.length > 0)
    say(`${out} also holds masks of earlier runs, which ${table} no longer tells of: ${earlier.sort().join(", ")}`);
}

async function refuseFolderOf(inputs: readonly string[], out: string): Promise<void> {
  const written = await fileAt(out);
  for (const input of inputs) {
    const read = await fileAt(input);
    if (read?.isDirectory && read.identity === written?.identity)
      throw new InputError("is the folder that is read", out, "name another folder to write");
  }
}

/** Which file or folder lies there, whatever its name. */
async function fileAt(place: string): Promise<{ readonly identity: string; readonly isDirectory: boolean } | undefined> {
  const found = await stat(place, { bigint: true }).catch(() => undefined);
  return found && { identity: `${found.dev} ${found.ino}`, isDirectory: found.isDirectory() };
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
