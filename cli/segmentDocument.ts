import { writeCsvTable } from "../methods/datasets/csvTable.ts";
import type { ImageKind } from "../methods/imaging/openImage.ts";
import type { HuWindow, Vec3 } from "../methods/imaging/volume.ts";
import type { RecistMarks } from "../methods/labels/recist.ts";
import { table } from "./output.ts";
import { fillsOneSlice, type SegmentMethod } from "./segmentMethod.ts";

/** What happened to one lesion; lengths in mm, null where there is nothing to measure. */
export interface SegmentedLesion {
  readonly id: string;
  readonly slice: number;
  /** `empty`: the method found no lesion, and the mask is all 0. */
  readonly outcome: "segmented" | "empty";
  /** Number of slices by how they came about. */
  readonly slices: Readonly<Record<string, number>>;
  readonly window: HuWindow;
  readonly windowFrom: "option" | "marks file" | "image";
  readonly from: "marks" | "box" | "point";
  /** Diameters of the mask on the RECIST slice (the slice of the box or point). */
  readonly longMm: number | null;
  readonly shortMm: number | null;
  /** Null without marks. */
  readonly marksLongMm: number | null;
  readonly marksShortMm: number | null;
  /** The marks that a reader would draw on the mask, on its slice of the longest diameter; for lesions without marks. */
  readonly measured?: RecistMarks;
  readonly volumeMl: number;
  /** Names of the files in the folder. */
  readonly mask: string;
  readonly overlay: string;
}

/** The document of `segment --json`. */
export interface SegmentDocument {
  readonly image: string;
  readonly kind: ImageKind;
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly method: SegmentMethod;
  readonly out: string;
  readonly measurements: string;
  /** Marks file of the lesions that had no marks, as measured in their masks; absent where all had marks. */
  readonly marks?: string;
  /** DICOM segmentation of all masks that are not empty; where it was asked for. */
  readonly segmentation?: string;
  readonly lesions: readonly SegmentedLesion[];
}

export const MEASUREMENTS = "measurements.csv";
export const MEASURED_MARKS = "marks.json";
export const SEGMENTATION = "segmentation.dcm";

const mm = (value: number | null): string => (value === null ? "" : value.toFixed(2));
export const slicesText = ({ slices }: SegmentedLesion): string =>
  Object.entries(slices)
    .map(([outcome, n]) => `${outcome}: ${n}`)
    .join("; ");

const columns = [
  ...["id", "slice", "long_mm", "short_mm", "marks_long_mm", "marks_short_mm", "volume_ml"],
  ...["method", "outcome", "slices_by_outcome"],
];

/** `measurements.csv`. */
export function measurementsCsv(lesions: readonly SegmentedLesion[], method: SegmentMethod): string {
  const rows = lesions.map((l) => [
    ...[l.id, l.slice, mm(l.longMm), mm(l.shortMm), mm(l.marksLongMm), mm(l.marksShortMm), l.volumeMl.toFixed(4)],
    ...[method, l.outcome, slicesText(l)],
  ]);
  return writeCsvTable(columns, rows);
}

/** What is printed without `--json`. */
export function summary({ lesions, method, out }: SegmentDocument): string {
  const ends = (axis: RecistMarks["long"]): string => axis.map(([x, y]) => `(${x.toFixed(1)}, ${y.toFixed(1)})`).join(" – ");
  const measured = lesions.flatMap(({ id, measured: marks }) =>
    marks === undefined
      ? []
      : [
          `${id}, measured on slice ${marks.slice}: long ${ends(marks.long)}, short ${ends(marks.short)} (in ${MEASURED_MARKS})\n`,
        ],
  );
  const rows = lesions.map((l) => [
    l.id,
    String(l.slice),
    l.outcome,
    mm(l.longMm) || "–",
    mm(l.shortMm) || "–",
    mm(l.marksLongMm) || "–",
    mm(l.marksShortMm) || "–",
    l.volumeMl.toFixed(2),
  ]);
  const oneSlice = fillsOneSlice(method) ? "; ml is of the marked slice alone (volumes: --method grabcut-prior-3d)" : "";
  return `${table([["lesion", "slice", "outcome", "long mm", "short mm", "marks: long", "short", "ml"], ...rows])}\n${measured.join("")}${method}: ${lesions.length} masks, pictures and ${MEASUREMENTS} in ${out}${oneSlice}`;
}
