import { readFile } from "../artifacts/manifest.ts";
import type { Store } from "../artifacts/store.ts";
import { writeCsvTable } from "../methods/datasets/csvTable.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { decisionSchema, decisionsMetaSchema, type LogLine, logLineSchema } from "../schemas/reading.ts";
import { parseLines } from "./datasets.ts";

/**
 * Of a `decisions` artifact `answers.csv`, what stands, and `log.csv`, every answer ever given or taken back and how the
 * reading ended, in order (RFC 4180); nothing of any other. `mask` is the digest of a drawn mask: the decisions hold it as
 * `masks/<digest>.safetensors`, and who drew it as `masks/<digest>.json`.
 */
export async function* decisionTables(store: Store, manifest: Manifest): AsyncIterable<{ path: string; bytes: Uint8Array }> {
  if (manifest.type !== "decisions") return;
  const { decidedBy } = decisionsMetaSchema.parse(manifest.meta);
  const decisions = parseLines(await readFile(store, manifest, "answers.jsonl"), decisionSchema);
  const answers = decisions.map(({ case: id, repeat, reader, answer, mask, at, tookMs }) => [
    ...[id, String(repeat), reader, answer, mask ?? null, at === null ? null : moment(at), tookMs],
    decidedBy,
  ]);
  const header = ["case", "repeat", "reader", "answer", "mask", "at", "tookMs", "decidedBy"];
  yield { path: "answers.csv", bytes: Buffer.from(writeCsvTable(header, answers)) };
  const log = parseLines(await readFile(store, manifest, "log.jsonl"), logLineSchema);
  const logHeader = ["received", "event", "reader", "position", "case", "repeat", "answer", "mask", "at", "tookMs", "words"];
  yield { path: "log.csv", bytes: Buffer.from(writeCsvTable(logHeader, log.flatMap(logRow))) };
}

/** Claims and reminders decide nothing and have no row. */
function logRow(line: LogLine): (string | number | null)[][] {
  switch (line.event) {
    case "answer": {
      const { received, reader, position, case: id, repeat, answer, mask, at, tookMs } = line;
      const given = [position, id, String(repeat), answer ?? "taken back", mask ?? null, moment(at), tookMs];
      return [[moment(received), "answer", reader, ...given, null]];
    }
    case "finish": {
      const words = [line.verdict, line.note].filter((word) => word !== null).join(": ");
      return [[moment(line.received), "finish", line.reader, ...Array<null>(7).fill(null), words]];
    }
    case "close":
      return [[moment(line.received), "close", null, ...Array<null>(7).fill(null), `by ${line.by}`]];
    default:
      return [];
  }
}

const moment = (milliseconds: number): string => new Date(milliseconds).toISOString();
