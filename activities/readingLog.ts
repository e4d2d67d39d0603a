import type { Digest, Store } from "../artifacts/store.ts";
import { type LogLine, logLineSchema } from "../schemas/reading.ts";
import { parseLines, toLines } from "./datasets.ts";

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
