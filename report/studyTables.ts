import { writeCsvTable } from "../methods/datasets/csvTable.ts";
import type { ReportData } from "./reportInput.ts";

/** The numbers of studies of readers as CSV, by file name; none without a study. RFC 4180, undefined values are empty. */
export function studyTables(studies: ReportData["studies"]): Record<`studies/${string}.csv`, string> {
  if (studies.length === 0) return {};
  const each = <T>(of: (study: ReportData["studies"][number]) => readonly T[], row: (one: T) => (string | number | null)[]) =>
    studies.flatMap((study) => of(study).map((one) => [study.name, study.decidedBy, ...row(one)]));
  const about = ["study", "decidedBy"];
  const acceptance = each(
    ({ acceptance }) => acceptance?.rates ?? [],
    ({ source, reader, category, n, lesions, patients, accepted, rate, interval, clustered }) => [
      ...[source, reader, category, n, lesions, patients, accepted, rate],
      ...[interval?.low ?? null, interval?.high ?? null, clustered?.low ?? null, clustered?.high ?? null],
    ],
  );
  const paired = each(
    ({ acceptance }) => acceptance?.paired ?? [],
    ({ reader, first, second, pairs, both, onlyFirst, onlySecond, neither, test, pHolm }) => [
      ...[reader, first, second, pairs, both, onlyFirst, onlySecond, neither],
      ...[test.share, test.interval?.low ?? null, test.interval?.high ?? null, test.p, pHolm],
    ],
  );
  const comparison = each(
    ({ comparison }) => (comparison?.rows ?? []).map((row) => ({ ...row, names: [comparison!.first, comparison!.second] })),
    ({ names, reader, category, n, patients, first, second, both, neither, test, clustered }) => [
      ...[...names, reader, category, n, patients, first, second, both, neither],
      ...[test.share, test.interval?.low ?? null, test.interval?.high ?? null, test.p],
      ...[clustered?.low ?? null, clustered?.high ?? null],
    ],
  );
  const agreement = each(
    (study) => study.agreement,
    ({ readers, n, agreement, kappa, interval }) => [
      ...[readers.join("; "), readers.length === 1 ? "within" : "between", n, agreement, kappa],
      ...[interval?.low ?? null, interval?.high ?? null],
    ],
  );
  const readers = each(
    ({ readers, comparison }) =>
      readers.map((one) => ({ ...one, side: comparison?.sides.find(({ reader }) => reader === one.reader) })),
    ({ reader, answered, unanswered, repeated, changes, seconds, side }) => [
      ...[reader, answered, unanswered, repeated, changes, seconds.median, seconds.q1, seconds.q3],
      ...[side?.left ?? null, side?.right ?? null, side?.test.p ?? null],
    ],
  );
  const share = ["share", "low", "high", "p"];
  const patientsDrawn = ["patientsDrawnLow", "patientsDrawnHigh"];
  const whose = ["reader", "category"];
  return {
    "studies/acceptance.csv": writeCsvTable(
      [
        ...[...about, "source", ...whose, "answers", "lesions", "patients", "accepted", "rate"],
        ...["wilsonLow", "wilsonHigh", ...patientsDrawn],
      ],
      acceptance,
    ),
    "studies/paired.csv": writeCsvTable(
      [...about, "reader", "first", "second", "pairs", "both", "onlyFirst", "onlySecond", "neither", ...share, "pHolm"],
      paired,
    ),
    "studies/comparison.csv": writeCsvTable(
      [
        ...[...about, "first", "second", ...whose, "answers", "patients", "firstPreferred", "secondPreferred", "both", "neither"],
        ...[...share, ...patientsDrawn],
      ],
      comparison,
    ),
    "studies/agreement.csv": writeCsvTable(
      [...about, "readers", "kind", "cases", "agreement", "kappa", "low", "high"],
      agreement,
    ),
    "studies/readers.csv": writeCsvTable(
      [
        ...[...about, "reader", "answered", "unanswered", "repeated", "changes", "medianSeconds", "q1Seconds", "q3Seconds"],
        ...["left", "right", "sideP"],
      ],
      readers,
    ),
  };
}
