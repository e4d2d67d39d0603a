import { readCsvTable } from "../datasets/csvTable.ts";
import { InputError } from "../inputError.ts";

/** When a scan was made: 0 is the baseline, days count from it. */
export interface TimePoint {
  readonly timePoint: number;
  readonly day: number;
}

/** A row of a table of links: which lesion this is. */
export interface LinkedLesion extends TimePoint {
  readonly lesion: string;
}

/**
 * A table `id,lesion,time_point,day`: the lesion that each row of a data set is, the same name at every time point.
 *
 * @throws InputError at the cell (`path:line:column`) that cannot be understood, or where a lesion or an id is there twice.
 */
export function readLinkTable(text: string, where: string): Map<string, LinkedLesion> {
  const linked = new Map<string, LinkedLesion>();
  const seen = new Set<string>();
  for (const { at, cells } of rowsOf(text, where, ["id", "lesion", "time_point", "day"])) {
    const [id, lesion] = [cells.id, cells.lesion];
    if (linked.has(id)) throw new InputError(`${id} is there twice`, at, "give every lesion of the data set one row");
    const timePoint = wholeNumber(cells.time_point, "time_point", at);
    const key = JSON.stringify([lesion, timePoint]);
    if (seen.has(key)) throw new InputError(`lesion ${lesion} is there twice at time point ${timePoint}`, at);
    seen.add(key);
    linked.set(id, { lesion, timePoint, day: wholeNumber(cells.day, "day", at) });
  }
  return linked;
}

/** A table `series,time_point,day`: when each scan was made. @throws InputError as `readLinkTable` */
export function readScanTable(text: string, where: string): Map<string, TimePoint> {
  const scans = new Map<string, TimePoint>();
  for (const { at, cells } of rowsOf(text, where, ["series", "time_point", "day"])) {
    if (scans.has(cells.series)) throw new InputError(`${cells.series} is there twice`, at, "give every series one row");
    const timePoint = wholeNumber(cells.time_point, "time_point", at);
    scans.set(cells.series, { timePoint, day: wholeNumber(cells.day, "day", at) });
  }
  return scans;
}

function* rowsOf<C extends string>(
  text: string,
  where: string,
  columns: readonly C[],
): Generator<{ readonly at: string; readonly cells: Readonly<Record<C, string>> }> {
  const { header, rows } = readCsvTable(text, where);
  const places = columns.map((name) => {
    const place = header.findIndex((cell) => cell.text.toLowerCase() === name);
    if (place < 0) throw new InputError(`has no column ${name}`, where, `a table needs ${columns.join(", ")}`);
    return place;
  });
  for (const row of rows) {
    const at = `${where}:${row[0].line}:${row[0].column}`;
    const cells = Object.fromEntries(columns.map((name, i) => [name, row[places[i]].text])) as Record<C, string>;
    for (const name of columns) if (cells[name] === "") throw new InputError(`${name} is empty`, at);
    yield { at, cells };
  }
}

function wholeNumber(text: string, column: string, at: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InputError(`${column} is "${text}", no whole number from 0 on`, at);
  return Number(text);
}
