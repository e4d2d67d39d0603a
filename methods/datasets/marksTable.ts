import { InputError, throwTogether } from "../inputError.ts";
import { type CsvCell, columnsOf, readCsvTable } from "./csvTable.ts";
import { type FiledLesion, filedLesionSchema, lesionsFiled, type StatedLesion } from "./marksFile.ts";

/** Columns of a table of marks, with their places in a lesion of a marks file; a star marks those that may be missing. */
const COLUMNS = {
  id: ["id"],
  slice: ["slice"],
  long_x1: ["long", 0, 0],
  long_y1: ["long", 0, 1],
  long_x2: ["long", 1, 0],
  long_y2: ["long", 1, 1],
  short_x1: ["short", 0, 0],
  short_y1: ["short", 0, 1],
  short_x2: ["short", 1, 0],
  short_y2: ["short", 1, 1],
  "image*": ["image"],
  "series*": ["series"],
  "spacing_x*": ["spacing", 0],
  "spacing_y*": ["spacing", 1],
  "spacing_z*": ["spacing", 2],
  "patient*": ["patient"],
  "category*": ["category"],
  "window_low*": ["window", 0],
  "window_high*": ["window", 1],
  "mask*": ["mask"],
  "split*": ["split"],
  "note*": undefined,
} as const satisfies Record<string, readonly [string, ...number[]] | undefined>;

const placeOf = new Map<string, readonly [string, ...number[]] | undefined>(
  Object.entries(COLUMNS).map(([name, place]) => [name.replace("*", ""), place]),
);
const NEEDED = Object.keys(COLUMNS).filter((name) => !name.endsWith("*"));

/**
 * The lesions of a table of marks (CSV; semicolons, tabs and decimal commas too): a row is what a lesion is in a marks file, a column
 * one of its values.
 *
 * @param file names the file in errors, which say `file:line:column`, all that is wrong at once.
 * @throws InputError where the table has other columns, a cell cannot be understood, or a lesion is named twice.
 */
export function parseMarksTable(text: string, file: string): FiledLesion[] {
  const { delimiter, header, rows } = readCsvTable(text, file);
  const { columns, problems } = columnsOf(header, file, Object.keys(COLUMNS), () => `needed are ${NEEDED.join(", ")}`);
  throwTogether(problems);
  const names = [...columns.keys()];
  if (rows.length === 0) throw new InputError("names no lesion", file, "give a row for every lesion");
  const stated = rows.flatMap((cells): StatedLesion[] => {
    const where = ({ line, column }: CsvCell): string => `${file}:${line}:${column}`;
    const value: Record<string, unknown> = {};
    for (const [name, i] of columns) {
      const place = placeOf.get(name);
      const cell = cells[i];
      if (place === undefined || (cell.text === "" && !NEEDED.includes(name))) continue;
      const [key, ...steps] = place;
      put(value, key, steps, steps.length === 0 && key !== "slice" ? cell.text : numberIn(cell.text, delimiter));
    }
    const parsed = filedLesionSchema.safeParse(value);
    if (parsed.success) return [{ ...parsed.data, where: `${file}:${cells[0].line}: lesion ${parsed.data.id}` }];
    for (const { path, message } of parsed.error.issues) {
      const i = names.findIndex((name) => isAt(placeOf.get(name), path));
      const said = i < 0 ? `${String(path[0])}: ${message}` : `${names[i]} is "${cells[i].text}": ${message}`;
      problems.push(new InputError(said, where(cells[Math.max(0, i)]), "correct the cell"));
    }
    return [];
  });
  throwTogether(problems);
  return lesionsFiled(stated, file);
}

/** An issue with a value lies at its column; one with a list, such as a window, at the first that the list has. */
const isAt = (place: readonly (string | number)[] | undefined, path: readonly PropertyKey[]): boolean =>
  place !== undefined && path.every((step, i) => place[i] === step);

function put(value: Record<string, unknown>, key: string, [step, ...more]: readonly number[], content: unknown): void {
  if (step === undefined) {
    value[key] = content;
    return;
  }
  const list = (value[key] ?? []) as unknown[];
  value[key] = list;
  put(list as unknown as Record<string, unknown>, String(step), more, content);
}

/** NaN where it is none, which no value may be. */
function numberIn(text: string, delimiter: string): number {
  const plain = delimiter === "," ? text : text.replace(",", ".");
  return plain === "" ? Number.NaN : Number(plain);
}
