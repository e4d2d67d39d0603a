import { type CsvField, writeCsvTable } from "../methods/datasets/csvTable.ts";
import type { MethodScores } from "./reportInput.ts";

/** One line per method and lesion with every column; undefined scores are empty fields. RFC 4180. */
export function scoresCsv(methods: readonly MethodScores[]): string {
  const columns = [...new Set(methods.flatMap(({ scores }) => Object.keys(scores[0]?.columns ?? {})))];
  const rows = methods.flatMap(({ data, name, dimension, scores }) =>
    scores.map(({ lesion, patient, category, longMm, shortMm, columns: values }): CsvField[] => [
      ...[data, name, dimension, lesion, patient, category, longMm, shortMm],
      ...columns.map((column) => values[column] ?? null),
    ]),
  );
  return writeCsvTable(["data", "method", "dimension", "lesion", "patient", "category", "longMm", "shortMm", ...columns], rows);
}

/** One line per method, stratum and column: what every table of the page is cut from. RFC 4180. */
export function strataCsv(methods: readonly MethodScores[]): string {
  const rows = methods.flatMap(({ data, name, dimension, strata }) =>
    strata.flatMap(({ by, value, observations, patients, scores }) =>
      Object.entries(scores).map(([column, s]): CsvField[] => [
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
  return writeCsvTable(header, rows);
}
