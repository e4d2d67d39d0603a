import type { Manifest } from "../schemas/artifacts.ts";
import type { ActionRecord, CampaignRecord } from "../schemas/records.ts";
import { actionKeyOf } from "./actionKey.ts";
import { asDigest } from "./digest.ts";
import { type DocumentKind, parseDocument } from "./document.ts";
import {
  DamagedBlobError,
  DamagedPointerError,
  MalformedDocumentError,
  MissingBlobError,
  StoreUnreachableError,
} from "./errors.ts";
import { inParallel } from "./inParallel.ts";
import { manifestDocument, sealedBlobs } from "./manifest.ts";
import { traceOrigins } from "./origins.ts";
import { actionDocument, actionPointer, campaignDocument, campaignPointer, findAction, recordAt } from "./records.ts";
import type { Digest, Store } from "./store.ts";

export interface Problem {
  /**
   * missing: not in the store; damaged: bytes were changed; malformed: whole, but not the document that it should be;
   * key: a record's action key does not follow from its contents; origin: an artifact that came from nowhere;
   * extra: something in the store's area, or in an exported folder, that was not put there; signature: a statement of a
   * crate that was not signed, or not as it should be.
   */
  readonly kind: "missing" | "damaged" | "malformed" | "key" | "origin" | "extra" | "signature";
  /** `blob <digest>`, `pointer <name>`, or `file <path in the store>`. */
  readonly what: string;
  /** How the campaign comes to it, e.g. `step masks > output labels > shards/00003.safetensors`. */
  readonly where: string;
  readonly detail: string;
}

export interface VerificationReport {
  readonly campaign: string;
  readonly store: string;
  /** True when there is no problem. */
  readonly ok: boolean;
  /** What was looked at, problems included: action records, artifacts, and blobs of any kind; the bytes of those that were there. */
  readonly records: number;
  readonly artifacts: number;
  readonly blobs: number;
  readonly bytes: number;
  /** Artifacts that no action made: scanned sources, and those that the caller declared. */
  readonly external: readonly { readonly artifact: Digest; readonly where: string }[];
  readonly problems: readonly Problem[];
}

export interface VerificationOptions {
  /** Artifacts that may come from outside the campaign without being a scanned source, e.g. a model given by its digest. */
  readonly external?: readonly Digest[];
  /** Also re-hash what the campaign does not refer to, and look for foreign files. Default: yes for a folder, no for S3. */
  readonly wholeStore?: boolean;
  /** Called after every blob; `total` grows while records and manifests are being read. */
  readonly onProgress?: (progress: { readonly checked: number; readonly total: number; readonly bytes: number }) => void;
}

/**
 * Walks campaign `id` from its pointer over its record, every action record (of steps, of their parts, and of what made
 * their inputs) and every manifest to every blob, and re-hashes all of it. Whatever is wrong becomes a problem in the
 * report and the walk goes on.
 * @throws StoreUnreachableError when the store itself fails.
 */
