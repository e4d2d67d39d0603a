import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { writeCsvTable } from "../../methods/datasets/csvTable.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import type { ImageKind } from "../../methods/imaging/openImage.ts";
import { worldOf } from "../../methods/imaging/placedMask.ts";
import { type HuWindow, sliceOf, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { boundingBox, lengthMm, type RecistMarks } from "../../methods/labels/recist.ts";
import { maskVolumeMm3, millilitres } from "../../methods/metrics/volume.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import {
  defaultSearch,
  type Proposal,
  requireCanSearch,
  type ScoreParts,
  type SearchOptions,
  slidingSearch,
} from "../../methods/networks/search/slidingSearch.ts";
import { openedImage, SERIES_HELP, spacingOption, windowOption } from "../imageOptions.ts";
import { printJson, say, table } from "../output.ts";
import { overlayPng } from "../overlay.ts";
import { searchProgress } from "../searchProgress.ts";
import { openNetwork } from "../segmentingNetwork.ts";
import { onGrid } from "../unmarkedLesion.ts";
import { refuseForeign, refuseTargets, tellEarlierMasks, writtenTogether } from "../writtenTogether.ts";

export interface ProposeOptions extends Partial<SearchOptions> {
  /** NIfTI file, folder of PNG slices, or folder with a DICOM series. */
  readonly image: string;
  /** UID or number of the DICOM series where the folder holds several. */
  readonly series?: string;
  /** Folder with model.json and weights.safetensors, or a model in the store: digest or CAMPAIGN/STEP[.OUTPUT]. */
  readonly model: string;
  /** Folder to write. */
  readonly out: string;
  /** Of PNG slices. */
  readonly spacingMm?: Vec3;
}

/** A proposal as it is written down, best first. */
export interface ProposedLesion {
  readonly id: string;
  readonly score: number;
  readonly parts: ScoreParts;
  /** Centre of mass in the image's own world (NIfTI: RAS). */
  readonly centreMm: Vec3;
  readonly marks: RecistMarks;
  readonly longMm: number;
  readonly shortMm: number;
  readonly volumeMl: number;
  readonly window: HuWindow;
  /** Names of the files in the folder. */
  readonly mask: string;
  readonly overlay: string;
}

/** The document of `propose --json`. */
export interface ProposeDocument {
  readonly image: string;
  readonly kind: ImageKind;
  readonly dims: Vec3;
  readonly spacingMm: Vec3;
  readonly out: string;
  readonly proposals: readonly ProposedLesion[];
}

const TABLE = "proposals.csv";
const MARKS = "marks.json";

interface CommandOptions {
  readonly image: string;
  readonly series?: string;
  readonly model: string;
  readonly out: string;
  readonly lengths?: string;
  readonly stride?: string;
  readonly most?: string;
  readonly score?: string;
  readonly window?: string;
  readonly spacing?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const { lengthsMm, stride, most, leastScore } = defaultSearch;
  program
    .command("propose")
    .description("looks for lesions in a whole image with a network that works without marks, for a person to confirm")
    .requiredOption("--image <path>", "NIfTI file, folder of PNG slices, or folder with a DICOM series")
    .option("--series <uid>", SERIES_HELP)
    .requiredOption("--model <ref>", "model folder, or a model in the store: digest or CAMPAIGN/STEP[.OUTPUT]")
    .requiredOption("--out <folder>", `folder to write: <id>.nii.gz, <id>.png, ${TABLE}, ${MARKS}`)
    .option("--lengths <mm,…>", `long diameters to look for (default: ${lengthsMm.join(",")}); small ones take longest`)
    .option("--stride <lengths>", `distance of the places that are looked at, in lengths (default: ${stride})`)
    .option("--most <number>", `proposals at most (default: ${most})`)
    .option("--score <least>", `least score of a proposal, 0 to 1 (default: ${leastScore})`)
    .option("--window <low,high>", "display window in HU (default: lung or soft tissue, from the image around each place)")
    .option("--spacing <x,y,z>", "voxel spacing of PNG slices in mm")
    .option("--json", "print one JSON document")
    .action(async ({ lengths, window, spacing, json, ...options }: CommandOptions) => {
      const document = await proposeLesions({
        image: options.image,
        model: options.model,
        out: options.out,
        ...(lengths !== undefined && { lengthsMm: lengths.split(",").map((text) => numberOption(text, "--lengths")) }),
        ...(options.stride !== undefined && { stride: numberOption(options.stride, "--stride") }),
        ...(options.most !== undefined && { most: Math.ceil(numberOption(options.most, "--most")) }),
        ...(options.score !== undefined && { leastScore: scoreOption(options.score) }),
        ...(window !== undefined && { window: windowOption(window) }),
        ...(options.series !== undefined && { series: options.series }),
        ...(spacing !== undefined && { spacingMm: spacingOption(spacing) }),
      });
      if (json) printJson(document);
      else process.stdout.write(`${summary(document)}\n`);
    });
}

