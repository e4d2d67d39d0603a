import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { sha256 as digestOf } from "../artifacts/digest.ts";
import { inParallel } from "../artifacts/inParallel.ts";
import { getManifest, putArtifact, readFile as readArtifactFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { type CtVolumes, openCtVolumes } from "../methods/datasets/ctVolumes.ts";
import { openDeepLesion } from "../methods/datasets/deeplesion.ts";
import type { LesionSource, VolumeSource } from "../methods/datasets/lesionCase.ts";
import { openLymphNodes } from "../methods/datasets/lymphNodes.ts";
import { openMarkedScans } from "../methods/datasets/markedScans.ts";
import { openNiftiMasks } from "../methods/datasets/niftiMasks.ts";
import { openPhotographs, type PhotographSource } from "../methods/datasets/photographs.ts";
import { openConstructedCourses } from "../methods/datasets/semiSynthetic/followUp.ts";
import { openSemiSynthetic } from "../methods/datasets/semiSynthetic.ts";
import { InputError } from "../methods/inputError.ts";
import { digestSchema } from "../schemas/digest.ts";
import type { Action } from "../schemas/messages.ts";
import { kindOf, type StepParams } from "../schemas/stepKinds.ts";
import { linesType, toLines } from "./datasets.ts";
import { jsonLines } from "./evaluations.ts";

/** A line of a source's `files.jsonl`. */
const scannedFileSchema = z.strictObject({ path: z.string(), size: z.int().nonnegative(), sha256: digestSchema });

/** Opens the files that a `dataset.import` names. */
export function openSource(params: StepParams<"dataset.import">): Promise<LesionSource | VolumeSource> {
  const { format, root, noisyRows, markNoise: noise, seed } = params;
  switch (format) {
    case "deeplesion":
      return openDeepLesion(root, { noisyRows });
    case "nifti-masks":
      return openNiftiMasks(root, { noise, seed });
    case "lymph-nodes":
      return openLymphNodes(root, { noise, seed });
    case "marked-scans":
      return openMarkedScans(root);
  }
}

/** How a kind of step opens its files, and where a file of the source lies. */
interface KindOfSource<P, S> {
  open(params: P): Promise<S>;
  placeOf(params: P): (file: string) => string;
}

/** The kinds whose files are scanned before they run. */
const sourceKinds: { readonly [K in SourceKind]: KindOfSource<StepParams<K>, OpenedSources[K]> } = {
  "dataset.import": {
    open: openSource,
    placeOf:
      ({ root }) =>
      (file) =>
        path.join(root, file),
  },
  "dataset.implant": {
    open: ({ shapes, backgrounds, ...options }) => openSemiSynthetic({ shapes, backgrounds }, options),
    placeOf: placeOfMaterial,
  },
  "timepoints.construct": {
    open: ({ shapes, backgrounds, ...options }) => openConstructedCourses({ shapes, backgrounds }, options),
    placeOf: placeOfMaterial,
  },
  "images.import": {
    open: ({ root }) => openPhotographs(root),
    placeOf:
      ({ root }) =>
      (file) =>
        path.join(root, file),
  },
  "lesions.propose": {
    open: ({ root }) => openCtVolumes(root),
    placeOf:
      ({ root }) =>
      (file) =>
        path.join(root, file),
  },
};

function placeOfMaterial({ shapes, backgrounds }: { shapes: string; backgrounds: string }): (file: string) => string {
  return (file) => {
    const [folder, ...rest] = file.split("/");
    return path.join(folder === "shapes" ? shapes : backgrounds, ...rest);
  };
}

interface OpenedSources {
  "dataset.import": LesionSource | VolumeSource;
  "dataset.implant": LesionSource | VolumeSource;
  "timepoints.construct": LesionSource | VolumeSource;
  "images.import": PhotographSource;
  "lesions.propose": CtVolumes;
}
type SourceKind = keyof OpenedSources;
type OpenedSource = OpenedSources[SourceKind];
/** What scanning needs of any source. */
type ListedSource = Pick<LesionSource, "index"> & { readonly entries: readonly { readonly files: readonly string[] }[] };

/**
 * Artifact of what lies at the paths that a step names: every file that would be read, with size and SHA-256. Its digest
 * enters the action key in place of the path, so that a moved folder is the same input and a changed byte another one.
 */
export async function putSource(store: Store, kind: string, params: Readonly<Record<string, unknown>>): Promise<Digest> {
  const { files, placeOf } = await filesOf(kind, params);
  const lines = await inParallel([...new Set(files)].sort(), async (file) => ({
    path: file,
    ...(await hashFile(placeOf(file))),
  }));
  return putArtifact(store, {
    type: "source",
    meta: { files: lines.length },
    files: [{ path: "files.jsonl", bytes: toLines(lines), mediaType: linesType }],
  });
}

/** A source as it was scanned. */
export interface PinnedSource<S = OpenedSource> {
  readonly source: S;
  /** @throws InputError when one of these files is no longer what it was. */
  check(files: readonly string[]): Promise<void>;
}

/** Data sets to train on and to test on may be drawn at the same time, shard by shard in turn. */
const PINNED = 2;
const pinned = new Map<string, Promise<PinnedSource>>();

/** The source whose scan is the artifact `digest`. Opened once per process, since every shard of a data set asks for it. */
export function pinnedSource<K extends SourceKind>(
  store: Store,
  kind: K,
  params: StepParams<K>,
  digest: Digest,
): Promise<PinnedSource<OpenedSources[K]>> {
  const key = JSON.stringify([kind, params, digest]);
  const source = pinned.get(key) ?? openPinned(store, sourceKinds[kind], params, digest);
  pinned.delete(key);
  pinned.set(key, source);
  for (const oldest of pinned.keys()) {
    if (pinned.size <= PINNED) break;
    pinned.delete(oldest);
  }
  source.catch(() => {
    if (pinned.get(key) === source) pinned.delete(key);
  });
  // Under this key there is only what this kind opens.
  return source as Promise<PinnedSource<OpenedSources[K]>>;
}

async function openPinned<P>(
  store: Store,
  { open, placeOf }: KindOfSource<P, OpenedSource>,
  params: P,
  digest: Digest,
): Promise<PinnedSource> {
  const scanned = await scannedFiles(store, digest);
  const place = placeOf(params);
  const source = await open(params);
  const check = async (files: readonly string[]): Promise<void> => {
    for (const file of files) {
      const { sha256 } = await hashFile(place(file));
      if (sha256 !== scanned.get(file)) throw changed(place(file));
    }
  };
  await check((source as ListedSource).index ?? []);
  return { source, check };
}

/**
 * The bytes of the one file that a step names, as they were when it was scanned.
 *
 * @param source the step's input of that name: the scan.
 * @throws InputError when the file is no longer what it was, or cannot be read.
 */
export async function readScannedFile(store: Store, { source }: Action["inputs"], file: string): Promise<Buffer> {
  const scanned = await scannedFiles(store, source.artifact as Digest);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw NOT_ALLOWED.has(error.code ?? "") ? unreadable(file, error) : error;
  });
  if (digestOf(bytes) !== scanned.get(path.basename(file))) throw changed(file);
  return bytes;
}

