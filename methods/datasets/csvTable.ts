import { InputError } from "../inputError.ts";

/** A cell and where it begins: line and column count from 1, as editors do. */
export interface CsvCell {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface CsvTable {
  /** What stands between cells: the one of `,` `;` and tab that the header line has most of. */
  readonly delimiter: string;
  readonly header: readonly CsvCell[];
  /** Every row has as many cells as the header; rows without any text are left out. */
  readonly rows: readonly (readonly CsvCell[])[];
}

/** What a cell is written from: null leaves it empty. */
export type CsvField = string | number | null;

/**
 * A table as text (RFC 4180): lines end with CR LF; a cell is quoted where it must be, and where it begins or ends with a blank,
 * which readers may drop. {@link readCsvTable} gives the same cells back.
 *
 * @param rows each with as many cells as the header
 */
export function writeCsvTable(header: readonly string[], rows: readonly (readonly CsvField[])[]): string {
  return [header, ...rows].map((row) => `${row.map(writtenCell).join(",")}\r\n`).join("");
}

function writtenCell(value: CsvField): string {
  const text = value === null ? "" : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Reads a table with a header line (RFC 4180; also with semicolons or tabs, as spreadsheets write them), keeping the place
 * of every cell. Blanks around a cell are dropped, inside quotes they stay.
 *
 * @throws InputError at the place where the text is no such table.
 */
export function readCsvTable(text: string, where: string): CsvTable {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const delimiter = delimiterOf(body);
  const rows = readRows(body, delimiter, where).filter((row) => row.some((cell) => cell.text !== ""));
  const [header, ...rest] = rows;
  if (header === undefined) throw new InputError("is empty", where, "give a table with a header line");
  for (const row of rest) {
    if (row.length === header.length) continue;
    throw new InputError(
      `the row has ${row.length} cells where the header has ${header.length}`,
      `${where}:${row[0].line}:${row[0].column}`,
      `separate cells with ${delimiter === "\t" ? "tabs" : `"${delimiter}"`} and quote those that hold one`,
    );
  }
  return { delimiter, header, rows: rest };
}

/**
 * Where the columns of a table are, by name: without regard to case, with `_` for blanks and hyphens.
 *
 * @param known names of the columns that there may be, with a star those that may be missing.
 * @param meaning what to put into a column, for the error where it is missing.
 * @returns what is wrong, for the caller to add to and to throw.
 */
export function columnsOf(
  header: readonly CsvCell[],
  where: string,
  known: readonly string[],
  meaning: (name: string) => string,
): { columns: Map<string, number>; problems: InputError[] } {
  const names = known.map((name) => name.replace("*", ""));
  const columns = new Map<string, number>();
  const problems: InputError[] = [];
  for (const [i, { text, line, column }] of header.entries()) {
    const name = text.toLowerCase().replaceAll(/[ -]/g, "_");
    const place = `${where}:${line}:${column}`;
    if (!names.includes(name))
      problems.push(
        new InputError(`there is no column "${text}"`, place, `columns are ${names.join(", ")}; "note" may hold anything`),
      );
    else if (columns.has(name)) problems.push(new InputError(`column "${name}" is there twice`, place));
    columns.set(name, i);
  }
  const place = `${where}:${header[0].line}:${header[0].column}`;
  for (const name of known.filter((one) => !one.endsWith("*")))
    if (!columns.has(name)) problems.push(new InputError(`column "${name}" is missing`, place, meaning(name)));
  return { columns, problems };
}

/** The comma, unless the first line has more semicolons or tabs. */
export function delimiterOf(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0];
  const count = (delimiter: string): number => line.split(delimiter).length;
  return [",", ";", "\t"].reduce((most, next) => (count(next) > count(most) ? next : most));
}

function readRows(text: string, delimiter: string, where: string): CsvCell[][] {
  const rows: CsvCell[][] = [];
  let row: CsvCell[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  const columnOf = (offset: number): number => offset - lineStart + 1;
  const isBreak = (): boolean => at >= text.length || text[at] === "\n" || text[at] === "\r";
  const skipBlanks = (): void => {
    while (at < text.length && text[at] !== delimiter && (text[at] === " " || text[at] === "\t")) at++;
  };
  while (at <= text.length) {
    skipBlanks();
    const cell = { line, column: columnOf(at) };
    let content = "";
    if (text[at] === '"') {
      const unclosed = new InputError("the quoted cell does not end", `${where}:${cell.line}:${cell.column}`, 'close it with "');
      for (at++; ; at++) {
        if (at >= text.length) throw unclosed;
        if (text[at] === '"') {
          if (text[at + 1] !== '"') break;
          at++;
        } else if (text[at] === "\n") {
          line++;
          lineStart = at + 1;
        }
        content += text[at];
      }
      at++;
      skipBlanks();
      if (!isBreak() && text[at] !== delimiter)
        throw new InputError(
          "text follows the quoted cell",
          `${where}:${line}:${columnOf(at)}`,
          'write " in a quoted cell twice',
        );
    } else {
      const from = at;
      while (!isBreak() && text[at] !== delimiter) at++;
      content = text.slice(from, at).trim();
    }
    row.push({ text: content, ...cell });
    if (text[at] === delimiter) {
      at++;
      continue;
    }
    rows.push(row);
    row = [];
    if (at >= text.length) break;
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    line++;
    lineStart = at;
  }
  return rows;
}
