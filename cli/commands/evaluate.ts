import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import type { Mask } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { lesionParts } from "../../methods/metrics/lesionParts.ts";
import { type RegionScore, type ScoredMasks, scoreRegion } from "../../methods/metrics/lesionScores.ts";
import { type Overlap, overlapOf } from "../../methods/metrics/overlap.ts";
import { type Summary, summarize } from "../../methods/metrics/summary.ts";
import { maskVolumeMm3 } from "../../methods/metrics/volume.ts";
import { readMaskFile } from "../maskFile.ts";
import { printJson, table } from "../output.ts";

/** Scores of one lesion in 3D. Null = undefined: a distance to, or a share of, an empty mask. */
export interface EvaluatedLesion extends RegionScore {
  /** A file's name without `.nii.gz`, or the number of a component of the reference, from 1. */
  readonly lesion: string;
  readonly predictedMm3: number;
  readonly referenceMm3: number;
}

export interface EvaluationDocument {
  readonly prediction: string;
  readonly reference: string;
  readonly lesions: readonly EvaluatedLesion[];
  /** Two files: of the whole images. Two folders: of all voxels counted together, without distances. */
  readonly total: RegionScore | Overlap;
  /** Mean, sd, median, … of every score over the lesions. */
  readonly summary: Readonly<Record<keyof typeof COLUMNS, Summary>>;
  /** Predicted components that touch no lesion; only where two files are compared. */
  readonly unmatched: { readonly components: number; readonly voxels: number } | null;
}

/** The scores with their headings in the printed table. */
const COLUMNS = {
  dice: "Dice",
  precision: "precision",
  recall: "recall",
  iou: "IoU",
  volumetricSimilarity: "VS",
  avdVoxels: "AVD voxels",
  avdMm: "AVD mm",
  hausdorffVoxels: "HD voxels",
  hausdorffMm: "HD mm",
  hausdorff95Mm: "HD95 mm",
  assdMm: "ASSD mm",
} as const satisfies Partial<Record<keyof RegionScore, string>>;
const scoreNames = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];

/**
 * All metrics of predicted masks against reference masks: two NIfTI files, where every component of the reference is a
 * lesion, or two folders of NIfTI files, where every file is a lesion and is matched by its name.
 *
 * @throws InputError where a file is missing or not a mask, has no partner, or lies on another grid than its partner.
 */
export async function evaluateFiles({
  prediction,
  reference,
}: {
  prediction: string;
  reference: string;
}): Promise<EvaluationDocument> {
  const [predictions, references] = [await masksAt(prediction), await masksAt(reference)];
  if (predictions.folder !== references.folder) {
    const [file, folder] = predictions.folder ? [reference, prediction] : [prediction, reference];
    throw new InputError(`is a file and ${folder} is a folder`, file, "give two files or two folders");
  }
  const found = predictions.folder ? await evaluateFolders(predictions, references) : await evaluatePair(prediction, reference);
  const summary = Object.fromEntries(
    scoreNames.map((name) => [name, summarize(found.lesions.map((l) => l[name]))]),
  ) as EvaluationDocument["summary"];
  return { prediction, reference, ...found, summary };
}

type Evaluated = Pick<EvaluationDocument, "lesions" | "total" | "unmatched">;

async function evaluatePair(prediction: string, reference: string): Promise<Evaluated> {
  const [predicted, truth] = await readPair(prediction, reference);
  const { dims, spacingMm } = truth;
  const parts = lesionParts(predicted.data, truth.data, dims, spacingMm);
  const lesions = Array.from({ length: parts.count }, (_, n): EvaluatedLesion => {
    const lesion = evaluated(String(n + 1), { ...parts.part(n), dims: parts.dims, spacingMm });
    return { ...lesion, tn: truth.data.length - lesion.tp - lesion.fp - lesion.fn };
  });
  return {
    lesions,
    total: scoreRegion({ prediction: predicted.data, reference: truth.data, dims, spacingMm }),
    unmatched: parts.unmatched,
  };
}

/** One pair of files at a time lies in memory. */
async function evaluateFolders(predictions: MaskPlace, references: MaskPlace): Promise<Evaluated> {
  checkPartners(references, predictions, "prediction");
  checkPartners(predictions, references, "reference");
  const lesions: EvaluatedLesion[] = [];
  for (const [id, file] of references.files) {
    const [predicted, truth] = await readPair(predictions.files.get(id) as string, file);
    lesions.push(evaluated(id, { ...truth, prediction: predicted.data, reference: truth.data }));
  }
  const sum = (count: "tp" | "fp" | "fn" | "tn"): number => lesions.reduce((total, l) => total + l[count], 0);
  return { lesions, total: overlapOf({ tp: sum("tp"), fp: sum("fp"), fn: sum("fn"), tn: sum("tn") }), unmatched: null };
}

function evaluated(lesion: string, { prediction, reference, dims, spacingMm }: ScoredMasks): EvaluatedLesion {
  return {
    lesion,
    ...scoreRegion({ prediction, reference, dims, spacingMm }),
    predictedMm3: maskVolumeMm3(prediction, spacingMm),
    referenceMm3: maskVolumeMm3(reference, spacingMm),
  };
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
    .option("--json", "print one JSON document")
    .action(async ({ json, ...paths }: { prediction: string; reference: string; json?: boolean }) => {
      const document = await evaluateFiles(paths);
      if (json) printJson(document);
      else process.stdout.write(`${evaluationText(document)}\n`);
    });
}

function evaluationText({ lesions, total, summary, unmatched }: EvaluationDocument): string {
  const number = (value: number | null | undefined): string => (value === null || value === undefined ? "-" : value.toFixed(3));
  const row = (title: string, cells: (name: keyof typeof COLUMNS) => string): string[] => [title, ...scoreNames.map(cells)];
  const rows = [
    row("lesion", (name) => COLUMNS[name]),
    ...lesions.map((l) => row(l.lesion, (name) => number(l[name]))),
    row("mean", (name) => number(summary[name].mean)),
    row("sd", (name) => number(summary[name].sd)),
    row("median", (name) => number(summary[name].median)),
    row("undefined", (name) => String(summary[name].undefined)),
    row(unmatched === null ? "all voxels together" : "whole image", (name) => number((total as Partial<RegionScore>)[name])),
  ];
  const alarms =
    unmatched === null || unmatched.components === 0
      ? ""
      : `\n${unmatched.components} predicted components (${unmatched.voxels} voxels) touch no lesion`;
  return `${table(rows)}${alarms}`;
}
