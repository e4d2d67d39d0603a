import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../../methods/inputError.ts";
import type { Manifest } from "../../schemas/artifacts.ts";
import type { ActionRecord, CampaignRecord } from "../../schemas/records.ts";
import { actionKeyOf } from "../actionKey.ts";
import { asDigest, sha256 } from "../digest.ts";
import { parseDocument } from "../document.ts";
import { verifyExport } from "../export.ts";
import { manifestDocument } from "../manifest.ts";
import { traceOrigins } from "../origins.ts";
import { contentsOf } from "../plainFolder.ts";
import { actionDocument, campaignDocument } from "../records.ts";
import type { Digest } from "../store.ts";
import type { Problem } from "../verify.ts";
import { checkAttestations } from "./checkAttestations.ts";
import { type Note, readDocuments, tryToParse } from "./documentLines.ts";
import { keyIdOf } from "./dsse.ts";
import {
  artifactFolder,
  attestationsFile,
  campaignFile,
  crateFiles,
  manifestsFile,
  metadataFile,
  pipelineFile,
  publicKeyFile,
  recordsFile,
  sourceFile,
} from "./layout.ts";
import { artifactsOf, type Lineage, pipelineDocument, recordsNamedBy } from "./lineage.ts";
import { crateMetadata } from "./metadata.ts";
import { parsePublicKey, publicPem } from "./signingKey.ts";

export interface CrateReport {
  readonly folder: string;
  /** Null where the campaign's record cannot be read. */
  readonly campaign: string | null;
  /** True when there is no problem. */
  readonly ok: boolean;
  readonly records: number;
  readonly artifacts: number;
  /** Artifacts whose files are in the crate; of the others it knows the manifest only. */
  readonly included: readonly Digest[];
  readonly signed: {
    /** SHA-256 of the key that signatures were checked with; null where there was none. */
    readonly keyid: Digest | null;
    /** given: by who asks; crate: the crate's own, for which nobody vouches. */
    readonly by: "given" | "crate";
  };
  /**
   * Whether `ro-crate-metadata.json` is what this version of recist3d writes of these records. Where it is not, another
   * version wrote it, or somebody to whom it mattered more than the records: believe the records.
   */
  readonly isDescribedAsHere: boolean;
  /** Artifacts that no action made. */
  readonly external: readonly { readonly artifact: Digest; readonly where: string }[];
  readonly problems: readonly Problem[];
}

/**
 * Checks a crate by itself, without a store: that its documents are those that digests name, that none is missing from the
 * steps back to the sources, that action keys follow, that files are those of the manifests, and that all of it is signed.
 *
 * @param given the key that must have signed; else the crate's own is taken
 * @throws StoreInputError where there is no such folder, InputError where it is no crate of recist3d
 */
export async function verifyCrate(folder: string, given?: KeyObject): Promise<CrateReport> {
  const problems: Problem[] = [];
  const note: Note = (kind, file, detail, where) => problems.push({ kind, what: `file ${file}`, where: where ?? folder, detail });
  const { files: present, others } = await contentsOf(folder);
  if (![campaignFile, recordsFile, attestationsFile].some((file) => present.has(file)))
    throw new InputError("is no crate", folder, "name a folder that `recist3d export crate` wrote");
  for (const path of others) note("extra", path, "it is neither a file nor a folder");

  const files = new Map<string, Buffer>();
  for (const file of crateFiles) {
    if (!present.delete(file)) note("missing", file, "every crate has one");
    else {
      try {
        files.set(file, await readFile(join(folder, file)));
      } catch (error) {
        note("damaged", file, `cannot be read: ${(error as Error).message}`);
      }
    }
  }
  const bytesOf = (file: string): Buffer => files.get(file) ?? Buffer.alloc(0);

  const campaign = files.has(campaignFile)
    ? tryToParse(campaignFile, bytesOf(campaignFile), campaignDocument, (detail) => note("malformed", campaignFile, detail))
    : undefined;
  const records = readDocuments(recordsFile, bytesOf(recordsFile), actionDocument, note);
  const manifests = readDocuments(manifestsFile, bytesOf(manifestsFile), manifestDocument, note);
  const external = checkRecords(campaign, records, manifests, problems, note);
  for (const [file, digest] of campaign === undefined
    ? []
    : ([
        [sourceFile, campaign.source],
        [pipelineFile, campaign.pipeline],
      ] as const)) {
    const found = sha256(bytesOf(file));
    if (files.has(file) && found !== digest) note("damaged", file, `its bytes hash to ${found}, not to ${digest}`);
  }

  const publicKey = keyOf(files.get(publicKeyFile), given, note);
  const predicate = checkAttestations(bytesOf(attestationsFile), { records, files, publicKey }, note);
  if (
    predicate !== null &&
    campaign !== undefined &&
    (predicate.campaign !== campaign.campaign || predicate.record !== sha256(bytesOf(campaignFile)))
  )
    note("signature", attestationsFile, `its last statement is about campaign ${predicate.campaign}, record ${predicate.record}`);
  const included = predicate?.artifacts.map(asDigest) ?? foldersIn(present, manifests);
  problems.push(...(await checkArtifacts(folder, included, manifests, present)));
  for (const path of [...present].sort()) note("extra", path, "it is not of this crate");
  return {
    folder,
    campaign: campaign?.campaign ?? null,
    ok: problems.length === 0,
    records: records.size,
    artifacts: manifests.size,
    included,
    signed: { keyid: publicKey === null ? null : keyIdOf(publicKey), by: given === undefined ? "crate" : "given" },
    isDescribedAsHere: campaign !== undefined && metadataFollows(campaign, records, manifests, files, included),
    external,
    problems,
  };
}