/** SHA-256 of every file of a scan. */
async function scannedFiles(store: Store, scan: Digest): Promise<ReadonlyMap<string, string>> {
  const scanned = new Map<string, string>();
  for (const line of jsonLines(await readArtifactFile(store, await getManifest(store, scan), "files.jsonl"))) {
    const { path: file, sha256 } = scannedFileSchema.parse(line);
    scanned.set(file, sha256);
  }
  return scanned;
}

function changed(file: string): InputError {
  return new InputError("was changed while the campaign ran", file, "run the campaign again: it will scan the source anew");
}

/** The files that a step would read, by name, and where each lies. */
async function filesOf(
  kind: string,
  params: Readonly<Record<string, unknown>>,
): Promise<{ files: string[]; placeOf: (file: string) => string }> {
  if (Object.hasOwn(sourceKinds, kind)) {
    // The parameters are those of the kind, which the type of the table cannot tell by name.
    const { open, placeOf } = sourceKinds[kind as SourceKind] as KindOfSource<unknown, OpenedSource>;
    const { entries, index }: ListedSource = await open(params);
    return { files: [...(index ?? []), ...entries.flatMap((entry) => entry.files)], placeOf: placeOf(params) };
  }
  const named = kindOf(kind).external.flatMap((name) => (params[name] === undefined ? [] : [String(params[name])]));
  if (named.length !== 1) throw new RangeError(`step kind ${kind} names ${named.length} files where one was to be scanned`);
  const [file] = named;
  return { files: [path.basename(file)], placeOf: () => file };
}

/** Digests by path, size and modification time, so that a campaign does not hash its source for every plan. */
const hashed = new Map<string, Promise<string>>();

async function hashFile(file: string): Promise<{ size: number; sha256: string }> {
  const { size, mtimeNs } = await stat(file, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error);
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
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && NOT_ALLOWED.has(code)) throw unreadable(file, error as NodeJS.ErrnoException);
    throw error;
  }
  return hash.digest("hex");
}

/** What reading a file again does not mend, unlike a disk or a network that fails. */
const NOT_ALLOWED = new Set(["EACCES", "EPERM", "EISDIR", "ENOENT", "ENOTDIR", "ELOOP"]);

function unreadable(file: string, error: NodeJS.ErrnoException): InputError {
  return new InputError(`cannot be read (${error.code})`, file, undefined, { cause: error });
}
