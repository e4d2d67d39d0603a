import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { loadSegmenter, type Segmenter } from "../../activities/models.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { lesionRange, marksInRange } from "../../methods/datasets/lesionCrop.ts";
import { largestComponent } from "../../methods/imaging/components.ts";
import { cropSlice, cropVolume } from "../../methods/imaging/crop.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { type ImageKind, openImage } from "../../methods/imaging/openImage.ts";
import { type Grid, type HuWindow, type Mask, sliceOf, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { diametersOfMask } from "../../methods/labels/diameters.ts";
import { lengthMm, type RecistMarks, validateMarks } from "../../methods/labels/recist.ts";
import { roiOfMarks } from "../../methods/labels/trimap.ts";
import { segmentVolume, type VolumeMethod } from "../../methods/labels/volume.ts";
import { maskVolumeMm3, millilitres } from "../../methods/metrics/volume.ts";
import { type Backend, openBackend } from "../../methods/networks/backend.ts";
import { isDerivedChannel } from "../../methods/networks/derivedSlices.ts";
import { decodeModel } from "../../methods/networks/model.ts";
import { predictVolume } from "../../methods/networks/predictVolume.ts";
import { suggest } from "../../pipelines/nearest.ts";
import { sliceMethods, volumeMethods } from "../../schemas/stepKinds/initialMasks.ts";
import { type FiledMarks, readMarksFile } from "../marksFile.ts";
import { printJson, say, table } from "../output.ts";
import { overlayPng } from "../overlay.ts";
import { writtenTogether } from "../writtenTogether.ts";
import { findArtifact } from "./export.ts";

/** From the marks alone: those for the volume fill it, the others the RECIST slice. */
const markMethods = [...sliceMethods, ...volumeMethods] as const satisfies readonly VolumeMethod[];
/** From a model: its prediction, each slice of it refined by GrabCut (“-GC”), or the volume cut with the shape prior. */
const modelMethods = ["wsss", "wsss-gc", "wsss-prior"] as const;
const postprocessOf = (method: SegmentMethod): "none" | "grabcut" | "prior" =>
  method === "wsss-gc" ? "grabcut" : method === "wsss-prior" ? "prior" : "none";
export type SegmentMethod = (typeof markMethods)[number] | (typeof modelMethods)[number];

const LUNG: HuWindow = { low: -1350, high: 150 };
const SOFT_TISSUE: HuWindow = { low: -160, high: 240 };
/** The region around the marks is lung where its median is below this. */
const LUNG_BELOW_HU = -300;

export interface SegmentOptions {
  /** NIfTI file, folder of PNG slices, or folder of a DICOM series. */
  readonly image: string;
  /** Marks file: JSON or DL_info.csv. */
  readonly marks: string;
  /** Folder to write. */
  readonly out: string;
  /** Default: `grabcut-r`, with a model `wsss`. */
  readonly method?: string;
  /** Folder with model.json and weights.safetensors, or a model in the store: digest or CAMPAIGN/STEP[.OUTPUT]. */
  readonly model?: string;
  /** Default: the marks file's, else decided from the image around each lesion's marks. */
  readonly window?: HuWindow;
  /** Of PNG slices; default: the marks file's. */
  readonly spacingMm?: Vec3;
}

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
  /** Diameters of the mask on the RECIST slice. */
  readonly longMm: number | null;
  readonly shortMm: number | null;
  readonly marksLongMm: number;
  readonly marksShortMm: number;
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
  readonly lesions: readonly SegmentedLesion[];
}

const MEASUREMENTS = "measurements.csv";

interface CommandOptions {
  readonly image: string;
  readonly marks: string;
  readonly out: string;
  readonly method?: string;
  readonly model?: string;
  readonly window?: string;
  readonly spacing?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("segment")
    .description("masks, measurements and pictures of marked lesions in one image, without the engine")
    .requiredOption("--image <path>", "NIfTI file, folder of DeepLesion PNG slices, or folder of a DICOM series")
    .requiredOption("--marks <file>", "RECIST marks: JSON, or DL_info.csv as it is")
    .requiredOption("--out <folder>", "folder to write: <id>.nii.gz, <id>.png, measurements.csv")
    .option("--method <name>", `${[...markMethods, ...modelMethods].join(", ")} (default: grabcut-r; with a model: wsss)`)
    .option("--model <ref>", "model folder, or a model in the store: digest or CAMPAIGN/STEP[.OUTPUT]")
    .option(
      "--window <low,high>",
      "display window in HU, e.g. --window -160,240 (default: from the marks file, else from the image)",
    )
    .option("--spacing <x,y,z>", "voxel spacing of PNG slices in mm (default: from DL_info.csv)")
    .option("--json", "print one JSON document")
    .action(async ({ window, spacing, json, ...options }: CommandOptions) => {
      const document = await segmentImage({
        ...options,
        window: window === undefined ? undefined : windowOption(window),
        spacingMm: spacing === undefined ? undefined : spacingOption(spacing),
      });
      if (json) printJson(document);
      else process.stdout.write(`${summary(document)}\n`);
    });
}