function metadataFollows(
  campaign: CampaignRecord,
  records: ReadonlyMap<Digest, ActionRecord>,
  manifests: ReadonlyMap<Digest, Manifest>,
  files: ReadonlyMap<string, Buffer>,
  included: readonly Digest[],
): boolean {
  try {
    const lineage: Lineage = {
      digest: sha256(files.get(campaignFile)!),
      campaign,
      pipeline: parseDocument(pipelineFile, pipelineDocument, asDigest(campaign.pipeline), files.get(pipelineFile)!),
      source: files.get(sourceFile)!,
      records: Array.from(records, ([digest, record]) => ({ digest, record })),
      manifests,
    };
    return files.get(metadataFile)?.toString("utf8") === crateMetadata(lineage, files, new Set(included));
  } catch {
    // Something that it is made of is not there, which is noted.
    return false;
  }
}

/** Whether records and manifests are those, and all of those, that the campaign comes from. Returns what no action made. */
function checkRecords(
  campaign: CampaignRecord | undefined,
  records: ReadonlyMap<Digest, ActionRecord>,
  manifests: ReadonlyMap<Digest, Manifest>,
  problems: Problem[],
  note: Note,
): CrateReport["external"] {
  const queue = Object.entries(campaign?.steps ?? {}).map(([name, digest]) => ({
    digest: asDigest(digest),
    where: `step ${name}`,
  }));
  const reached = new Map<Digest, { record: ActionRecord; where: string }>();
  const missing = new Set<Digest>();
  const named = new Set<Digest>();
  for (const { digest, where } of queue) {
    if (reached.has(digest) || missing.has(digest)) continue;
    const record = records.get(digest);
    if (record === undefined) {
      missing.add(digest);
      note("missing", recordsFile, `it has no record ${digest}`, where);
      continue;
    }
    reached.set(digest, { record, where });
    const key = actionKeyOf(record);
    if (record.actionKey !== key)
      note("key", recordsFile, `record ${digest} says ${record.actionKey}, its contents give ${key}`, where);
    for (const artifact of artifactsOf(record)) {
      if (!named.has(artifact) && !manifests.has(artifact))
        note("missing", manifestsFile, `it has no manifest ${artifact}`, where);
      named.add(artifact);
    }
    queue.push(...recordsNamedBy(record).map((next) => ({ digest: next, where: `${where} > record ${next.slice(0, 12)}` })));
  }
  if (campaign === undefined) return [];
  for (const digest of records.keys())
    if (!reached.has(digest)) note("extra", recordsFile, `no step comes from record ${digest}`);
  for (const digest of manifests.keys())
    if (!named.has(digest)) note("extra", manifestsFile, `no record names artifact ${digest}`);
  const origins = traceOrigins(reached, (artifact) => manifests.get(artifact)?.type);
  problems.push(...origins.problems);
  return origins.external;
}

/** The key that signatures are checked with. */
function keyOf(pem: Buffer | undefined, given: KeyObject | undefined, note: Note): KeyObject | null {
  let own: KeyObject | null = null;
  if (pem !== undefined) {
    try {
      own = parsePublicKey(pem.toString("utf8"), publicKeyFile);
      if (!pem.equals(Buffer.from(publicPem(own))))
        note("malformed", publicKeyFile, "it is not in the form in which it is written");
    } catch (error) {
      note("malformed", publicKeyFile, (error as Error).message);
    }
  }
  if (given === undefined) return own;
  if (own !== null && keyIdOf(own) !== keyIdOf(given))
    note("signature", publicKeyFile, `it is key ${keyIdOf(own)}, not the one that was given, ${keyIdOf(given)}`);
  return given;
}

/** Artifacts of which there are files, where nothing says which there should be. */
function foldersIn(present: ReadonlySet<string>, manifests: ReadonlyMap<Digest, Manifest>): Digest[] {
  const places = new Set([...present].map(placeOf));
  return [...manifests.keys()].filter((artifact) => places.has(artifactFolder(artifact)));
}

/** The folder of the artifact to which a path belongs, if it is one of an artifact. */
const placeOf = (path: string): string => path.split("/", 2).join("/");

/** Files of artifacts; those that were looked at are taken out of `present`. */
async function checkArtifacts(
  folder: string,
  included: readonly Digest[],
  manifests: ReadonlyMap<Digest, Manifest>,
  present: Set<string>,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const filesBelow = new Map<string, string[]>();
  for (const path of present) {
    const place = placeOf(path);
    const known = filesBelow.get(place);
    if (known === undefined) filesBelow.set(place, [path]);
    else known.push(path);
  }
  for (const artifact of included) {
    const place = artifactFolder(artifact);
    const where = { what: `file ${place}`, where: folder };
    if (!manifests.has(artifact)) problems.push({ kind: "extra", ...where, detail: "the crate has no manifest of it" });
    else if (!filesBelow.has(place))
      problems.push({ kind: "missing", ...where, detail: "the last statement says that it is in the crate" });
    else problems.push(...(await verifyExport(join(folder, place), artifact)));
    for (const path of filesBelow.get(place) ?? []) present.delete(path);
  }
  return problems;
}
