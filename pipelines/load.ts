import { readFile } from "node:fs/promises";
import path from "node:path";
import { InputError } from "../methods/inputError.ts";
import type { CompiledPipeline } from "../schemas/pipeline.ts";
import { compilePipeline } from "./compile.ts";
import { MAX_CHARACTERS } from "./document.ts";

/**
 * Reads and compiles a pipeline file.
 * @param overrides `--set` values by parameter.
 * @throws PipelineError with everything that is wrong, as `file:line:column`; InputError when the file cannot be read.
 */
export async function loadPipeline(file: string, overrides: Readonly<Record<string, string>> = {}): Promise<CompiledPipeline> {
  const text = await readPipelineText(file);
  return compilePipeline(text, { file, folder: pathsStartAt(file), overrides });
}

/** The text of a pipeline file. @throws InputError when it cannot be read, is no text, or is too big. */
export async function readPipelineText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EISDIR: "this is a folder",
      EACCES: "it may not be read",
    };
    throw new InputError(
      reasons[error.code ?? ""] ?? `it cannot be read (${error.code})`,
      file,
      "name a pipeline file, e.g. pipelines/demo.yaml",
    );
  });
  if (bytes.length > 4 * MAX_CHARACTERS)
    throw new InputError(`the file has ${bytes.length} bytes; a pipeline is text of at most ${MAX_CHARACTERS} characters`, file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new InputError("the file is not UTF-8 text", file, "save it as UTF-8", { cause: error });
  }
}

/**
 * Where relative paths in a pipeline's parameters start: the folder that holds `pipelines/`, for a file anywhere below a
 * folder of that name; the file's own folder otherwise. The current folder plays no part.
 */
export function pathsStartAt(file: string): string {
  const own = path.dirname(path.resolve(file));
  for (let folder = own; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (path.basename(folder) === "pipelines") return path.dirname(folder);
  }
  return own;
}
