import { asDigest } from "../artifacts/digest.ts";
import { MalformedDocumentError, MissingBlobError } from "../artifacts/errors.ts";
import { type ArtifactFile, getManifest, putArtifact, readFile } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { InputError } from "../methods/inputError.ts";
import { decodeSafetensors, encodeSafetensors } from "../methods/networks/safetensors.ts";
import { type DrawnMaskMeta, drawnMaskMetaSchema } from "../schemas/drawnMask.ts";
import type { Decision } from "../schemas/reading.ts";
import { safetensorsType } from "./datasets.ts";

const FILE = "mask.safetensors";

/** A mask that a person has drawn, on the grid of its case. */
export interface DrawnMask {
  readonly meta: DrawnMaskMeta;
  /** Slices, rows, columns. */
  readonly shape: readonly number[];
  /** 0/1, [z, y, x]. */
  readonly data: Uint8Array;
}

export function putDrawnMask(store: Store, { meta, shape, data }: DrawnMask): Promise<Digest> {
  const bytes = encodeSafetensors({ mask: { dtype: "U8", shape, data } });
  const files = [{ path: FILE, bytes, mediaType: safetensorsType }];
  return putArtifact(store, { type: "mask", meta: drawnMaskMetaSchema.parse(meta), files });
}

/** @throws InputError when the artifact is no drawn mask */
export async function openDrawnMask(store: Store, digest: Digest): Promise<DrawnMask> {
  const manifest = await getManifest(store, digest);
  if (manifest.type !== "mask")
    throw new InputError(`this artifact is a ${manifest.type}, not a mask that somebody drew`, digest);
  const { shape, data } = decodeSafetensors(await readFile(store, manifest, FILE), FILE).tensors.mask;
  return { meta: drawnMaskMetaSchema.parse(manifest.meta), shape, data: data as Uint8Array };
}

/** Whom and what a mask must be of. */
export interface MaskBelonging {
  readonly cases: string;
  /** Absent: any of them. */
  readonly case?: string;
  readonly author: string;
  /** Of the case's grid: slices, rows, columns. Absent: any. */
  readonly shape?: readonly number[];
}

/** Why a mask that an answer names cannot be taken, in words for who sent it; null where nothing is wrong with it. */
export async function drawnMaskObjection(store: Store, digest: string, of: MaskBelonging): Promise<string | null> {
  const mask = await findDrawnMask(store, digest);
  if (mask === null) return `${digest}: the store has no such mask`;
  const { cases, case: id, author } = mask.meta;
  if (cases !== of.cases) return `mask ${digest} was drawn on other cases`;
  if (of.case !== undefined && id !== of.case) return `mask ${digest} was drawn on another case`;
  if (author !== of.author) return `mask ${digest} was drawn by ${author}`;
  if (of.shape !== undefined && mask.shape.join() !== of.shape.join())
    return `mask ${digest} has ${mask.shape.join(" × ")} voxels, z first, and its case ${of.shape.join(" × ")}`;
  return null;
}

/** Null where the store has no drawn mask under this digest; what else may lie there is not told. */
export async function findDrawnMask(store: Store, digest: string): Promise<DrawnMask | null> {
  try {
    return await openDrawnMask(store, asDigest(digest));
  } catch (error) {
    if (error instanceof MissingBlobError || error instanceof MalformedDocumentError || error instanceof InputError) return null;
    throw error;
  }
}

/**
 * Drawn masks as files of the decisions that name them: `masks/<digest>.json`, their manifest with author and time, and
 * `masks/<digest>.safetensors`. So they go wherever the decisions go.
 *
 * @throws InputError where a decision names a mask of another case
 */
export async function drawnMaskFiles(store: Store, cases: Digest, decisions: readonly Decision[]): Promise<ArtifactFile[]> {
  const files = new Map<string, ArtifactFile>();
  for (const { case: id, mask } of decisions) {
    if (mask === undefined) continue;
    const digest = asDigest(mask);
    const { meta } = await openDrawnMask(store, digest);
    if (meta.cases !== cases || meta.case !== id) throw new InputError(`was answered with a mask of ${meta.case}`, id);
    const [blob] = (await getManifest(store, digest)).blobs;
    const manifest = await store.getBlob(digest);
    const path = `masks/${digest}`;
    files.set(path, { ...blob, path: `${path}.safetensors` });
    files.set(`${path} `, { path: `${path}.json`, digest, size: manifest.byteLength, mediaType: "application/json" });
  }
  return [...files.values()];
}
