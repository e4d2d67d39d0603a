import type { ReportedLesion } from "../methods/datasets/measurementReport.ts";
import { lesionsBySeries, marksOfReported, readReports, reportsAmong } from "../methods/datasets/reportedMarks.ts";
import { type CtSeries, dicomContents, dicomFilesAt } from "../methods/imaging/dicomFolder.ts";
import { InputError } from "../methods/inputError.ts";
import type { FiledMarks, MarksFile } from "./marksFile.ts";
import { say } from "./output.ts";

/**
 * Marks in DICOM structured reports: a report, or a folder with some among other files. What is left out is said.
 *
 * @param image folder (or file) of the DICOM series that was measured.
 * @param asked of several series, the UID or number of the one that is meant.
 * @throws InputError where there is no report, one is damaged, or none of their lesions was measured in the series.
 */
export async function readReportMarks(place: string, image: string, asked?: string): Promise<MarksFile> {
  const reports = await readReports(await reportFiles(place));
  const all = (await dicomContents(await dicomFilesAt(image))).series;
  const series = all.filter(({ uid, number }) => asked === undefined || uid === asked || number === asked);
  const { lesions: found, skipped } = lesionsBySeries(reports, series);
  for (const [reason, count] of Object.entries(skipped))
    say(`${place}: ${count} ${count === 1 ? "measurement" : "measurements"} left out: ${reason}`);
  const [own, ...others] = found;
  if (own === undefined)
    throw new InputError(
      `holds no lesion with two diameters that was measured in ${asked === undefined ? "" : `series ${asked} of `}${image}`,
      place,
      "give the folder with the DICOM series that the report is about",
    );
  if (others.length > 0)
    throw new InputError(
      `tells of lesions in ${found.size} series of ${image}`,
      place,
      `choose one (--series):${[...found].map(([{ uid, description }, { length }]) => `\n  ${uid}  ${length} lesions  ${description}`).join("")}`,
    );
  return { lesions: filed(...own), series: own[0].uid };
}

function filed(series: CtSeries, lesions: readonly ReportedLesion[]): FiledMarks[] {
  const taken = new Set<string>();
  return lesions.map((lesion, i) => {
    const word = (lesion.name ?? "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+|-+$/g, "");
    const called = word.slice(0, 100) || `lesion-${i + 1}`;
    let id = called;
    for (let n = 2; taken.has(id); n++) id = `${called}-${n}`;
    taken.add(id);
    const { where, trackingUid, name } = lesion;
    return {
      id,
      where,
      ...(trackingUid !== undefined && { trackingUid }),
      ...(name !== undefined && { name }),
      marksOn: (grid) => marksOfReported(lesion, series, grid),
    };
  });
}

async function reportFiles(place: string): Promise<string[]> {
  const found = await dicomFilesAt(place);
  // A file that was named is read, and refused by what it is.
  if (found.length === 1 && found[0] === place) return found;
  const reports = reportsAmong((await dicomContents(found)).others);
  if (reports.length > 0) return reports;
  throw new InputError(
    "holds no DICOM structured report",
    place,
    "give a DICOM SR of measurements, a marks file (JSON or CSV) or DL_info.csv",
  );
}
