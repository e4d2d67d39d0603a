import { type CsvCell, columnsOf, readCsvTable } from "../datasets/csvTable.ts";
import { InputError, throwTogether } from "../inputError.ts";
import { type FindingState, findingStates, type LesionRole, lesionRoles } from "./course.ts";

/** One row of a table of measurements: one lesion at one time point. What a cell leaves open is null. */
export interface MeasurementRow {
  /** `file:line:column` of the row. */
  readonly where: string;
  readonly patient: string;
  readonly timePoint: string;
  readonly day: number;
  readonly lesion: string;
  readonly organ: string | null;
  readonly node: boolean | null;
  readonly role: LesionRole | null;
  readonly state: FindingState | null;
  readonly longMm: number | null;
  readonly shortMm: number | null;
  readonly volumeMl: number | null;
  /** Path of a mask that gives what the row does not. */
  readonly mask: string | null;
}

/** Columns that a table may have; those without a star it must have. `date` or `day`, one of the two. */
export const measurementColumns = {
  patient: "name or number of the patient",
  "date*": "day of the scan, YYYY-MM-DD",
  "day*": "or whole days since any fixed day",
  "timepoint*": "name of the assessment where its scans have several dates; the earliest counts",
  lesion: "name of the lesion, the same at every time point",
  "organ*": "where it lies",
  "node*": "yes for a lymph node, which is measured by its short axis",
  role: "target, non-target or new; once per lesion is enough",
  "long_mm*": "longest diameter in mm; 0 where it has disappeared; of a lesion that has split its parts, as 12+8",
  "short_mm*": "short axis in mm",
  "state*": `${findingStates.join(", ")}; if empty, measured`,
  "volume_ml*": "volume in ml",
  "mask*": "NIfTI mask of the lesion that gives diameters and volume; parts of a lesion that has split are added up",
  "note*": "is not read",
} as const;

/** No lesion is longer, or larger: a slip of the unit or of the decimal point. */
const LONGEST_MM = 1000;
const LARGEST_ML = 100_000;

/**
 * Reads a table of measurements, all that is wrong with its cells at once.
 *
 * @param where path of the file; errors say `path:line:column`.
 * @throws InputError where the table has no such columns or a cell cannot be understood.
 */
export function readMeasurementRows(text: string, where: string): MeasurementRow[] {
  const { delimiter, header, rows } = readCsvTable(text, where);
  const columns = measuredColumns(header, where);
  if (rows.length === 0) throw new InputError("has no row", where, "give a row for every lesion and time point");
  const problems: InputError[] = [];
  const read = rows.map((cells) => {
    const row = new RowReader(cells, columns, where, delimiter !== ",", problems);
    const node = row.choice("node", ["yes", "no"]);
    const day = columns.has("date") ? row.date("date") : row.wholeNumber("day");
    return {
      where: row.where,
      patient: row.word("patient"),
      timePoint: row.text("timepoint") ?? row.text("date") ?? `day ${day}`,
      day,
      lesion: row.word("lesion"),
      organ: row.text("organ"),
      node: node === null ? null : node === "yes",
      role: row.choice("role", lesionRoles),
      state: row.choice("state", findingStates),
      longMm: row.lengthMm("long_mm"),
      shortMm: row.lengthMm("short_mm"),
      volumeMl: row.amount("volume_ml", LARGEST_ML),
      mask: row.text("mask"),
    };
  });
  throwTogether(problems);
  return read;
}

function measuredColumns(header: readonly CsvCell[], where: string): Map<string, number> {
  const { columns, problems } = columnsOf(header, where, Object.keys(measurementColumns), meaningOf);
  if (columns.has("date") === columns.has("day")) {
    const place = `${where}:${header[0].line}:${header[0].column}`;
    problems.push(new InputError('one of the columns "date" and "day" is needed, and not both', place));
  }
  throwTogether(problems);
  return columns;
}

const meaningOf = (name: string): string => measurementColumns[name as keyof typeof measurementColumns];

/** Cells of one row, read as what they must be; what is wrong is collected and something valid returned. */
class RowReader {
  readonly where: string;
  private readonly cells: readonly CsvCell[];
  private readonly columns: ReadonlyMap<string, number>;
  private readonly file: string;
  private readonly decimalComma: boolean;
  private readonly problems: InputError[];

  constructor(
    cells: readonly CsvCell[],
    columns: ReadonlyMap<string, number>,
    file: string,
    decimalComma: boolean,
    problems: InputError[],
  ) {
    this.cells = cells;
    this.columns = columns;
    this.file = file;
    this.decimalComma = decimalComma;
    this.problems = problems;
    this.where = `${file}:${cells[0].line}:${cells[0].column}`;
  }

  text(name: string): string | null {
    const text = this.cells[this.columns.get(name) ?? -1]?.text ?? "";
    return text === "" ? null : text;
  }

  word(name: string): string {
    const text = this.text(name);
    if (text === null) this.fail(name, `${name} is empty`, meaningOf(name));
    return text ?? "";
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | null {
    const text = this.text(name)?.toLowerCase() ?? null;
    if (text === null) return null;
    const chosen = choices.find((choice) => choice === text);
    if (chosen === undefined) this.wrong(name, choices.join(", "));
    return chosen ?? null;
  }

  wholeNumber(name: string): number {
    const text = this.word(name);
    if (/^[+-]?\d{1,7}$/.test(text)) return Number(text);
    if (text !== "") this.wrong(name, "a whole number");
    return 0;
  }

  /** Days since 1970-01-01. */
  date(name: string): number {
    const text = this.word(name);
    const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) / 86_400_000 : Number.NaN;
    // Date.parse turns the 31st of a shorter month into the next one's first
    if (Number.isInteger(day) && new Date(day * 86_400_000).toISOString().startsWith(text)) return day;
    if (text !== "") this.wrong(name, "a date as YYYY-MM-DD");
    return 0;
  }

  lengthMm(name: string): number | null {
    const parts = this.text(name)?.split("+");
    if (parts === undefined) return null;
    const lengths = parts.map((part) => this.number(part.trim()));
    const sum = lengths.reduce((total, length) => total + length, 0);
    if (lengths.every((length) => length >= 0) && sum <= LONGEST_MM) return sum;
    this.wrong(name, `millimetres from 0 to ${LONGEST_MM}, or the parts of a split lesion as 12+8`);
    return null;
  }

  amount(name: string, most: number): number | null {
    const text = this.text(name);
    if (text === null) return null;
    const amount = this.number(text);
    if (amount >= 0 && amount <= most) return amount;
    this.wrong(name, `a number from 0 to ${most}`);
    return null;
  }

  private number(text: string): number {
    const plain = this.decimalComma ? text.replace(",", ".") : text;
    return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : Number.NaN;
  }

  private wrong(name: string, expected: string): void {
    this.fail(name, `${name} is "${this.text(name)?.slice(0, 80)}"`, `expected ${expected}`);
  }

  private fail(name: string, what: string, remedy: string): void {
    const { line, column } = this.cells[this.columns.get(name)!];
    this.problems.push(new InputError(what, `${this.file}:${line}:${column}`, remedy));
  }
}