export async function verifyCampaign(store: Store, id: string, options: VerificationOptions = {}): Promise<VerificationReport> {
  const problems: Problem[] = [];
  const external: { artifact: Digest; where: string }[] = [];
  const records = new Map<Digest, { record: ActionRecord; where: string }>();
  const artifacts = new Map<Digest, { where: string; manifest?: Manifest }>();
  const files = new Map<Digest, { where: string; size?: number }>();
  const checked = new Set<Digest>();
  let bytes = 0;

  /** The blob's bytes, or undefined and a problem. */
  async function check(digest: Digest, where: string): Promise<Buffer | undefined> {
    let blob: Buffer | undefined;
    try {
      blob = await store.getBlob(digest);
      bytes += blob.length;
    } catch (error) {
      problems.push({ ...problemOf(error), what: `blob ${digest}`, where });
    }
    checked.add(digest);
    options.onProgress?.({
      checked: checked.size,
      total: Math.max(checked.size, records.size + artifacts.size + files.size + 1),
      bytes,
    });
    return blob;
  }

  async function checkDocument<T>(kind: DocumentKind<T>, digest: Digest, where: string): Promise<T | undefined> {
    const blob = await check(digest, where);
    if (blob === undefined) return undefined;
    try {
      return parseDocument(store.url, kind, digest, blob);
    } catch (error) {
      problems.push({ ...problemOf(error), what: `blob ${digest}`, where });
      return undefined;
    }
  }

  async function checkRecords(roots: readonly { digest: Digest; where: string }[]): Promise<void> {
    const queue = [...roots];
    const seen = new Set<Digest>();
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { digest, where } = next;
      if (seen.has(digest)) continue;
      seen.add(digest);
      const record = await checkDocument(actionDocument, digest, where);
      if (record === undefined) continue;
      records.set(digest, { record, where });
      await checkKey(digest, record, where);
      for (const [name, output] of Object.entries(record.outputs)) meet(asDigest(output), `${where} > output ${name}`);
      for (const [name, { artifact, record: origin }] of Object.entries(record.inputs)) {
        meet(asDigest(artifact), `${where} > input ${name}`);
        if (origin !== undefined) queue.push({ digest: asDigest(origin), where: `${where} > input ${name}` });
      }
      queue.push(...record.parts.map((part, i) => ({ digest: asDigest(part), where: `${where} > part ${i}` })));
    }
  }

  function meet(artifact: Digest, where: string): void {
    if (!artifacts.has(artifact)) artifacts.set(artifact, { where });
  }

  async function checkKey(digest: Digest, record: ActionRecord, where: string): Promise<void> {
    const key = actionKeyOf(record);
    if (record.actionKey !== key) {
      problems.push({
        kind: "key",
        what: `blob ${digest}`,
        where,
        detail: `the record says ${record.actionKey}, its contents give ${key}`,
      });
      return;
    }
    const what = `pointer ${actionPointer(key)}`;
    try {
      if ((await findAction(store, key)) === null)
        problems.push({ kind: "missing", what, where, detail: "the action would be computed again" });
    } catch (error) {
      problems.push({ ...problemOf(error), what, where });
    }
  }

  function checkOrigins(): void {
    const found = traceOrigins(records, (artifact) => artifacts.get(artifact)?.manifest?.type, new Set(options.external));
    external.push(...found.external);
    problems.push(...found.problems);
  }

  async function checkArtifacts(): Promise<void> {
    await inParallel([...artifacts], async ([digest, artifact]) => {
      artifact.manifest = await checkDocument(manifestDocument, digest, artifact.where);
    });
    // In order, so that a blob of several artifacts is always said to be of the same one.
    for (const [digest, artifact] of artifacts) {
      for (const sealed of artifact.manifest === undefined ? [] : sealedBlobs(artifact.manifest))
        if (!files.has(sealed)) files.set(sealed, { where: `${artifact.where} > sealed` });
      for (const entry of artifact.manifest?.blobs ?? []) {
        const where = `${artifact.where} > ${entry.path}`;
        const blob = asDigest(entry.digest);
        const known = files.get(blob);
        if (known === undefined) files.set(blob, { where, size: entry.size });
        else if (known.size !== undefined && known.size !== entry.size) {
          problems.push({
            kind: "malformed",
            what: `blob ${digest}`,
            where,
            detail: `its size is said to be ${entry.size} and, by ${known.where}, ${known.size} bytes`,
          });
        }
      }
    }
  }

  async function checkFiles(): Promise<void> {
    await inParallel([...files], async ([digest, { where, size }]) => {
      const blob = await check(digest, where);
      if (blob !== undefined && size !== undefined && blob.length !== size) {
        problems.push({
          kind: "malformed",
          what: `blob ${digest}`,
          where,
          detail: `its manifest says ${size} bytes, it has ${blob.length}`,
        });
      }
    });
  }

  async function checkTheRest(): Promise<void> {
    const rest: Digest[] = [];
    for await (const digest of store.listBlobs()) if (!checked.has(digest)) rest.push(digest);
    await inParallel(rest, (digest) => check(digest, "not of this campaign"));
    for await (const name of store.listPointers("")) {
      try {
        await store.getPointer(name);
      } catch (error) {
        const problem = { ...problemOf(error), what: `pointer ${name}` };
        if (!problems.some(({ what }) => what === problem.what)) problems.push({ ...problem, where: "not of this campaign" });
      }
    }
    for await (const path of store.listStrays()) {
      problems.push({
        kind: "extra",
        what: `file ${path}`,
        where: "not of this campaign",
        detail: "the store did not put it there",
      });
    }
  }

  async function findRoot(): Promise<CampaignRecord | undefined> {
    const pointer = `pointer ${campaignPointer(id)}`;
    const where = `campaign ${id}`;
    try {
      const digest = await recordAt(store, campaignPointer(id));
      if (digest === null) {
        problems.push({
          kind: "missing",
          what: pointer,
          where,
          detail: "no campaign of this name was finished in this store, or its pointer was deleted",
        });
        return undefined;
      }
      const record = await checkDocument(campaignDocument, digest, where);
      if (record !== undefined && record.campaign !== id) {
        problems.push({ kind: "damaged", what: pointer, where, detail: `it names the record of campaign ${record.campaign}` });
      }
      return record;
    } catch (error) {
      problems.push({ ...problemOf(error), what: pointer, where });
      return undefined;
    }
  }

  const campaign = await findRoot();
  if (campaign !== undefined) {
    files.set(asDigest(campaign.pipeline), { where: "compiled pipeline" });
    files.set(asDigest(campaign.source), { where: "pipeline source" });
    await checkRecords(
      Object.entries(campaign.steps).map(([name, record]) => ({ digest: asDigest(record), where: `step ${name}` })),
    );
    await checkArtifacts();
    checkOrigins();
    await checkFiles();
  }
  if (options.wholeStore ?? store.url.startsWith("file:")) await checkTheRest();
  return {
    campaign: id,
    store: store.url,
    ok: problems.length === 0,
    records: records.size,
    artifacts: artifacts.size,
    blobs: checked.size,
    bytes,
    external,
    problems,
  };
}

/** What kind of problem an error stands for. @throws the error itself when it says that the store as a whole fails. */
function problemOf(error: unknown): Pick<Problem, "kind" | "detail"> {
  const detail = (error as Error).message;
  if (error instanceof MissingBlobError) return { kind: "missing", detail };
  if (error instanceof DamagedBlobError || error instanceof DamagedPointerError) return { kind: "damaged", detail };
  if (error instanceof MalformedDocumentError) return { kind: "malformed", detail };
  if (error instanceof StoreUnreachableError) {
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    // One file that cannot be read (a bad sector, a folder in its place, foreign rights) does not stop the others.
    if (code !== undefined && ["EIO", "EISDIR", "ENOTDIR", "EACCES", "EPERM", "ELOOP"].includes(code))
      return { kind: "damaged", detail };
  }
  throw error;
}
