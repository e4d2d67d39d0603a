import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import type { Mask } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { lesionParts } from "../../methods/metrics/lesionParts.ts";
import { type RegionScore, type ScoreOptions, scoreRegion } from "../../methods/metrics/lesionScores.ts";
import { type Overlap, overlapOf } from "../../methods/metrics/overlap.ts";
import { scoreColumns } from "../../methods/metrics/scoreColumns.ts";
import { type Summary, summarize } from "../../methods/metrics/summary.ts";
import { readMaskFile } from "../maskFile.ts";
import { printJson, table } from "../output.ts";

/** Scores of one lesion in 3D. Null = undefined: a distance to, or a share of, an empty mask. */
export interface EvaluatedLesion extends RegionScore {
  /** A file's name without `.nii.gz`, or the number of a component of the reference, from 1. */
  readonly lesion: string;
}

export interface EvaluationDocument {
  readonly prediction: string;
  readonly reference: string;
  /** Tolerances of the surface Dice. */
  readonly tolerancesMm: readonly number[];
  readonly lesions: readonly EvaluatedLesion[];
  /** Two files: of the whole images. Two folders: of all voxels counted together, without distances. */
  readonly total: RegionScore | Overlap;
  /** Mean, sd, median, … of every score (`scoreColumns`) over the lesions. */
  readonly summary: Readonly<Record<string, Summary>>;
  /** Predicted components that touch no lesion; only where two files are compared. */
  readonly unmatched: { readonly components: number; readonly voxels: number } | null;
}

const DEFAULT_TOLERANCES_MM = [1, 3];

/** Columns of the printed table with their headings; the surface Dice at each tolerance stands before the volumes. */
const COLUMNS: readonly (readonly [column: string, heading: string])[] = [
  ["dice", "Dice"],
  ["precision", "precision"],
  ["recall", "recall"],
  ["iou", "IoU"],
  ["volumetricSimilarity", "VS"],
  ["avdVoxels", "AVD voxels"],
  ["avdMm", "AVD mm"],
  ["hausdorffVoxels", "HD voxels"],
  ["hausdorffMm", "HD mm"],
  ["hausdorff95Mm", "HD95 mm"],
  ["assdMm", "ASSD mm"],
];
const VOLUME_COLUMNS: typeof COLUMNS = [
  ["volumeDifferenceMm3", "ΔV mm³"],
  ["relativeVolumeDifference", "ΔV / V"],
];

/**
 * All metrics of predicted masks against reference masks: two NIfTI files, where every component of the reference is a
 * lesion, or two folders of NIfTI files, where every file is a lesion and is matched by its name.
 *
 * @throws InputError where a file is missing or not a mask, has no partner, or lies on another grid than its partner.
 */
export async function evaluateFiles({
  prediction,
  reference,
  tolerancesMm = DEFAULT_TOLERANCES_MM,
}: {
  prediction: string;
  reference: string;
  /** Tolerances of the surface Dice. */
  tolerancesMm?: readonly number[];
}): Promise<EvaluationDocument> {
  const [predictions, references] = [await masksAt(prediction), await masksAt(reference)];
  if (predictions.folder !== references.folder) {
    const [file, folder] = predictions.folder ? [reference, prediction] : [prediction, reference];
    throw new InputError(`is a file and ${folder} is a folder`, file, "give two files or two folders");
  }
  const options = { tolerancesMm };
  const found = predictions.folder
    ? await evaluateFolders(predictions, references, options)
    : await evaluatePair(prediction, reference, options);
  const columns = found.lesions.map(scoreColumns);
  const names = columnsOf(tolerancesMm).map(([name]) => name);
  const summary = Object.fromEntries(names.map((name) => [name, summarize(columns.map((scores) => scores[name]))]));
  return { prediction, reference, tolerancesMm, ...found, summary };
}

function columnsOf(tolerancesMm: readonly number[]): typeof COLUMNS {
  return [...COLUMNS, ...tolerancesMm.map((mm) => [`surfaceDice${mm}mm`, `surface Dice ${mm} mm`] as const), ...VOLUME_COLUMNS];
}

type Evaluated = Pick<EvaluationDocument, "lesions" | "total" | "unmatched">;

async function evaluatePair(prediction: string, reference: string, options: ScoreOptions): Promise<Evaluated> {
  const [predicted, truth] = await readPair(prediction, reference);
  const { dims, spacingMm } = truth;
  const parts = lesionParts(predicted.data, truth.data, dims, spacingMm);
  const lesions = Array.from({ length: parts.count }, (_, n): EvaluatedLesion => {
    const lesion = scoreRegion({ ...parts.part(n), dims: parts.dims, spacingMm }, options);
    return { lesion: String(n + 1), ...lesion, tn: truth.data.length - lesion.tp - lesion.fp - lesion.fn };
  });
  return {
    lesions,
    total: scoreRegion({ prediction: predicted.data, reference: truth.data, dims, spacingMm }, options),
    unmatched: parts.unmatched,
  };
}

