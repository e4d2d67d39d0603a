import { z } from "zod";
import { digestSchema } from "../schemas/digest.ts";
import { type ActionRecord, type CampaignRecord, campaignRecordSchema, recordSchema } from "../schemas/records.ts";
import { actionKeyOf } from "./actionKey.ts";
import { asDigest } from "./digest.ts";
import { type DocumentKind, getDocument, putDocument } from "./document.ts";
import { DamagedBlobError, DamagedPointerError, MalformedDocumentError, MissingBlobError } from "./errors.ts";
import { inParallel } from "./inParallel.ts";
import { getManifest, sealedBlobs } from "./manifest.ts";
import type { Digest, Store } from "./store.ts";

export const actionDocument: DocumentKind<ActionRecord> = { name: "action record", schema: recordSchema };
export const campaignDocument: DocumentKind<CampaignRecord> = { name: "campaign record", schema: campaignRecordSchema };

export interface FoundAction {
  /** The record's digest. */
  readonly digest: Digest;
  readonly record: ActionRecord;
}

/** The pointer to the record of the action with this key. */
export const actionPointer = (key: Digest): string => `actions/${key.slice(0, 2)}/${key}`;
/** The pointer to a campaign's record. */
export const campaignPointer = (id: string): string => `campaigns/${id}`;

/** Stores a record and returns its digest. No action is found by it until `commitAction`. */
export function putRecord(store: Store, record: ActionRecord): Promise<Digest> {
  return putDocument(store, actionDocument, record);
}

/** @throws MissingBlobError, DamagedBlobError, MalformedDocumentError */
export function getRecord(store: Store, digest: Digest): Promise<ActionRecord> {
  return getDocument(store, actionDocument, digest);
}

/**
 * The record of the action with this key, or null when it was never finished.
 * @throws MissingBlobError, DamagedBlobError, DamagedPointerError, MalformedDocumentError when it was, but the record
 * cannot be read any more.
 */
export async function findAction(store: Store, key: Digest): Promise<FoundAction | null> {
  const digest = await recordAt(store, actionPointer(key));
  if (digest === null) return null;
  const record = await getRecord(store, digest);
  if (record.actionKey !== key)
    throw new DamagedPointerError(store.url, actionPointer(key), `it names the record of action ${record.actionKey}`);
  return { digest, record };
}

/**
 * Makes `record` the one that answers for its action, unless another attempt was first: the first writer wins, and the
 * winning record is returned. A record that cannot be read any more, or whose outputs are gone, is replaced.
 * @throws RangeError when the record's key is not `key`, or is not what its contents give; MissingBlobError when an
 * output is not in the store.
 */
export async function commitAction(store: Store, key: Digest, record: ActionRecord): Promise<FoundAction> {
  if (record.actionKey !== key) throw new RangeError(`the record is of action ${record.actionKey}, not of ${key}`);
  if (actionKeyOf(record) !== key)
    throw new RangeError(`the record's kind, parameters, inputs and fingerprint do not give its key ${key}`);
  for (const output of Object.values(record.outputs)) {
    if (!(await artifactsPresent(store, asDigest(output)))) throw new MissingBlobError(store.url, output);
  }
  const digest = await putRecord(store, record);
  if (await store.setPointer(actionPointer(key), { record: digest }, { ifAbsent: true })) return { digest, record };
  const winner = await usableAction(store, key);
  if (winner !== null) return winner;
  await store.setPointer(actionPointer(key), { record: digest });
  return { digest, record };
}

/** Whether the artifact's manifest and each of its blobs, a sealed one too, are in the store. Bytes are not read again: `verify` does that. */
export async function artifactsPresent(store: Store, artifact: Digest): Promise<boolean> {
  if (!(await store.hasBlob(artifact))) return false;
  const manifest = await getManifest(store, artifact);
  const blobs = [...manifest.blobs.map(({ digest }) => asDigest(digest)), ...sealedBlobs(manifest)];
  const present = await inParallel(blobs, (digest) => store.hasBlob(digest));
  return !present.includes(false);
}

/** The action's record if it and all its outputs are there, and record and manifests can be read; else null. */
export async function usableAction(store: Store, key: Digest): Promise<FoundAction | null> {
  const found = await readableAction(store, key);
  if (found === null) return null;
  for (const output of Object.values(found.record.outputs)) {
    if (!(await artifactsUsable(store, asDigest(output)))) return null;
  }
  return found;
}

/** As `findAction`, but a record that cannot be read any more is none: the action is carried out again. */
export function readableAction(store: Store, key: Digest): Promise<FoundAction | null> {
  return orLost(findAction(store, key), null);
}

/** As `artifactsPresent`, but an artifact of which the manifest cannot be read any more is none. */
export function artifactsUsable(store: Store, artifact: Digest): Promise<boolean> {
  return orLost(artifactsPresent(store, artifact), false);
}

/** What is found, or `lost` where what is asked for is missing or damaged. Other errors are thrown. */
export async function orLost<T, L>(found: Promise<T>, lost: L): Promise<T | L> {
  try {
    return await found;
  } catch (error) {
    const unusable = [MissingBlobError, DamagedBlobError, DamagedPointerError, MalformedDocumentError];
    if (unusable.some((kind) => error instanceof kind)) return lost;
    throw error;
  }
}

/**
 * The last act of a campaign: stores its record and points `campaigns/<id>` to it. Doing it again is harmless.
 * @throws RangeError when the record is of another campaign, StoreInputError when `id` cannot name a pointer.
 */
export async function commitCampaign(store: Store, id: string, record: CampaignRecord): Promise<Digest> {
  if (record.campaign !== id) throw new RangeError(`the record is of campaign ${record.campaign}, not of ${id}`);
  const digest = await putDocument(store, campaignDocument, record);
  await store.setPointer(campaignPointer(id), { record: digest });
  return digest;
}

/** The record of campaign `id`, or null when none was finished under this name. @throws as `findAction` does */
export async function findCampaign(store: Store, id: string): Promise<{ digest: Digest; record: CampaignRecord } | null> {
  const digest = await recordAt(store, campaignPointer(id));
  if (digest === null) return null;
  const record = await getDocument(store, campaignDocument, digest);
  if (record.campaign !== id)
    throw new DamagedPointerError(store.url, campaignPointer(id), `it names the record of campaign ${record.campaign}`);
  return { digest, record };
}

const recordPointerSchema = z.strictObject({ record: digestSchema });

/** The record that a pointer names, null when there is no such pointer. @throws DamagedPointerError */
export async function recordAt(store: Store, name: string): Promise<Digest | null> {
  const value = await store.getPointer(name);
  if (value === undefined) return null;
  const pointer = recordPointerSchema.safeParse(value);
  if (!pointer.success) throw new DamagedPointerError(store.url, name, "it names no record");
  return asDigest(pointer.data.record);
}
