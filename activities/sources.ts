import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { putArtifact } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { openDeepLesion } from "../methods/datasets/deeplesion.ts";
import type { LesionSource } from "../methods/datasets/lesionCase.ts";
import { openNiftiMasks } from "../methods/datasets/niftiMasks.ts";
import { InputError } from "../methods/inputError.ts";
import type { StepParams } from "../schemas/stepKinds.ts";
import { linesType, toLines } from "./datasets.ts";

/** Opens the files that a `dataset.import` names. */
export function openSource({ format, root, noisyRows, markNoise, seed }: StepParams<"dataset.import">): Promise<LesionSource> {
  return format === "deeplesion" ? openDeepLesion(root, { noisyRows }) : openNiftiMasks(root, { noise: markNoise, seed });
}

/**
 * Artifact of what lies at the paths that a step names: every file that would be read, with size and SHA-256. Its digest
 * enters the action key in place of the path, so that a moved folder is the same input and a changed byte another one.
 */
export async function putSource(store: Store, kind: string, params: Readonly<Record<string, unknown>>): Promise<Digest> {
  const { root, files } = await filesOf(kind, params);
  const lines = [];
  for (const file of [...new Set(files)].sort()) lines.push({ path: file, ...(await hashFile(path.join(root, file))) });
  return putArtifact(store, {
    type: "source",
    meta: { files: lines.length },
    files: [{ path: "files.jsonl", bytes: toLines(lines), mediaType: linesType }],
  });
}

async function filesOf(kind: string, params: Readonly<Record<string, unknown>>): Promise<{ root: string; files: string[] }> {
  if (kind === "dataset.import") {
    const parsed = params as StepParams<"dataset.import">;
    const { entries, index } = await openSource(parsed);
    return { root: parsed.root, files: [...(index ?? []), ...entries.flatMap((entry) => entry.files)] };
  }
  const weights = String(params.weights);
  return { root: path.dirname(weights), files: [path.basename(weights)] };
}

/** Digests by path, size and modification time, so that a campaign does not hash its source for every plan. */
const hashed = new Map<string, Promise<string>>();

async function hashFile(file: string): Promise<{ size: number; sha256: string }> {
  const { size, mtimeNs } = await stat(file, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot be read (${error.code})`, file, undefined, { cause: error });
  });
  const identity = `${file}\0${size}\0${mtimeNs}`;
  let sha256 = hashed.get(identity);
  if (sha256 === undefined) {
    sha256 = digestOfFile(file);
    hashed.set(identity, sha256);
  }
  return { size: Number(size), sha256: await sha256 };
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
