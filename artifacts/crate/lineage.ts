import type { Manifest } from "../../schemas/artifacts.ts";
import { type CompiledPipeline, compiledPipelineSchema } from "../../schemas/pipeline.ts";
import type { CampaignRecord } from "../../schemas/records.ts";
import { asDigest } from "../digest.ts";
import { type DocumentKind, getDocument } from "../document.ts";
import { inParallel } from "../inParallel.ts";
import { getManifest } from "../manifest.ts";
import { type FoundAction, getRecord } from "../records.ts";
import type { Digest, Store } from "../store.ts";

export const pipelineDocument: DocumentKind<CompiledPipeline> = { name: "compiled pipeline", schema: compiledPipelineSchema };

/** Everything that a campaign's numbers can be followed back to, but the bytes of artifacts. */
export interface Lineage {
  readonly digest: Digest;
  readonly campaign: CampaignRecord;
  readonly pipeline: CompiledPipeline;
  /** The YAML that the pipeline came from. */
  readonly source: Buffer;
  /** Each after those that it names. */
  readonly records: readonly FoundAction[];
  /** Of every artifact that a record names, in the order in which they first are. */
  readonly manifests: ReadonlyMap<Digest, Manifest>;
}

/** @throws MissingBlobError, DamagedBlobError, MalformedDocumentError */
export async function readLineage(store: Store, digest: Digest, campaign: CampaignRecord): Promise<Lineage> {
  const records = await recordsBehind(store, Object.values(campaign.steps).map(asDigest));
  const artifacts = [...new Set(records.flatMap(({ record }) => artifactsOf(record)))];
  const manifests = await inParallel(artifacts, async (artifact) => [artifact, await getManifest(store, artifact)] as const);
  return {
    digest,
    campaign,
    pipeline: await getDocument(store, pipelineDocument, asDigest(campaign.pipeline)),
    source: await store.getBlob(asDigest(campaign.source)),
    records,
    manifests: new Map(manifests),
  };
}

/** What a record read and what it gave. */
export function artifactsOf({ inputs, outputs }: FoundAction["record"]): Digest[] {
  return [...Object.values(inputs).map(({ artifact }) => artifact), ...Object.values(outputs)].map(asDigest);
}

/** The records that a record names: of its parts, and of what made its inputs. */
export function recordsNamedBy({ inputs, parts }: FoundAction["record"]): Digest[] {
  const origins = Object.values(inputs).flatMap(({ record }) => (record === undefined ? [] : [record]));
  return [...origins, ...parts].map(asDigest);
}

/** All records that can be reached, each after those that it names. Their digests make a cycle impossible. */
async function recordsBehind(store: Store, roots: readonly Digest[]): Promise<FoundAction[]> {
  const known = new Map<Digest, FoundAction["record"]>();
  for (let wave = [...new Set(roots)]; wave.length > 0; ) {
    const read = await inParallel(wave, async (digest) => [digest, await getRecord(store, digest)] as const);
    for (const [digest, record] of read) known.set(digest, record);
    wave = [...new Set(read.flatMap(([, record]) => recordsNamedBy(record)))].filter((digest) => !known.has(digest));
  }
  const ordered = new Map<Digest, FoundAction>();
  const visit = (digest: Digest): void => {
    if (ordered.has(digest)) return;
    const record = known.get(digest)!;
    for (const named of recordsNamedBy(record)) visit(named);
    ordered.set(digest, { digest, record });
  };
  for (const digest of roots) visit(digest);
  return [...ordered.values()];
}
