import { readFileSync } from "node:fs";
import type { Vec3, Volume } from "../../methods/imaging/volume.ts";
import type { Axis } from "../../methods/labels/recist.ts";
import { dicomSeries, text } from "./dicomFiles.ts";

/** What test/oracles/dicom_reports.py and dicomReports.mjs write. */
export interface ReportFixture {
  readonly uid: string;
  readonly frameOfReference: string;
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly affine: readonly number[];
  readonly lesions: readonly {
    readonly name: string;
    readonly tracking: string;
    readonly category: string;
    readonly slice: number;
    readonly long: Axis;
    readonly short: Axis;
  }[];
  /** By lesion: long and short diameter, LPS, mm. */
  readonly inSpace: readonly (readonly (readonly Vec3[])[])[];
  readonly reports: Readonly<
    Record<"highdicom, 2D" | "highdicom, 2D, implicit VR" | "highdicom, 3D" | "dcmjs" | "dcmjs, SNOMED RT", string>
  >;
  readonly partial: string;
}

export const reportFixture: ReportFixture = JSON.parse(
  readFileSync(new URL("../fixtures/dicomReports.json", import.meta.url), "utf8"),
);

export const reportBytes = (name: keyof ReportFixture["reports"] | "partial"): Buffer =>
  Buffer.from(name === "partial" ? reportFixture.partial : reportFixture.reports[name], "base64");

/** The series that the reports are about, as files; its HU tell voxels apart. */
export function reportedSeriesFiles(more: readonly Buffer[] = [], uid = reportFixture.uid): Buffer[] {
  const { dims, spacingMm, affine, frameOfReference } = reportFixture;
  const data = Int16Array.from({ length: dims[0] * dims[1] * dims[2] }, (_, i) => (i * 7919) % 400);
  const ct: Volume = { dims, spacingMm, affine, data };
  return dicomSeries(ct, uid, () => [text(0x0020, 0x0052, frameOfReference), ...more]);
}
