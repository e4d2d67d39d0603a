import { InputError } from "../methods/inputError.ts";

/** A campaign or another piece of work failed; the message is all that the user needs to read. */
export class WorkFailed extends Error {
  override readonly name = "WorkFailed";
}

/** One JSON document on stdout: the only thing a `--json` command writes there. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** A line for people, on stderr. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `key=value` options of `--set`, collected by commander. */
export function collectSetting(text: string, settings: Record<string, string>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InputError(`--set ${text} is not key=value`, undefined, "e.g. --set rounds=1");
  return { ...settings, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => rows.reduce((widest, row) => Math.max(widest, row[column].length), 0));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
