import { canonicalJson } from "../artifacts/canonicalJson.ts";
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

type Line = Exclude<LogLine, { event: "chunk" }>;

/**
 * Adds lines to a reading's log and gives the digest of its newest chunk. Who else asks the same about the same cases
 * writes to the same log: where `newest` is not the chunk that the writer left there, what only the writer's own chain
 * holds goes behind it, so that nobody's answers are lost. Lines that the log has already (an attempt before this one wrote them)
 * are not written again.
 *
 * @param previous the writer's newest chunk @param newest what the log's pointer names
 */
export async function appendToLog(
  store: Store,
  cases: Digest,
  { previous, newest }: { readonly previous: Digest | null; readonly newest: Digest | null },
  lines: readonly Line[],
): Promise<Digest> {
  if (newest === null || newest === previous) return putChunk(store, cases, previous, lines);
  const identity = (line: LogLine): string => canonicalJson(JSON.parse(JSON.stringify(line)));
  const written = new Set((await readLog(store, newest)).lines.map(identity));
  const own = previous === null ? [] : (await readLog(store, previous)).lines;
  const missing = [...own, ...lines].filter((line): line is Line => line.event !== "chunk" && !written.has(identity(line)));
  return missing.length === 0 ? newest : putChunk(store, cases, newest, missing);
}

/** One chunk of a reading's log; its first line names the chunk before, so that nothing can be taken out unseen. */
async function putChunk(store: Store, cases: Digest, previous: Digest | null, lines: readonly Line[]): Promise<Digest> {
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
