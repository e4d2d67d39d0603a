import type { MethodScores } from "./reportInput.ts";

type Field = string | number | null;

/** One line per method and lesion with every column; undefined scores are empty fields. RFC 4180. */
export function scoresCsv(methods: readonly MethodScores[]): string {
  const columns = [...new Set(methods.flatMap(({ scores }) => Object.keys(scores[0]?.columns ?? {})))];
  const rows = methods.flatMap(({ data, name, dimension, scores }) =>
    scores.map(({ lesion, patient, category, longMm, shortMm, columns: values }): Field[] => [
      ...[data, name, dimension, lesion, patient, category, longMm, shortMm],
      ...columns.map((column) => values[column] ?? null),
    ]),
  );
  return csv(["data", "method", "dimension", "lesion", "patient", "category", "longMm", "shortMm", ...columns], rows);
}

/** One line per method, stratum and column: what every table of the page is cut from. RFC 4180. */
export function strataCsv(methods: readonly MethodScores[]): string {
  const rows = methods.flatMap(({ data, name, dimension, strata }) =>
    strata.flatMap(({ by, value, observations, patients, scores }) =>
      Object.entries(scores).map(([column, s]): Field[] => [
        ...[data, name, dimension, by, value, observations, patients, column],
        ...[s.n, s.undefined, s.mean, s.sd, s.interval?.low ?? null, s.interval?.high ?? null],
        ...[s.median, s.q1, s.q3, s.minimum, s.maximum],
      ]),
    ),
  );
  const header = [
    ...["data", "method", "dimension", "by", "value", "observations", "patients", "column"],
    ...["n", "undefined", "mean", "sd", "low", "high", "median", "q1", "q3", "minimum", "maximum"],
  ];
  return csv(header, rows);
}

/** RFC 4180. */
export function csv(header: readonly string[], rows: readonly (readonly Field[])[]): string {
  return [header, ...rows].map((row) => `${row.map(csvField).join(",")}\r\n`).join("");
}

function csvField(value: Field): string {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
