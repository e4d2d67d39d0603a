import { canonicalJson } from "../canonicalJson.ts";
import type { Digest } from "../store.ts";

/** Files of a crate. */
export const metadataFile = "ro-crate-metadata.json";
export const readmeFile = "README.md";
export const campaignFile = "campaign.json";
export const recordsFile = "records.jsonl";
export const manifestsFile = "manifests.jsonl";
/** The pipeline as it was written, and as it was run. */
export const sourceFile = "pipeline.yaml";
export const pipelineFile = "pipeline.json";
export const attestationsFile = "attestations.intoto.jsonl";
export const publicKeyFile = "signing-key.pub.pem";

/** The files that the last statement is about. */
export const attestedFiles = [
  metadataFile,
  readmeFile,
  campaignFile,
  recordsFile,
  manifestsFile,
  sourceFile,
  pipelineFile,
] as const;
export const crateFiles = [...attestedFiles, attestationsFile, publicKeyFile] as const;
export type CrateFile = (typeof crateFiles)[number];

/** Where an artifact's files are. */
export const artifactFolder = (artifact: Digest): string => `artifacts/${artifact}`;

/** One canonical JSON a line: the SHA-256 of a line without its line feed is the digest of the document. */
export const jsonLines = (documents: readonly object[]): string =>
  documents.map((document) => `${canonicalJson(document)}\n`).join("");
