import { readFile } from "node:fs/promises";
import { type CtSeries, framePlane } from "../imaging/dicomFolder.ts";
import { orUnreadable } from "../imaging/unreadable.ts";
import type { Grid, Vec3 } from "../imaging/volume.ts";
import type { RecistMarks } from "../labels/recist.ts";
import {
  isReportClass,
  type MeasurementReport,
  parseMeasurementReport,
  type ReportedDiameter,
  type ReportedLesion,
} from "./measurementReport.ts";

/** Of a line's ends, how far one may lie from another across slices, in slices, to lie in one. */
const MOST_ACROSS = 0.5;

/** Of DICOM objects that are no CT, the files of reports. */
export function reportsAmong(others: readonly { readonly file: string; readonly sopClass: string }[]): string[] {
  return others.filter(({ sopClass }) => isReportClass(sopClass)).map(({ file }) => file);
}

/** The reports of these files, the oldest first. @throws InputError where one cannot be read */
export async function readReports(files: readonly string[]): Promise<MeasurementReport[]> {
  const reports = [];
  for (const file of files) reports.push(parseMeasurementReport(await orUnreadable(file, () => readFile(file)), file));
  return reports.sort((a, b) => compare(a.written, b.written) || compare(a.uid, b.uid));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The lesions that reports tell of, by the CT series that they were measured in. A viewer writes everything anew into a
 * further report: of a lesion's measurements in one series, only that of the last report counts.
 *
 * @param reports the oldest first.
 * @returns skipped: measurements that are no lesion's, or not in these series, by reason.
 */
export function lesionsBySeries(
  reports: readonly MeasurementReport[],
  series: readonly CtSeries[],
): { lesions: ReadonlyMap<CtSeries, readonly ReportedLesion[]>; skipped: Readonly<Record<string, number>> } {
  const found = new Map<CtSeries, Told[]>();
  const skipped: Record<string, number> = {};
  const skip = (reason: string, count = 1): void => {
    skipped[reason] = (skipped[reason] ?? 0) + count;
  };
  for (const report of reports) {
    for (const [reason, count] of Object.entries(report.skipped)) skip(reason, count);
    for (const lesion of report.lesions) {
      const own = seriesOf(lesion, report, series);
      if (typeof own === "string") {
        skip(own);
        continue;
      }
      const told = found.get(own) ?? [];
      found.set(own, told);
      told.push({ lesion, report: report.uid, lines: JSON.stringify([lesion.long, lesion.short]) });
    }
  }
  const lesions = new Map<CtSeries, readonly ReportedLesion[]>();
  for (const [own, told] of found) {
    const last = toldLast(told);
    lesions.set(own, last);
    if (last.length < told.length) skip("told again later", told.length - last.length);
  }
  return { lesions, skipped };
}

/** A lesion where it is told: by which report, and its lines as text. */
interface Told {
  readonly lesion: ReportedLesion;
  readonly report: string;
  readonly lines: string;
}

/** Viewers may track a lesion anew whenever they write it; within a report, one tracking UID may stand for two lesions. */
function toldLast(told: readonly Told[]): ReportedLesion[] {
  const lastLines = new Map(told.map(({ lines }, i) => [lines, i]));
  const lastReports = new Map(told.map(({ lesion, report }) => [lesion.trackingUid, report]));
  return told
    .filter(({ lesion: { trackingUid }, report, lines }, i) => {
      const isTrackedLater = trackingUid !== undefined && lastReports.get(trackingUid) !== report;
      return !isTrackedLater && lastLines.get(lines) === i;
    })
    .map(({ lesion }) => lesion);
}

/** @returns why it is of none, where it is of none */
function seriesOf({ long }: ReportedLesion, { evidence }: MeasurementReport, all: readonly CtSeries[]): CtSeries | string {
  if ("image" in long) return all.find(({ fileOf }) => fileOf.has(long.image)) ?? "on images that are not here";
  const sharing = all.filter(({ frameOfReference }) => frameOfReference === long.frameOfReference);
  const read = sharing.filter(({ uid }) => evidence.has(uid));
  const candidates = read.length > 0 ? read : sharing;
  if (candidates.length > 1) return "in a frame of reference that several series share";
  return candidates[0] ?? "in a frame of reference that is not here";
}

/**
 * A lesion's marks on the grid of its series.
 *
 * @param grid as the series was opened: axes at right angles, world RAS.
 * @returns why it has none, where it has none: its diameters do not lie in one slice, as those of a reformatted view do not, or
 *   outside the series, or on a frame that is not there.
 * @throws InputError where an image that they were drawn on does not say where it lies.
 */
export async function marksOfReported(
  { long, short }: ReportedLesion,
  series: CtSeries,
  grid: Grid,
): Promise<RecistMarks | string> {
  const lines = [await endsInSpace(long, series), await endsInSpace(short, series)];
  const voxels = lines.flatMap((ends) => ends ?? []).map((point) => voxelAt(point, grid));
  if (voxels.length < 4) return "diameters on an image or frame that is not there";
  const heights = voxels.map(([, , z]) => z);
  if (!(Math.max(...heights) - Math.min(...heights) <= MOST_ACROSS)) return "diameters do not lie in one slice";
  const slice = Math.round(heights.reduce((sum, z) => sum + z, 0) / 4) + 0;
  const isInside = voxels.every(([x, y]) =>
    [x, y, slice].every((value, axis) => value >= -0.5 && value <= grid.dims[axis] - 0.5),
  );
  if (!isInside) return "diameters lie outside the series";
  const [a, b, c, d] = voxels.map(([x, y]) => [x, y] as const);
  return { slice, long: [a, b], short: [c, d] };
}

/** LPS, mm. */
async function endsInSpace(diameter: ReportedDiameter, { fileOf }: CtSeries): Promise<readonly Vec3[] | undefined> {
  if (!("image" in diameter)) return diameter.ends;
  const file = fileOf.get(diameter.image);
  const plane = file === undefined ? undefined : await framePlane(file, diameter.frame);
  if (plane === undefined) return undefined;
  const { position, alongColumns, alongRows, spacingMm } = plane;
  const [sx, sy] = spacingMm;
  return diameter.ends.map(
    ([x, y]) => [0, 1, 2].map((i) => position[i] + alongColumns[i] * x * sx + alongRows[i] * y * sy) as unknown as Vec3,
  );
}

function voxelAt([x, y, z]: Vec3, { affine }: Grid): Vec3 {
  const from = [-x - affine[3], -y - affine[7], z - affine[11]];
  const along = (axis: number): number => {
    const direction = [affine[axis], affine[4 + axis], affine[8 + axis]];
    const dot = direction.reduce((sum, value, i) => sum + value * from[i], 0);
    return dot / direction.reduce((sum, value) => sum + value * value, 0);
  };
  return [along(0), along(1), along(2)];
}