function scoreOption(text: string): number {
  const value = numberOption(text, "--score");
  if (value > 1) throw new InputError(`"${text}" is above 1, which no proposal can reach`, "--score");
  return value;
}

function numberOption(text: string, option: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value > 0 && value < Infinity)) throw new InputError(`"${text}" is not a positive number`, option);
  return value;
}

/**
 * Proposes lesions in an image and writes each one's mask on the image's own grid, a picture, a table of all and the marks
 * measured in the masks. The folder's files appear at the end, as {@link writtenTogether} says. Nothing proposed is a result, not a failure.
 *
 * @throws InputError where image, model or folder cannot be used, or the model has never worked without marks.
 */
export async function proposeLesions(options: ProposeOptions): Promise<ProposeDocument> {
  const { image, model: ref, out, spacingMm, series, ...search } = options;
  const { model, backend } = await openNetwork(ref, await openBackend());
  requireCanSearch(model, ref);
  await refuseTargets(out, [TABLE, MARKS], [image]);
  await refuseForeign(out, MARKS, TABLE);
  const { volume, kind } = await openedImage(image, { spacingMm, series });
  const found = await slidingSearch(model, backend, volume, { ...defaultSearch, ...search }, searchProgress(say));
  const proposals = found.map((proposal, i) => proposedLesion(proposal, `proposal-${String(i + 1).padStart(2, "0")}`, volume));
  const names = [...proposals.flatMap(({ mask, overlay }) => [mask, overlay]), TABLE, MARKS];
  await writtenTogether({ out, inputs: [image] }, async (folder) => {
    for (const [i, { mask, overlay, window, marks }] of proposals.entries()) {
      const whole = onGrid(found[i].mask.mask, found[i].mask.start, volume);
      await writeFile(path.join(folder, mask), writeNiftiMask(whole));
      const [hu, section] = [sliceOf(volume, marks.slice), sliceOf(whole, marks.slice)];
      await writeFile(path.join(folder, overlay), overlayPng(hu, window, boundingBox(marks), marks, section));
    }
    await writeFile(path.join(folder, TABLE), csvOf(proposals));
    await writeFile(
      path.join(folder, MARKS),
      `${JSON.stringify(
        proposals.map(({ id, marks }) => ({ id, ...marks })),
        null,
        2,
      )}\n`,
    );
    return names;
  });
  await tellEarlierMasks(out, names, TABLE);
  return { image, kind, dims: volume.dims, spacingMm: volume.spacingMm, out, proposals };
}

function proposedLesion({ score, parts, centre, marks, mask, window }: Proposal, id: string, volume: Volume): ProposedLesion {
  const { spacingMm } = volume;
  return {
    id,
    score,
    parts,
    centreMm: worldOf(centre, volume),
    marks,
    longMm: lengthMm(marks.long, spacingMm),
    shortMm: lengthMm(marks.short, spacingMm),
    volumeMl: millilitres(maskVolumeMm3(mask.mask.data, spacingMm)),
    window,
    mask: `${id}.nii.gz`,
    overlay: `${id}.png`,
  };
}

const columns = [
  ...["id", "score", "probability", "contrast", "agreement", "plausibility", "x_mm", "y_mm", "z_mm", "slice"],
  ...["long_mm", "short_mm", "volume_ml"],
];

function csvOf(proposals: readonly ProposedLesion[]): string {
  const rows = proposals.map(({ id, score, parts, centreMm, marks, longMm, shortMm, volumeMl }) => {
    const shares = [score, parts.probability, parts.contrast, parts.agreement, parts.plausibility].map((part) => part.toFixed(4));
    const lengths = [longMm, shortMm].map((mm) => mm.toFixed(2));
    return [id, ...shares, ...centreMm.map((mm) => mm.toFixed(2)), marks.slice, ...lengths, volumeMl.toFixed(4)];
  });
  return writeCsvTable(columns, rows);
}

function summary({ proposals, out }: ProposeDocument): string {
  const rows = proposals.map(({ id, score, centreMm, marks, longMm, shortMm, volumeMl }) => [
    id,
    score.toFixed(3),
    centreMm.map((mm) => mm.toFixed(0)).join(", "),
    String(marks.slice),
    longMm.toFixed(1),
    shortMm.toFixed(1),
    volumeMl.toFixed(2),
  ]);
  const head = ["proposal", "score", "centre mm", "slice", "long mm", "short mm", "ml"];
  const what =
    proposals.length === 0 ? "no lesion is proposed" : `${proposals.length} proposals to look at: they are no findings`;
  return `${proposals.length === 0 ? "" : `${table([head, ...rows])}\n`}${what}; ${TABLE} in ${out}`;
}
