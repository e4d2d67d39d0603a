import { scoresCsv, strataCsv } from "./csv.ts";
import { reportFigures } from "./figures.ts";
import { reportNumbers } from "./numbers.ts";
import { reportPage } from "./page.ts";
import { patientsPage } from "./patientsPage.ts";
import { type ReportInput, reportInputSchema } from "./reportInput.ts";
import { studyTables } from "./studyTables.ts";

/** The files of a report by their path: `report.html`, `numbers.json`, `scores.csv`, `strata.csv`, `patients.html` and `figures/*.svg`. */
export interface ReportFiles {
  readonly "report.html": string;
  readonly "numbers.json": string;
  /** Every patient over time, where patients were followed. */
  readonly "patients.html"?: string;
  /** Every column of every lesion by every method. */
  readonly "scores.csv": string;
  /** Every summary: in total, by category, by size and by slice offset. */
  readonly "strata.csv": string;
  readonly [figure: `figures/${string}.svg`]: string;
  /** The numbers of studies of readers, where there are some. */
  readonly [table: `studies/${string}.csv`]: string;
}

/**
 * Renders a campaign's report. A pure function: equal inputs give equal bytes. The page holds its figures and images
 * itself; the other files repeat them, and its numbers, for machines.
 *
 * @throws ZodError where the input does not have the declared shape.
 */
export async function renderReport(input: ReportInput): Promise<ReportFiles> {
  const data = reportInputSchema.parse(input);
  const numbers = reportNumbers(data);
  const figures = await reportFigures(data, numbers);
  const { methods, gallery: _pictures, volumes, studies, ...told } = data;
  const read = studies.length === 0 ? {} : { studies };
  return {
    "report.html": reportPage(data, numbers, figures),
    "numbers.json": `${JSON.stringify({ ...told, ...numbers, volumePoints: volumes, ...read }, null, 2)}\n`,
    "scores.csv": scoresCsv(methods),
    "strata.csv": strataCsv(methods),
    ...(data.responses.length === 0 ? {} : { "patients.html": patientsPage(data) }),
    ...studyTables(studies),
    ...Object.fromEntries(figures.map(({ name, svg }) => [`figures/${name}.svg`, svg])),
  };
}
