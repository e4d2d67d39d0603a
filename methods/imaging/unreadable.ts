import { InputError } from "../inputError.ts";

const reasons: Readonly<Record<string, [what: string, remedy: string]>> = {
  ENOENT: ["is not there, or a link to nothing", "give a path that exists, or fetch what it links to"],
  EACCES: ["may not be read", "change its permissions"],
  EPERM: ["may not be read", "change its permissions"],
  EISDIR: ["is a folder, not a file", "give the file"],
  ERR_FS_FILE_TOO_LARGE: ["is larger than 2 GiB", "compress it (.nii.gz) or crop it"],
  ELOOP: ["is a link that leads round in a circle", "give the file itself"],
};

/** What `read` gives. @throws InputError that says why `file` cannot be read */
export async function orUnreadable<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const [what, remedy] = reasons[code] ?? [`cannot be read (${code})`, "check the disk or the network it lies on"];
    throw new InputError(what, file, remedy, { cause: error });
  }
}
