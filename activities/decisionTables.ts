import { readFile } from "../artifacts/manifest.ts";
import type { Store } from "../artifacts/store.ts";
import type { Manifest } from "../schemas/artifacts.ts";
import { decisionSchema, decisionsMetaSchema } from "../schemas/reading.ts";
import { parseLines } from "./datasets.ts";

const columns = ["case", "repeat", "reader", "answer", "at", "tookMs", "decidedBy"];

/** `answers.csv` of a `decisions` artifact (RFC 4180); nothing of any other. */
export async function* decisionTables(store: Store, manifest: Manifest): AsyncIterable<{ path: string; bytes: Uint8Array }> {
  if (manifest.type !== "decisions") return;
  const { decidedBy } = decisionsMetaSchema.parse(manifest.meta);
  const decisions = parseLines(await readFile(store, manifest, "answers.jsonl"), decisionSchema);
  const rows = decisions.map(({ case: id, repeat, reader, answer, at, tookMs }) => [
    ...[id, String(repeat), reader ?? "", answer, at === null ? "" : new Date(at).toISOString(), String(tookMs)],
    decidedBy,
  ]);
  const text = [columns, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
  yield { path: "answers.csv", bytes: Buffer.from(text) };
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