/**
 * Segments every marked lesion of an image and writes masks on the image's own grid, measurements and pictures. The
 * folder's files appear together at the end, or not at all. A lesion in which the method finds nothing is a result
 * (outcome `empty`), not a failure.
 *
 * @throws InputError where image, marks, method, model or folder cannot be used; nothing is written then.
 */
export async function segmentImage(options: SegmentOptions): Promise<SegmentDocument> {
  const { image, marks: marksPath, out } = options;
  const method = methodOf(options);
  const file = await readMarksFile(marksPath, image);
  const { volume, kind } = await openImage(image, { spacingMm: options.spacingMm ?? file.spacingMm });
  if (file.imageSize?.some((n, axis) => n !== volume.dims[axis])) {
    throw new InputError(
      `its slices are ${volume.dims[0]} × ${volume.dims[1]} pixels, ${marksPath} says ${file.imageSize.join(" × ")}`,
      image,
      "give the series that the table describes",
    );
  }
  const lesions = file.lesions.map((lesion) => ({ ...lesion, marks: validateMarks(lesion.marks, volume, lesion.where) }));
  const network = options.model === undefined ? undefined : await openNetwork(options.model, await openBackend());

  const segmented: SegmentedLesion[] = [];
  await writtenTogether(out, async (folder) => {
    for (const lesion of lesions) {
      const chosen = windowFor(lesion, volume, options.window);
      if (chosen.windowFrom === "image")
        say(
          `${lesion.id}: ${chosen.window === LUNG ? "lung" : "soft-tissue"} window ${chosen.window.low} … ${chosen.window.high} HU, from the image around the marks (--window sets another)`,
        );
      const result = await segmentLesion(method, volume, lesion.marks, chosen.window, network);
      const row: SegmentedLesion = {
        id: lesion.id,
        slice: lesion.marks.slice,
        ...measurements(result.mask, lesion.marks),
        ...chosen,
        slices: result.outcomes,
        mask: `${lesion.id}.nii.gz`,
        overlay: `${lesion.id}.png`,
      };
      if (row.outcome === "empty") say(`${lesion.id}: ${method} found no lesion (${slicesText(row)}); its mask is empty`);
      await writeFile(path.join(folder, row.mask), writeNiftiMask(result.mask));
      await writeFile(
        path.join(folder, row.overlay),
        overlayPng(sliceOf(volume, row.slice), row.window, lesion.marks, sliceOf(result.mask, row.slice)),
      );
      segmented.push(row);
    }
    await writeFile(path.join(folder, MEASUREMENTS), csv(segmented, method));
    return [...segmented.flatMap(({ mask, overlay }) => [mask, overlay]), MEASUREMENTS];
  });
  return {
    image,
    kind,
    dims: volume.dims,
    spacingMm: volume.spacingMm,
    method,
    out,
    measurements: MEASUREMENTS,
    lesions: segmented,
  };
}

function methodOf({ method, model }: SegmentOptions): SegmentMethod {
  if (method === undefined) return model === undefined ? "grabcut-r" : "wsss";
  const known = [...markMethods, ...modelMethods].find((name) => name === method);
  if (known === undefined)
    throw new InputError(`there is no method "${method}"`, "--method", suggest(method, [...markMethods, ...modelMethods]));
  const needsModel = (modelMethods as readonly string[]).includes(known);
  if (needsModel && model === undefined) throw new InputError(`method ${known} needs a model`, "--method", "give --model");
  if (!needsModel && model !== undefined)
    throw new InputError(`method ${known} uses no model`, "--method", `leave out --model, or give ${modelMethods.join(" or ")}`);
  return known;
}

/** What segments: a model of the store, with the stacked GAN that it may need, or of a folder. */
type SegmentingNetwork = Omit<Segmenter, "dispose"> & { readonly backend: Backend };

async function openNetwork(ref: string, backend: Backend): Promise<SegmentingNetwork> {
  const found = await stat(ref).catch(() => undefined);
  if (found === undefined) {
    const store = await openStore();
    return { ...(await loadSegmenter(store, await findArtifact(store, ref), backend)), backend };
  }
  const names = ["model.json", "weights.safetensors"];
  const contents = await Promise.all(names.map((name) => readFile(path.join(ref, name)).catch(() => undefined)));
  const model = decodeModel(
    Object.fromEntries(names.flatMap((name, i) => (contents[i] === undefined ? [] : [[name, contents[i]]]))),
    ref,
  );
  if (model.preprocessing.channels.some(isDerivedChannel))
    throw new InputError(
      "looks at slices that a stacked GAN enhances, which is not in the folder",
      ref,
      "give the model of the store (CAMPAIGN/STEP.model), which knows its stacked GAN",
    );
  return { model, enhancer: undefined, backend };
}