/** One pair of files at a time lies in memory. */
async function evaluateFolders(predictions: MaskPlace, references: MaskPlace, options: ScoreOptions): Promise<Evaluated> {
  checkPartners(references, predictions, "prediction");
  checkPartners(predictions, references, "reference");
  const lesions: EvaluatedLesion[] = [];
  for (const [id, file] of references.files) {
    const [predicted, truth] = await readPair(predictions.files.get(id) as string, file);
    lesions.push({ lesion: id, ...scoreRegion({ ...truth, prediction: predicted.data, reference: truth.data }, options) });
  }
  const sum = (count: "tp" | "fp" | "fn" | "tn"): number => lesions.reduce((total, l) => total + l[count], 0);
  return { lesions, total: overlapOf({ tp: sum("tp"), fp: sum("fp"), fn: sum("fn"), tn: sum("tn") }), unmatched: null };
}

async function readPair(prediction: string, reference: string): Promise<[Mask, Mask]> {
  const predicted = await readMaskFile(prediction);
  const truth = await readMaskFile(reference);
  checkSameGrid(truth, predicted, reference, prediction);
  return [predicted, truth];
}

/** A mask file, or a folder and its mask files by id in the order of their names. */
interface MaskPlace {
  readonly path: string;
  readonly folder: boolean;
  readonly files: ReadonlyMap<string, string>;
}

async function masksAt(place: string): Promise<MaskPlace> {
  const found = await stat(place).catch((error: Error) => {
    throw new InputError("there is no such file or folder", place, "give a NIfTI mask or a folder of them", { cause: error });
  });
  if (!found.isDirectory()) return { path: place, folder: false, files: new Map() };
  const files = new Map<string, string>();
  for (const name of (await readdir(place)).sort()) {
    const id = /^(.+?)\.nii(\.gz)?$/.exec(name)?.[1];
    if (id === undefined) continue;
    const other = files.get(id);
    if (other !== undefined)
      throw new InputError(`and ${path.basename(other)} are one lesion's name`, path.join(place, name), "keep one of them");
    files.set(id, path.join(place, name));
  }
  if (files.size === 0) throw new InputError("holds no NIfTI mask", place, "expected <lesion>.nii.gz files");
  return { path: place, folder: true, files };
}

function checkPartners(here: MaskPlace, there: MaskPlace, what: string): void {
  const alone = [...here.files].filter(([id]) => !there.files.has(id));
  if (alone.length === 0) return;
  const others =
    alone.length === 1
      ? ""
      : ` (nor have ${alone.length - 1} others: ${alone
          .slice(1, 6)
          .map(([id]) => id)
          .join(", ")}${alone.length > 6 ? ", …" : ""})`;
  throw new InputError(
    `has no ${what}: there is no ${alone[0][0]}.nii.gz in ${there.path}${others}`,
    alone[0][1],
    "every mask needs a partner of the same name; an empty mask counts as finding nothing",
  );
}

export function register(program: Command): void {
  program
    .command("evaluate")
    .description("all metrics of masks against reference masks, per lesion and in total")
    .requiredOption("--prediction <path>", "NIfTI mask, or folder of <lesion>.nii.gz")
    .requiredOption("--reference <path>", "NIfTI mask, or folder of <lesion>.nii.gz")
    .option("--tolerance-mm <mm...>", "tolerances of the surface Dice in mm", DEFAULT_TOLERANCES_MM.map(String))
    .option("--json", "print one JSON document")
    .action(async ({ json, toleranceMm, ...paths }: EvaluateOptions) => {
      const document = await evaluateFiles({ ...paths, tolerancesMm: [...new Set(toleranceMm.map(tolerance))] });
      if (json) printJson(document);
      else process.stdout.write(`${evaluationText(document)}\n`);
    });
}

interface EvaluateOptions {
  prediction: string;
  reference: string;
  toleranceMm: string[];
  json?: boolean;
}

function tolerance(text: string): number {
  const mm = text.trim() === "" ? Number.NaN : Number(text);
  if (mm >= 0 && mm < Infinity) return mm;
  throw new InputError(`--tolerance-mm ${text} is not a distance`, undefined, "give millimetres, e.g. --tolerance-mm 1 3");
}

function evaluationText({ lesions, total, summary, unmatched, tolerancesMm }: EvaluationDocument): string {
  const columns = columnsOf(tolerancesMm);
  const number = (value: number | null | undefined): string => (value === null || value === undefined ? "-" : value.toFixed(3));
  const row = (title: string, cell: (column: string) => string): string[] => [title, ...columns.map(([column]) => cell(column))];
  const scores = (title: string, region: RegionScore | Overlap): string[] => {
    const known = "surfaceDice" in region ? scoreColumns(region) : { ...region };
    return row(title, (column) => number((known as Record<string, number | null>)[column]));
  };
  const rows = [
    ["lesion", ...columns.map(([, heading]) => heading)],
    ...lesions.map((lesion) => scores(lesion.lesion, lesion)),
    row("mean", (column) => number(summary[column].mean)),
    row("sd", (column) => number(summary[column].sd)),
    row("median", (column) => number(summary[column].median)),
    row("undefined", (column) => String(summary[column].undefined)),
    scores(unmatched === null ? "all voxels together" : "whole image", total),
  ];
  const alarms =
    unmatched === null || unmatched.components === 0
      ? ""
      : `\n${unmatched.components} predicted components (${unmatched.voxels} voxels) touch no lesion`;
  return `${table(rows)}${alarms}`;
}
