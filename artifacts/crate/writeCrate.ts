import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import type { CampaignRecord } from "../../schemas/records.ts";
import { canonicalJson } from "../canonicalJson.ts";
import { sha256 } from "../digest.ts";
import { exportArtifact } from "../export.ts";
import { writeBelow, writeFolder } from "../plainFolder.ts";
import type { Digest, Store } from "../store.ts";
import { keyIdOf, seal } from "./dsse.ts";
import {
  artifactFolder,
  attestationsFile,
  attestedFiles,
  campaignFile,
  jsonLines,
  manifestsFile,
  metadataFile,
  pipelineFile,
  publicKeyFile,
  readmeFile,
  recordsFile,
  sourceFile,
} from "./layout.ts";
import { isLeftOut } from "./leftOut.ts";
import { readLineage } from "./lineage.ts";
import { crateMetadata } from "./metadata.ts";
import { readme } from "./readme.ts";
import { publicPem } from "./signingKey.ts";
import { crateStatement, recordStatement } from "./statement.ts";

export interface CrateOptions {
  /** Every artifact's files, pictures and masks of patients too. */
  readonly all: boolean;
  readonly privateKey: KeyObject;
}

export interface WrittenCrate {
  readonly records: number;
  readonly artifacts: number;
  /** Those whose files are in the crate. */
  readonly included: readonly Digest[];
  readonly keyid: Digest;
}

/**
 * Writes a finished campaign as an RO-Crate with a signed statement for every action. The folder appears whole or not at
 * all; campaign, key and `all` decide every byte of it. A blob that is sealed is no file of an artifact and is not copied;
 * of all artifacts' files, the study's own copy of its key is among them.
 *
 * @throws StoreInputError when `dir` exists and is not an empty folder; MissingBlobError, DamagedBlobError or
 * MalformedDocumentError when the campaign is not whole.
 */
export async function writeCrate(
  store: Store,
  { digest, record: campaign }: { readonly digest: Digest; readonly record: CampaignRecord },
  dir: string,
  { all, privateKey }: CrateOptions,
): Promise<WrittenCrate> {
  const lineage = await readLineage(store, digest, campaign);
  const { records, manifests, pipeline, source } = lineage;
  const included = [...manifests].flatMap(([artifact, manifest]) => (all || !isLeftOut(manifest) ? [artifact] : [])).sort();
  const files = new Map<string, Buffer>([
    [readmeFile, Buffer.from(readme(campaign.campaign))],
    [campaignFile, Buffer.from(canonicalJson(campaign))],
    [recordsFile, Buffer.from(jsonLines(records.map(({ record }) => record)))],
    [manifestsFile, Buffer.from(jsonLines([...manifests.values()]))],
    [sourceFile, source],
    [pipelineFile, Buffer.from(canonicalJson(pipeline))],
  ]);
  files.set(metadataFile, Buffer.from(crateMetadata(lineage, files, new Set(included))));
  const attested = new Map(attestedFiles.map((path) => [path, sha256(files.get(path)!)]));
  const statements = [
    ...records.map(recordStatement),
    crateStatement(attested, { campaign: campaign.campaign, record: digest, artifacts: included }),
  ];
  files.set(attestationsFile, Buffer.from(jsonLines(statements.map((statement) => seal(statement, privateKey)))));
  files.set(publicKeyFile, Buffer.from(publicPem(privateKey)));
  await writeFolder(dir, async (partial) => {
    for (const [path, bytes] of files) await writeBelow(partial, path, bytes);
    for (const artifact of included) await exportArtifact(store, artifact, join(partial, artifactFolder(artifact)));
  });
  return { records: records.length, artifacts: manifests.size, included, keyid: keyIdOf(privateKey) };
}
