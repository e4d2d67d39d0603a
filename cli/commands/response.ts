import path from "node:path";
import type { Command } from "commander";
import { InputError } from "../../methods/inputError.ts";
import { type AssessedCourse, type AssessmentSettings, assessCourse, defaultAssessment } from "../../methods/response/assess.ts";
import { coursesOf } from "../../methods/response/courses.ts";
import { baselineObjections } from "../../methods/response/eligibility.ts";
import { type MeasurementRow, measurementColumns, readMeasurementRows } from "../../methods/response/measurementRows.ts";
import { readTextFile } from "../../methods/textFile.ts";
import { printJson, say, table } from "../output.ts";
import { measureMask } from "./measure.ts";

export interface ResponseDocument {
  readonly measurements: string;
  readonly settings: AssessmentSettings;
  readonly patients: readonly (AssessedCourse & {
    /** What the choice of lesions has against RECIST 1.1. */
    readonly objections: readonly string[];
  })[];
  /** Time points after the baselines at which RECIST and the volumes were both evaluated, and at how many they differ. */
  readonly volumes: { readonly compared: number; readonly disagree: number };
}

/**
 * Responses by RECIST 1.1 from a table of measurements, and by volume beside them.
 *
 * @throws InputError where the table or one of its masks is wrong.
 */
export async function assessMeasurements(file: string, settings: AssessmentSettings): Promise<ResponseDocument> {
  const text = await readTextFile(file, "give a CSV table of measurements");
  const rows: MeasurementRow[] = [];
  for (const row of readMeasurementRows(text, file)) rows.push(await withMask(row, path.dirname(file)));
  const patients = coursesOf(rows).map((course) => ({
    ...assessCourse(course, settings),
    objections: baselineObjections(course),
  }));
  const compared = patients.flatMap(({ timePoints }) => timePoints.filter(({ disagrees }) => disagrees !== null));
  return {
    measurements: file,
    settings,
    patients,
    volumes: { compared: compared.length, disagree: compared.filter(({ disagrees }) => disagrees).length },
  };
}

/** A row with what its mask says: diameters and volume of all its components together (RECIST 1.1, §4.3.2: a lesion that has split). */
async function withMask(row: MeasurementRow, folder: string): Promise<MeasurementRow> {
  if (row.mask === null) return row;
  const { components, total } = await measureMask(path.resolve(folder, row.mask)).catch((error: unknown) => {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`mask ${error.message}`, row.where, undefined, { cause: error });
  });
  const measured = components.filter(({ longMm }) => longMm !== null);
  if (measured.length > 1 && (row.longMm ?? row.shortMm) === null)
    say(`${row.where}: the mask has ${measured.length} parts; their diameters are added up, as of a lesion that has split`);
  const sum = (axis: "longMm" | "shortMm"): number | null =>
    measured.length === 0 ? null : measured.reduce((mm, part) => mm + (part[axis] ?? 0), 0);
  const absent = total.voxels === 0;
  return {
    ...row,
    state: row.state ?? (absent ? "absent" : measured.length === 0 ? "too-small" : null),
    longMm: row.longMm ?? sum("longMm"),
    shortMm: row.shortMm ?? sum("shortMm"),
    volumeMl: row.volumeMl ?? total.volumeMl,
  };
}

export function register(program: Command): void {
  const columns = Object.entries(measurementColumns).map(([name, text]) => `  ${name.padEnd(12)}${text}`);
  const number = (low: number, high: number) => (text: string) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= low && value <= high))
      throw new InputError(`"${text}" is no number from ${low} to ${high}`, undefined, "see recist3d response --help");
    return value;
  };
  const { stableDays, confirmationDays, volumetric } = defaultAssessment;
  program
    .command("response")
    .description("responses by RECIST 1.1 from a table of measurements, and by volume beside them")
    .requiredOption("--measurements <file>", "CSV table with a row for every lesion and time point")
    .option("--stable-days <days>", "how long a disease must be stable to count as SD", number(0, 10_000), stableDays)
    .option("--confirmation-days <days>", "after how long a response must be met again", number(0, 10_000), confirmationDays)
    .option("--volume-response <part>", "decrease of volume that counts as PR", number(0, 1), volumetric.partialResponse)
    .option("--volume-progression <part>", "growth of volume that counts as PD", number(0, 100), volumetric.progression)
    .option("--json", "print one JSON document")
    .addHelpText("after", `\nColumns of the table (those with * may be missing):\n${columns.join("\n")}`)
    .action(
      async (options: {
        measurements: string;
        stableDays: number;
        confirmationDays: number;
        volumeResponse: number;
        volumeProgression: number;
        json?: boolean;
      }) => {
        const document = await assessMeasurements(options.measurements, {
          stableDays: options.stableDays,
          confirmationDays: options.confirmationDays,
          volumetric: { partialResponse: options.volumeResponse, progression: options.volumeProgression },
        });
        if (options.json) printJson(document);
        else process.stdout.write(`${responseText(document)}\n`);
      },
    );
}

function responseText({ patients, volumes, settings: { volumetric } }: ResponseDocument): string {
  const mm = (value: number | null): string => (value === null ? "-" : value.toFixed(1));
  const percent = (value: number | null): string =>
    value === null ? "-" : `${value > 0 ? "+" : ""}${(100 * value).toFixed(0)} %`;
  const header = ["time point", "day", "sum mm", "baseline", "nadir", "target", "non-target", "new", "response"];
  const volumeHeader = ["ml", "baseline", "nadir", "by volume"];
  const sections = patients.map(({ patient, timePoints, best, objections }) => {
    const withVolumes = timePoints.some(({ volumeMl }) => volumeMl !== null);
    const rows = timePoints.map((t) => [
      ...[t.timePoint, String(t.day), mm(t.sumMm), percent(t.fromBaseline), percent(t.fromNadir)],
      ...[t.target ?? "-", t.nonTarget ?? "-", t.newLesions, t.overall ?? "baseline"],
      ...(withVolumes
        ? [
            ...[t.volumeMl === null ? "-" : t.volumeMl.toFixed(2), percent(t.volumeFromBaseline), percent(t.volumeFromNadir)],
            `${t.volumetric ?? "-"}${t.disagrees ? " (differs)" : ""}`,
          ]
        : []),
    ]);
    return [
      `patient ${patient}`,
      ...objections.map((objection) => `  note: ${objection}`),
      table([withVolumes ? [...header, ...volumeHeader] : header, ...rows]),
      `best response: ${best.unconfirmed}, where it must be confirmed: ${best.confirmed}`,
    ].join("\n");
  });
  const beside =
    volumes.compared === 0
      ? []
      : [
          `target response by volume (−${(100 * volumetric.partialResponse).toFixed(0)} %, +${(100 * volumetric.progression).toFixed(0)} %: a convention, not part of RECIST) differs at ${volumes.disagree} of ${volumes.compared} time points`,
        ];
  return [...sections, ...beside].join("\n\n");
}
