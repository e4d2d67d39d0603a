import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { decodePhotograph, PHOTOGRAPH_ENDINGS } from "../imaging/photograph.ts";
import type { Slice } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";

/** A folder of photographs, listed cheaply and read one by one. */
export interface PhotographSource {
  /** In the order of their paths, which are relative to the root and serve as ids. */
  readonly entries: readonly { readonly id: string; readonly files: readonly string[] }[];
  readonly index?: readonly string[];
  /** The photograph in grey, `[y, x]`, 0 … 255. @throws InputError when it cannot be read */
  load(index: number): Promise<Slice<Uint8Array>>;
}

/**
 * Every PNG and JPEG in a folder and its subfolders (DIV2K, BSDS500, or any others), other files aside.
 *
 * @throws InputError where the folder cannot be read or holds no photograph.
 */
export async function openPhotographs(root: string): Promise<PhotographSource> {
  const found = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be read (${error.code})`, root, "name a folder of PNG or JPEG files", { cause: error });
  });
  const isPhotograph = (name: string): boolean => PHOTOGRAPH_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));
  const files = found
    .filter((entry) => entry.isFile() && isPhotograph(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();
  if (files.length === 0)
    throw new InputError("holds no photograph", root, `expected files ending in ${PHOTOGRAPH_ENDINGS.join(", ")}`);
  return {
    entries: files.map((file) => ({ id: file, files: [file] })),
    load: async (index) => {
      const file = path.join(root, files[index]);
      return decodePhotograph(await readFile(file), file);
    },
  };
}
