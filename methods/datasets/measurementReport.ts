import type { DataSet } from "dicom-parser";
import { orInputError, parseDicomFile } from "../imaging/dicomFile.ts";
import type { Vec3 } from "../imaging/volume.ts";
import { InputError } from "../inputError.ts";
import type { Axis } from "../labels/recist.ts";
import type { Category } from "./lesionCase.ts";

/** A diameter as a report tells it: on an image (points 0-based, pixel centres at integers), or in the patient's space (LPS, mm). */
export type ReportedDiameter =
  | { readonly image: string; readonly frame: number; readonly ends: Axis }
  | { readonly frameOfReference: string; readonly ends: readonly [Vec3, Vec3] };

/** A lesion whose two diameters were measured. */
export interface ReportedLesion {
  /** Names the measurement group in errors: file, and its number in the report. */
  readonly where: string;
  /** What its reader called it. */
  readonly name: string | undefined;
  /** The same in every report about this lesion. */
  readonly trackingUid: string | undefined;
  readonly category: Category;
  readonly long: ReportedDiameter;
  readonly short: ReportedDiameter;
}

/** A DICOM structured report of measurements. */
export interface MeasurementReport {
  /** Its SOP instance UID. */
  readonly uid: string;
  /** When it was written, `YYYYMMDDHHMMSS…` in its own time zone; "" where it does not say. */
  readonly written: string;
  readonly lesions: readonly ReportedLesion[];
  /** Series instance UIDs of what was read. */
  readonly evidence: ReadonlySet<string>;
  /** Measurement groups that are no lesion with two diameters, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Concepts by scheme and value. SRT is SNOMED-RT's name for those of SCT; it is in older reports. */
const concepts = {
  long: ["SCT:103339001", "SRT:G-A185", "SCT:131187009", "SRT:G-A193"],
  short: ["SCT:103340004", "SRT:G-A186", "SCT:131188004", "SRT:G-A194", "SCT:131189007", "SRT:G-A195"],
  trackingIdentifier: ["DCM:112039"],
  trackingUid: ["DCM:112040"],
  findingSite: ["SCT:363698007", "SRT:G-C0E3"],
} satisfies Record<string, readonly string[]>;

/** Where a finding lies, as far as DeepLesion's categories tell it apart. */
const categoryOfSite: Readonly<Record<string, Category>> = {
  "SCT:39607008": "lung",
  "SRT:T-28000": "lung",
  "SCT:10200004": "liver",
  "SRT:T-62000": "liver",
  "SCT:64033007": "kidney",
  "SRT:T-71000": "kidney",
  "SCT:272673000": "bone",
  "SRT:T-D016E": "bone",
  "SCT:72410000": "mediastinum",
  "SRT:T-D3300": "mediastinum",
  "SCT:816092008": "pelvis",
  "SCT:12921003": "pelvis",
  "SRT:T-D6000": "pelvis",
  "SCT:818981001": "abdomen",
  "SCT:818983003": "abdomen",
  "SCT:113345001": "abdomen",
  "SRT:T-D4000": "abdomen",
  "SCT:87784001": "soft-tissue",
  "SRT:T-1A000": "soft-tissue",
};

/** Basic text reports cannot hold coordinates. */
const REPORT_CLASSES: readonly (string | undefined)[] = [
  "1.2.840.10008.5.1.4.1.1.88.22", // Enhanced SR
  "1.2.840.10008.5.1.4.1.1.88.33", // Comprehensive SR
  "1.2.840.10008.5.1.4.1.1.88.34", // Comprehensive 3D SR
  "1.2.840.10008.5.1.4.1.1.88.35", // Extensible SR
];

/** Whether objects of a class are structured reports that may hold measured diameters. */
export const isReportClass = (uid: string | undefined): boolean => REPORT_CLASSES.includes(uid);

/** Deeper than any report; a damaged file must not lead on without end. */
const DEEPEST = 32;

/** A content item (PS3.3, C.17.3). */
interface Item {
  readonly data: DataSet;
  readonly type: string;
  /** `scheme:value` of its name's code. */
  readonly name: string;
  readonly children: readonly Item[];
}

/**
 * Reads a DICOM structured report as viewers write bidirectional measurements into it (TID 1500, with TID 1501 or 1410/1411
 * for a lesion): of every group of measurements that has a long and a short axis, their end points. Coordinates of an image
 * begin at the outer corner of its first pixel (PS3.3, C.18.6.1.2): half a pixel is taken off them.
 *
 * @param where names the file in errors.
 * @throws InputError where it is damaged or no structured report.
 */
export function parseMeasurementReport(bytes: Uint8Array, where: string): MeasurementReport {
  const { dataSet } = parseDicomFile(bytes, where);
  return orInputError(where, () => {
    const kind = textOf(dataSet, "x00080016");
    if (!isReportClass(kind))
      throw new InputError(
        `is no structured report with coordinates (SOP class ${kind || "absent"})`,
        where,
        "give a DICOM SR of measurements (TID 1500)",
      );
    const uid = textOf(dataSet, "x00080018");
    if (uid === "") throw new InputError("SOPInstanceUID is absent", where);
    const root = itemOf(dataSet, 0, where);
    const skipped: Record<string, number> = {};
    const lesions: ReportedLesion[] = [];
    groupsOf(root).forEach((group, i) => {
      const read = lesionOf(group, root, `${where}: measurement group ${i + 1}`);
      if (typeof read !== "string") lesions.push(read);
      else skipped[read] = (skipped[read] ?? 0) + 1;
    });
    const written = textOf(dataSet, "x00080023") + textOf(dataSet, "x00080033");
    return { uid, written, lesions, evidence: evidenceOf(dataSet), skipped };
  });
}

/** Containers that hold measured numbers themselves; numbers of a container within are that one's. */
function groupsOf(item: Item): Item[] {
  const within = item.children.flatMap(groupsOf);
  const isGroup = item.type === "CONTAINER" && item.children.some(({ type }) => type === "NUM");
  return isGroup ? [item, ...within] : within;
}

/** @returns why it is no lesion with two diameters, where it is none */
function lesionOf({ children }: Item, root: Item, where: string): ReportedLesion | string {
  const named = (which: keyof typeof concepts): Item[] => children.filter(({ name }) => concepts[which].includes(name));
  const [long, short] = [numbers(named("long")), numbers(named("short"))];
  if (long.length === 0 && short.length === 0) return "no long and short axis";
  if (long.length !== 1 || short.length !== 1)
    return long.length * short.length === 0 ? "one axis alone" : "several long or short axes";
  const ends = [diameterOf(long[0], root), diameterOf(short[0], root)];
  for (const end of ends) if (typeof end === "string") return end;
  const [tracking] = named("trackingIdentifier");
  const [uid] = named("trackingUid");
  return {
    where,
    name: textOf(tracking?.data, "x0040a160") || undefined,
    trackingUid: textOf(uid?.data, "x0040a124") || undefined,
    category:
      named("findingSite")
        .map(siteOf)
        .find((site) => site !== undefined) ?? "unknown",
    long: ends[0] as ReportedDiameter,
    short: ends[1] as ReportedDiameter,
  };
}

const numbers = (items: readonly Item[]): Item[] => items.filter(({ type }) => type === "NUM");

function siteOf({ data }: Item): Category | undefined {
  return categoryOfSite[codeOf(firstItem(data, "x0040a168"))];
}

/** @returns why a number has no such line, where it has none */
function diameterOf(number: Item, root: Item): ReportedDiameter | string {
  const drawn = resolved(number, root).filter(({ type }) => type === "SCOORD" || type === "SCOORD3D");
  if (drawn.length === 0) return "an axis without end points";
  const [line] = drawn;
  const values = floats(line.data, "x00700022");
  const size = line.type === "SCOORD" ? 2 : 3;
  const isLine = ["POLYLINE", "MULTIPOINT"].includes(textOf(line.data, "x00700023"));
  if (drawn.length > 1 || !isLine || values.length !== 2 * size || !values.every(Number.isFinite))
    return "an axis that is no line of two points";
  if (line.type === "SCOORD3D") {
    const [a, b, c, d, e, f] = values;
    const frameOfReference = textOf(line.data, "x30060024");
    return frameOfReference === ""
      ? "an axis in no frame of reference"
      : {
          frameOfReference,
          ends: [
            [a, b, c],
            [d, e, f],
          ],
        };
  }
  const images = resolved(line, root).flatMap(({ type, data }) => (type === "IMAGE" ? [firstItem(data, "x00081199")] : []));
  const image = textOf(images[0], "x00081155");
  const frame = Number(textOf(images[0], "x00081160") || 1);
  if (images.length !== 1 || image === "" || !Number.isInteger(frame)) return "an axis on no image, or on several";
  const [ax, ay, bx, by] = values.map((value) => value - 0.5);
  return {
    image,
    frame,
    ends: [
      [ax, ay],
      [bx, by],
    ],
  };
}

/** The items below one; those that are given by reference (PS3.3, C.17.3.2.5) as what they refer to. */
function resolved({ children }: Item, root: Item): Item[] {
  return children.map((child) => {
    const path = integers(child.data, "x0040db73");
    let item: Item | undefined = root;
    // The first number is the root's.
    for (const step of path.slice(1)) item = item?.children[step - 1];
    return path.length === 0 || item === undefined ? child : item;
  });
}

function itemOf(data: DataSet, depth: number, where: string): Item {
  if (depth > DEEPEST) throw new InputError(`its content is nested deeper than ${DEEPEST} times`, where);
  return {
    data,
    type: textOf(data, "x0040a040"),
    name: codeOf(firstItem(data, "x0040a043")),
    children: itemsOf(data, "x0040a730").map((child) => itemOf(child, depth + 1, where)),
  };
}

function evidenceOf(dataSet: DataSet): Set<string> {
  const studies = ["x0040a375", "x0040a385"].flatMap((tag) => itemsOf(dataSet, tag));
  const series = studies.flatMap((study) => itemsOf(study, "x00081115")).map((one) => textOf(one, "x0020000e"));
  return new Set(series.filter((uid) => uid !== ""));
}

/** `scheme:value`; what names SNOMED by other words is SCT or SRT here. */
function codeOf(code: DataSet | undefined): string {
  const value = textOf(code, "x00080100") || textOf(code, "x00080119");
  const scheme = textOf(code, "x00080102");
  const isSnomed = ["SCT", "SRT", "SNM3", "99SDM"].includes(scheme);
  return `${isSnomed ? (/^\d+$/.test(value) ? "SCT" : "SRT") : scheme}:${value}`;
}

function itemsOf(data: DataSet, tag: string): DataSet[] {
  return (data.elements[tag]?.items ?? []).flatMap(({ dataSet }) => dataSet ?? []);
}

const firstItem = (data: DataSet, tag: string): DataSet | undefined => itemsOf(data, tag)[0];

const textOf = (data: DataSet | undefined, tag: string): string => (data?.string(tag) ?? "").trim();

function floats(data: DataSet, tag: string): number[] {
  return Array.from({ length: (data.elements[tag]?.length ?? 0) >> 2 }, (_, i) => data.float(tag, i) ?? Number.NaN);
}

function integers(data: DataSet, tag: string): number[] {
  return Array.from({ length: (data.elements[tag]?.length ?? 0) >> 2 }, (_, i) => data.uint32(tag, i) ?? 0);
}
