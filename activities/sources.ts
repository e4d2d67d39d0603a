import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { openDeepLesion } from "../methods/datasets/deeplesion.ts";
import type { LesionSource } from "../methods/datasets/lesionCase.ts";
import { openNiftiMasks } from "../methods/datasets/niftiMasks.ts";
import { InputError } from "../methods/inputError.ts";
import { digestSchema } from "../schemas/digest.ts";
import type { StepParams } from "../schemas/stepKinds.ts";
import { linesType, parseLines, toLines } from "./datasets.ts";

/** A line of a source's `files.jsonl`. */
const scannedFileSchema = z.strictObject({ path: z.string(), size: z.int().nonnegative(), sha256: digestSchema });

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

/** A source as it was scanned. */
export interface PinnedSource {
  readonly source: LesionSource;
  /** @throws InputError when one of these files is no longer what it was. */
  check(files: readonly string[]): Promise<void>;
}

let pinned: { readonly digest: Digest; readonly source: Promise<PinnedSource> } | undefined;

/** The source whose scan is the artifact `digest`. Opened once per process, since every shard of an import asks for it. */
export function pinnedSource(store: Store, params: StepParams<"dataset.import">, digest: Digest): Promise<PinnedSource> {
  if (pinned?.digest !== digest) {
    const source = openPinned(store, params, digest);
    pinned = { digest, source };
    source.catch(() => {
      pinned = undefined;
    });
  }
  return pinned!.source;
}

async function openPinned(store: Store, params: StepParams<"dataset.import">, digest: Digest): Promise<PinnedSource> {
  const lines = parseLines(await readFile(store, await getManifest(store, digest), "files.jsonl"), scannedFileSchema);
  const scanned = new Map(lines.map(({ path: file, sha256 }) => [file, sha256]));
  const source = await openSource(params);
  const check = async (files: readonly string[]): Promise<void> => {
    for (const file of files) {
      const { sha256 } = await hashFile(path.join(params.root, file));
      if (sha256 === scanned.get(file)) continue;
      throw new InputError(
        "was changed while the campaign ran",
        path.join(params.root, file),
        "run the campaign again: it will scan the source anew",
      );
    }
  };
  await check(source.index ?? []);
  return { source, check };
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
    sha256.catch(() => hashed.delete(identity));
  }
  return { size: Number(size), sha256: await sha256 };
}

async function digestOfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
