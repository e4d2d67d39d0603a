import { createHash } from "node:crypto";
import path from "node:path";
import { type CtSeries, type DicomPatient, dicomContents, dicomFilesBelow, openDicomSeries } from "../imaging/dicomFolder.ts";
import { InputError } from "../inputError.ts";
import type { FollowUp, LesionCase, VolumeLesions, VolumeSource } from "./lesionCase.ts";
import { markedCase, notesOnImage } from "./markedCase.ts";
import { PSEUDONYM } from "./marksFile.ts";
import type { ReportedLesion } from "./measurementReport.ts";
import { lesionsBySeries, marksOfReported, readReports, reportsAmong } from "./reportedMarks.ts";

/** A CT series and the lesions that were measured in it. */
interface ReportedScan {
  /** Tells no more of the series than that it is the same. */
  readonly id: string;
  readonly patient: string;
  readonly series: CtSeries;
  readonly notes: readonly string[];
  readonly lesions: readonly (ReportedLesion & { readonly id: string; readonly followUp?: FollowUp })[];
}

const UNDATED = "a study of its patient has no date, so that its time points are not known";

/**
 * CT series of a folder of DICOM files, with the lesions that structured reports (TID 1500) among them tell of. An entry is a series
 * in which a lesion was measured; a lesion's place in its reports numbers it.
 *
 * Nothing that headers or reports say about a person goes on: a patient is called by the PatientID where the headers say
 * that the identity was removed (so that it is a pseudonym), else by a digest of it; a series by a digest of its UID.
 * Digests are no secret from who has a list of all PatientIDs, and paths of files go on as they are. Dates become days: of
 * a patient with studies of several days, a lesion that reports track is one lesion at several time points.
 *
 * @param remedy what kind of folder to give.
 * @throws InputError where a file is damaged, or no report tells of a lesion in a CT series that is there; `load` where a series
 *   is damaged or no even stack, or marks lie outside it.
 */
export async function openReportedScans(root: string, remedy: string): Promise<VolumeSource> {
  const { series, others } = await dicomContents(await dicomFilesBelow(root));
  const reports = reportsAmong(others);
  if (reports.length === 0)
    throw new InputError("holds neither marks.json nor marks.csv nor a DICOM structured report", root, remedy);
  const { lesions, skipped } = lesionsBySeries(await readReports(reports), series);
  if (lesions.size === 0)
    throw new InputError(
      `holds ${reports.length} structured reports, but no lesion with two diameters in a CT series that is there${reasons(skipped)}`,
      root,
      remedy,
    );
  const all = [...lesions].map(([one, own]) => scanOf(one, own)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const patients = [...new Set(all.map(({ patient }) => patient))];
  const scans = patients.flatMap((patient) => followed(all.filter((scan) => scan.patient === patient)));
  const relative = (file: string): string => path.relative(root, file).split(path.sep).join("/");
  return {
    entries: scans.map(({ id, patient, series: { files } }) => ({ id, patient, files: files.map(relative) })),
    index: reports.map(relative),
    skipped,
    load: (index) => loadScan(root, scans[index]),
  };
}

function reasons(skipped: Readonly<Record<string, number>>): string {
  const list = Object.entries(skipped).map(([reason, count]) => `${count} ${reason}`);
  return list.length === 0 ? "" : ` (${list.join(", ")})`;
}

function scanOf(series: CtSeries, lesions: readonly ReportedLesion[]): ReportedScan {
  const id = `ct-${shortDigest(series.uid)}`;
  const numbered = lesions.map((lesion, i) => ({ ...lesion, id: `${id}-${String(i + 1).padStart(2, "0")}` }));
  return { id, patient: pseudonymOf(series.patient, series), series, notes: [], lesions: numbered };
}

/** The scans of one patient, with their time points where they are of several days. */
function followed(scans: readonly ReportedScan[]): readonly ReportedScan[] {
  const dayIn = ({ series }: ReportedScan): number => dayOf(series.studyDate);
  const days = [...new Set(scans.map(dayIn))].sort((a, b) => a - b);
  if (days.some(Number.isNaN) && days.length > 1) return scans.map((scan) => ({ ...scan, notes: [UNDATED] }));
  if (days.length < 2) return scans;
  const firstIds = new Map<string, string>();
  const seen = new Set<string>();
  const inTime = [...scans].sort((a, b) => dayIn(a) - dayIn(b));
  return inTime.map((scan) => {
    const timePoint = days.indexOf(dayIn(scan));
    const lesions = scan.lesions.map((lesion) => {
      const { id, trackingUid = id } = lesion;
      if (!firstIds.has(trackingUid)) firstIds.set(trackingUid, id);
      // Measured in two series of one day, a lesion goes on from the first of them.
      const isSecond = seen.has(`${trackingUid} ${timePoint}`);
      seen.add(`${trackingUid} ${timePoint}`);
      return {
        ...lesion,
        followUp: { lesion: isSecond ? id : firstIds.get(trackingUid)!, timePoint, day: days[timePoint] - days[0] },
      };
    });
    return { ...scan, lesions };
  });
}

/** Days since 1970; NaN where the date is none. */
function dayOf(date: string): number {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(date) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000;
}

/** A series that names no patient is one of its own. */
function pseudonymOf({ id, isPseudonym }: DicomPatient, { uid }: CtSeries): string {
  if (isPseudonym && PSEUDONYM.test(id)) return id;
  return `patient-${shortDigest(id === "" ? uid : id)}`;
}

const shortDigest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

async function loadScan(root: string, { id, patient, series, notes: own, lesions }: ReportedScan): Promise<VolumeLesions> {
  const { volume, notes } = await openDicomSeries(series.files, root, series.uid);
  const noted = [
    ...notesOnImage(volume, notes),
    ...own,
    ...(series.patient.id === "" ? ["its headers name no patient, so that it stands for one of its own"] : []),
  ];
  const cases: LesionCase[] = [];
  const skipped: Record<string, number> = {};
  for (const lesion of lesions) {
    const marks = await marksOfReported(lesion, series, volume);
    if (typeof marks === "string") {
      skipped[marks] = (skipped[marks] ?? 0) + 1;
      continue;
    }
    const { where, category, followUp } = lesion;
    const about = { id: lesion.id, patient, category, where, marks, series: id, notes: noted };
    cases.push(markedCase(volume, { ...about, ...(followUp && { followUp }) }));
  }
  return { cases, skipped };
}