function windowFor(
  { marks, window }: FiledMarks,
  volume: Volume,
  option: HuWindow | undefined,
): Pick<SegmentedLesion, "window" | "windowFrom"> {
  if (option !== undefined) return { window: option, windowFrom: "option" };
  if (window !== undefined) return { window, windowFrom: "marks file" };
  const box = roiOfMarks(marks, volume.dims[0], volume.dims[1]);
  const hu = cropSlice(sliceOf<Int16Array | Float32Array>(volume, marks.slice), box).data.slice().sort();
  return { window: hu[hu.length >> 1] < LUNG_BELOW_HU ? LUNG : SOFT_TISSUE, windowFrom: "image" };
}

/**
 * Mask on the image's grid. Methods that use the marks alone see the whole image; a model sees the crop that data sets
 * make, which is what it was trained on.
 */
async function segmentLesion(
  method: SegmentMethod,
  volume: Volume,
  marks: RecistMarks,
  window: HuWindow,
  network: SegmentingNetwork | undefined,
): Promise<{ mask: Mask; outcomes: Readonly<Record<string, number>> }> {
  if (network === undefined) return segmentVolume(method as VolumeMethod, volume, marks, window);
  const range = lesionRange(marks, volume.spacingMm, volume.dims);
  const lesion = { image: cropVolume(volume, range.start, range.end), marks: marksInRange(marks, range), window };
  const { mask, outcomes } = await predictVolume(network.model, network.backend, lesion, {
    postprocess: postprocessOf(method),
    enhancer: network.enhancer,
  });
  return { mask: onGrid(mask, range.start, volume), outcomes };
}

/** A mask that is 0 but for `part` from voxel `start` on. */
function onGrid(part: Mask, [x0, y0, z0]: Vec3, { dims, spacingMm, affine }: Grid): Mask {
  const [nx, ny, nz] = part.dims;
  const data = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const row = (z * ny + y) * nx;
      data.set(part.data.subarray(row, row + nx), ((z0 + z) * dims[1] + y0 + y) * dims[0] + x0);
    }
  }
  return { dims, spacingMm, affine, data };
}

function measurements(
  mask: Mask,
  marks: RecistMarks,
): Pick<SegmentedLesion, "outcome" | "longMm" | "shortMm" | "marksLongMm" | "marksShortMm" | "volumeMl"> {
  const { dims, spacingMm } = mask;
  const section = sliceOf(mask, marks.slice);
  const diameters = diametersOfMask({ ...section, data: largestComponent(section.data, [dims[0], dims[1], 1], 8) }, spacingMm);
  return {
    outcome: mask.data.includes(1) ? "segmented" : "empty",
    longMm: diameters && lengthMm(diameters.long, spacingMm),
    shortMm: diameters && lengthMm(diameters.short, spacingMm),
    marksLongMm: lengthMm(marks.long, spacingMm),
    marksShortMm: lengthMm(marks.short, spacingMm),
    volumeMl: millilitres(maskVolumeMm3(mask.data, spacingMm)),
  };
}

const mm = (value: number | null): string => (value === null ? "" : value.toFixed(2));
const slicesText = ({ slices }: SegmentedLesion): string =>
  Object.entries(slices)
    .map(([outcome, n]) => `${outcome}: ${n}`)
    .join("; ");

function csv(lesions: readonly SegmentedLesion[], method: SegmentMethod): string {
  const rows = lesions.map((l) =>
    [
      l.id,
      l.slice,
      mm(l.longMm),
      mm(l.shortMm),
      mm(l.marksLongMm),
      mm(l.marksShortMm),
      l.volumeMl.toFixed(4),
      method,
      l.outcome,
      slicesText(l),
    ].join(","),
  );
  return `${["id,slice,long_mm,short_mm,marks_long_mm,marks_short_mm,volume_ml,method,outcome,slices_by_outcome", ...rows].join("\n")}\n`;
}

function summary({ lesions, method, out }: SegmentDocument): string {
  const rows = lesions.map((l) => [
    l.id,
    String(l.slice),
    l.outcome,
    mm(l.longMm) || "–",
    mm(l.shortMm) || "–",
    mm(l.marksLongMm),
    mm(l.marksShortMm),
    l.volumeMl.toFixed(2),
  ]);
  return `${table([["lesion", "slice", "outcome", "long mm", "short mm", "marks: long", "short", "ml"], ...rows])}\n${method}: ${lesions.length} masks, pictures and ${MEASUREMENTS} in ${out}`;
}

function windowOption(text: string): HuWindow {
  const [low, high, ...rest] = text.split(",").map(numberIn);
  if (!(low < high) || rest.length > 0)
    throw new InputError(`"${text}" is not LOW,HIGH in HU`, "--window", "e.g. --window -160,240");
  return { low, high };
}

function spacingOption(text: string): Vec3 {
  const [x, y, z, ...rest] = text.split(",").map(numberIn);
  if (!(x > 0 && y > 0 && z > 0) || rest.length > 0)
    throw new InputError(`"${text}" is not X,Y,Z in mm`, "--spacing", "e.g. --spacing 0.8,0.8,5");
  return [x, y, z];
}

function numberIn(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}
