import { type ArtifactFile, putArtifact } from "../artifacts/manifest.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import {
  type Decision,
  type DecisionsMeta,
  decisionSchema,
  decisionsMetaSchema,
  type LogLine,
  logLineSchema,
} from "../schemas/reading.ts";
import { linesType, parseLines, toLines } from "./datasets.ts";

/** One chunk of a reading's log; its first line names the chunk before, so that nothing can be taken out unseen. */
export async function putChunk(
  store: Store,
  cases: Digest,
  previous: Digest | null,
  lines: readonly Exclude<LogLine, { event: "chunk" }>[],
): Promise<Digest> {
  const header: LogLine = { event: "chunk", previous, cases };
  return store.putBlob(toLines([header, ...lines]));
}

/** A log from its newest chunk back to its first. */
export interface ReadingLog {
  /** As `log.jsonl` holds it: the chunks' bytes in order. */
  readonly bytes: Buffer;
  readonly lines: LogLine[];
}

/** @throws MissingBlobError, DamagedBlobError when a chunk is not there or not what the one after it names. */
export async function readLog(store: Store, newest: Digest): Promise<ReadingLog> {
  const chunks: { bytes: Buffer; lines: LogLine[] }[] = [];
  for (let digest: Digest | null = newest; digest !== null; ) {
    const bytes = await store.getBlob(digest);
    const lines = parseLines(bytes, logLineSchema);
    const [header] = lines;
    if (header?.event !== "chunk") throw new TypeError(`blob ${digest} is no chunk of a reading's log`);
    chunks.unshift({ bytes, lines });
    digest = header.previous as Digest | null;
  }
  return { bytes: Buffer.concat(chunks.map(({ bytes }) => bytes)), lines: chunks.flatMap(({ lines }) => lines) };
}

/** @param written the log that tells how it came to the decisions @param more further files of the artifact */
export async function putDecisions(
  store: Store,
  decisions: readonly Decision[],
  written: Pick<ReadingLog, "bytes">,
  meta: Omit<DecisionsMeta, "decisions">,
  more: readonly ArtifactFile[] = [],
): Promise<Digest> {
  const lines = toLines(decisions.map((decision) => decisionSchema.parse(decision)));
  return putArtifact(store, {
    type: "decisions",
    meta: decisionsMetaSchema.parse({ ...meta, decisions: decisions.length }),
    files: [
      { path: "answers.jsonl", bytes: lines, mediaType: linesType },
      { path: "log.jsonl", bytes: written.bytes, mediaType: linesType },
      ...more,
    ],
  });
}
