import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { loadSegmenter, type Segmenter } from "../../activities/models.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { lesionRange, marksInRange } from "../../methods/datasets/lesionCrop.ts";
import { marksOfMask } from "../../methods/datasets/simulatedMarks.ts";
import { largestComponent } from "../../methods/imaging/components.ts";
import { cropSlice, cropVolume } from "../../methods/imaging/crop.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { type ImageKind, openImage } from "../../methods/imaging/openImage.ts";
import { type HuWindow, type Mask, sliceOf, type Vec3, type Volume } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { diametersOfMask } from "../../methods/labels/diameters.ts";
import { boundingBox, type Extent, lengthMm, type RecistMarks, validateMarks } from "../../methods/labels/recist.ts";
import { roiAround } from "../../methods/labels/trimap.ts";
import { segmentVolume, type VolumeMethod } from "../../methods/labels/volume.ts";
import { maskVolumeMm3, millilitres } from "../../methods/metrics/volume.ts";
import { type Backend, openBackend } from "../../methods/networks/backend.ts";
import { isDerivedChannel } from "../../methods/networks/derivedSlices.ts";
import { decodeModel } from "../../methods/networks/model.ts";
import { predictVolume } from "../../methods/networks/predictVolume.ts";
import { suggest } from "../../pipelines/nearest.ts";
import { sliceMethods, volumeMethods } from "../../schemas/stepKinds/initialMasks.ts";
import { readMarksFile } from "../marksFile.ts";
import { printJson, say, table } from "../output.ts";
import { overlayPng } from "../overlay.ts";
import {
  boxMethods,
  extentOf,
  onGrid,
  segmentBox,
  segmentUnmarked,
  sliceOfUnmarked,
  type UnmarkedLesion,
  unmarkedLesions,
} from "../unmarkedLesion.ts";
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
  /** Marks file: JSON or DL_info.csv. Or, without marks: */
  readonly marks?: string;
  /** Boxes `x0,y0,x1,y1,slice`: first and last column and row of each lesion. */
  readonly boxes?: readonly string[];
  /** Points `x,y,slice`, each in a lesion. */
  readonly points?: readonly string[];
  /** Folder to write. */
  readonly out: string;
  /** Default: `grabcut-r`, for boxes `grabcut-prior-3d`, with a model `wsss`. */
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
  /** Marks file of the lesions that had no marks, as measured in their masks; absent where there are none. */
  readonly marks?: string;
  readonly lesions: readonly SegmentedLesion[];
}

const MEASUREMENTS = "measurements.csv";
const MEASURED_MARKS = "marks.json";

interface CommandOptions {
  readonly image: string;
  readonly marks?: string;
  readonly box: readonly string[];
  readonly point: readonly string[];
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
    .description("masks, measurements and pictures of lesions in one image, from marks, boxes or points, without the engine")
    .requiredOption("--image <path>", "NIfTI file, folder of DeepLesion PNG slices, or folder of a DICOM series")
    .option("--marks <file>", "RECIST marks: JSON, or DL_info.csv as it is")
    .option("--box <x0,y0,x1,y1,slice>", "in place of marks: first and last column and row of a lesion; repeatable", collect, [])
    .option("--point <x,y,slice>", "in place of marks, with --model: a point in a lesion; repeatable", collect, [])
    .requiredOption("--out <folder>", "folder to write: <id>.nii.gz, <id>.png, measurements.csv; without marks also marks.json")
    .option(
      "--method <name>",
      `${[...markMethods, ...modelMethods].join(", ")} (default: grabcut-r; from a box grabcut-prior-3d; with a model wsss)`,
    )
    .option("--model <ref>", "model folder, or a model in the store: digest or CAMPAIGN/STEP[.OUTPUT]")
    .option(
      "--window <low,high>",
      "display window in HU, e.g. --window -160,240 (default: from the marks file, else from the image)",
    )
    .option("--spacing <x,y,z>", "voxel spacing of PNG slices in mm (default: from DL_info.csv)")
    .option("--json", "print one JSON document")
    .action(async ({ window, spacing, json, box, point, ...options }: CommandOptions) => {
      const document = await segmentImage({
        ...options,
        boxes: box,
        points: point,
        window: window === undefined ? undefined : windowOption(window),
        spacingMm: spacing === undefined ? undefined : spacingOption(spacing),
      });
      if (json) printJson(document);
      else process.stdout.write(`${summary(document)}\n`);
    });
}

const collect = (text: string, before: readonly string[]): string[] => [...before, text];

/** A lesion to segment: marked, or not. */
type Place =
  | { readonly id: string; readonly marks: RecistMarks; readonly window?: HuWindow }
  | (UnmarkedLesion & { readonly marks?: undefined; readonly window?: undefined });

/**
 * Segments every lesion of an image that marks, boxes or points tell and writes masks on the image's own grid, measurements and pictures. The
 * folder's files appear together at the end, or not at all. A lesion in which the method finds nothing is a result
 * (outcome `empty`), not a failure.
 *
 * @throws InputError where image, marks, method, model or folder cannot be used; nothing is written then.
 */
export async function segmentImage(options: SegmentOptions): Promise<SegmentDocument> {
  const { image, out } = options;
  const method = methodOf(options);
  const { volume, kind, places } = await imageAndPlaces(options);
  const network = options.model === undefined ? undefined : await openNetwork(options.model, await openBackend());

  const segmented: SegmentedLesion[] = [];
  await writtenTogether(out, async (folder) => {
    for (const place of places) {
      const row = await segmentPlace(place);
      if (row.outcome === "empty") say(`${place.id}: ${method} found no lesion (${slicesText(row)}); its mask is empty`);
      segmented.push(row);
    }
    const names = [...segmented.flatMap(({ mask, overlay }) => [mask, overlay]), MEASUREMENTS];
    await writeFile(path.join(folder, MEASUREMENTS), csv(segmented, method));
    const measured = segmented.flatMap(({ id, measured: marks }) => (marks === undefined ? [] : [{ id, ...marks }]));
    if (measured.length === 0) return names;
    await writeFile(path.join(folder, MEASURED_MARKS), `${JSON.stringify(measured, null, 2)}\n`);
    return [...names, MEASURED_MARKS];

    async function segmentPlace(place: Place): Promise<SegmentedLesion> {
      const { id, marks } = place;
      const slice = marks?.slice ?? sliceOfUnmarked(place as UnmarkedLesion);
      const extent = marks === undefined ? extentOf(place as UnmarkedLesion, volume) : boundingBox(marks);
      const chosen = windowFor(slice, extent, place.window, volume, options.window);
      if (chosen.windowFrom === "image")
        say(
          `${id}: ${chosen.window === LUNG ? "lung" : "soft-tissue"} window ${chosen.window.low} … ${chosen.window.high} HU, from the image around ${fromText(place)} (--window sets another)`,
        );
      const { mask, outcomes } =
        marks === undefined
          ? await segmentWithoutMarks(method, volume, place as UnmarkedLesion, chosen.window, network)
          : await segmentLesion(method, volume, marks, chosen.window, network);
      const measured = marks === undefined ? marksOfMask(mask) : undefined;
      const row: SegmentedLesion = {
        id,
        slice,
        from: marks !== undefined ? "marks" : "box" in place ? "box" : "point",
        ...measurements(mask, slice, marks),
        ...(measured !== undefined && { measured }),
        ...chosen,
        slices: outcomes,
        mask: `${id}.nii.gz`,
        overlay: `${id}.png`,
      };
      const shown = measured?.slice ?? slice;
      await writeFile(path.join(folder, row.mask), writeNiftiMask(mask));
      await writeFile(
        path.join(folder, row.overlay),
        overlayPng(
          sliceOf(volume, shown),
          row.window,
          measured === undefined ? extent : boundingBox(measured),
          marks ?? measured,
          sliceOf(mask, shown),
        ),
      );
      return row;
    }
  });
  return {
    image,
    kind,
    dims: volume.dims,
    spacingMm: volume.spacingMm,
    method,
    out,
    measurements: MEASUREMENTS,
    ...(segmented.some(({ measured }) => measured !== undefined) && { marks: MEASURED_MARKS }),
    lesions: segmented,
  };
}

const fromText = (place: Place): string =>
  "marks" in place && place.marks ? "the marks" : "box" in place ? "the box" : "the point";

/** The image, and the lesions to segment in it, checked against it. */
async function imageAndPlaces({
  image,
  marks,
  boxes = [],
  points = [],
  spacingMm,
}: SegmentOptions): Promise<{ volume: Volume; kind: ImageKind; places: readonly Place[] }> {
  if (marks === undefined) {
    const { volume, kind } = await openImage(image, { spacingMm });
    return { volume, kind, places: unmarkedLesions(boxes, points, volume) };
  }
  const file = await readMarksFile(marks, image);
  const { volume, kind } = await openImage(image, { spacingMm: spacingMm ?? file.spacingMm });
  if (file.imageSize?.some((n, axis) => n !== volume.dims[axis])) {
    throw new InputError(
      `its slices are ${volume.dims[0]} × ${volume.dims[1]} pixels, ${marks} says ${file.imageSize.join(" × ")}`,
      image,
      "give the series that the table describes",
    );
  }
  const places = file.lesions.map((lesion) => ({
    id: lesion.id,
    window: lesion.window,
    marks: validateMarks(lesion.marks, volume, lesion.where),
  }));
  return { volume, kind, places };
}

/** The method, checked against what is given to work from. */
function methodOf({ method, model, marks, boxes = [], points = [] }: SegmentOptions): SegmentMethod {
  if ((marks === undefined) === (boxes.length + points.length === 0))
    throw new InputError(
      marks === undefined ? "nothing says where the lesions are" : "marks and boxes or points are given at once",
      "--marks",
      "give --marks FILE, or --box x0,y0,x1,y1,slice, or with --model --point x,y,slice",
    );
  if (model === undefined && points.length > 0)
    throw new InputError("a point needs a model", "--point", "give --model, or draw a box: --box x0,y0,x1,y1,slice");
  if (method === undefined) return model !== undefined ? "wsss" : marks === undefined ? boxMethods[0] : "grabcut-r";
  const known = [...markMethods, ...modelMethods].find((name) => name === method);
  if (known === undefined)
    throw new InputError(`there is no method "${method}"`, "--method", suggest(method, [...markMethods, ...modelMethods]));
  const needsModel = (modelMethods as readonly string[]).includes(known);
  if (needsModel && model === undefined) throw new InputError(`method ${known} needs a model`, "--method", "give --model");
  if (!needsModel && model !== undefined)
    throw new InputError(`method ${known} uses no model`, "--method", `leave out --model, or give ${modelMethods.join(" or ")}`);
  const fromBox: readonly string[] = model === undefined ? boxMethods : ["wsss"];
  if (marks === undefined && !fromBox.includes(known))
    throw new InputError(`method ${known} needs marks`, "--method", `without marks: ${fromBox.join(", ")}`);
  return known;
}

/** What segments: a model of the store, with the stacked GAN that it may need, or of a folder. */
type SegmentingNetwork = Omit<Segmenter, "dispose"> & { readonly backend: Backend };

export async function openNetwork(ref: string, backend: Backend): Promise<SegmentingNetwork> {
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
  slice: number,
  extent: Extent,
  filed: HuWindow | undefined,
  volume: Volume,
  option: HuWindow | undefined,
): Pick<SegmentedLesion, "window" | "windowFrom"> {
  if (option !== undefined) return { window: option, windowFrom: "option" };
  if (filed !== undefined) return { window: filed, windowFrom: "marks file" };
  const box = roiAround(extent, volume.dims[0], volume.dims[1]);
  const hu = cropSlice(sliceOf<Int16Array | Float32Array>(volume, slice), box).data.slice().sort();
  return { window: hu[hu.length >> 1] < LUNG_BELOW_HU ? LUNG : SOFT_TISSUE, windowFrom: "image" };
}

async function segmentWithoutMarks(
  method: SegmentMethod,
  volume: Volume,
  lesion: UnmarkedLesion,
  window: HuWindow,
  network: SegmentingNetwork | undefined,
): Promise<{ mask: Mask; outcomes: Readonly<Record<string, number>> }> {
  if (network !== undefined) return segmentUnmarked(network, volume, lesion, window);
  const known = boxMethods.find((name) => name === method);
  if (known === undefined || !("box" in lesion)) throw new RangeError(`method ${method} cannot start from ${lesion.where}`);
  return segmentBox(known, volume, lesion.box, window);
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

function measurements(
  mask: Mask,
  slice: number,
  marks: RecistMarks | undefined,
): Pick<SegmentedLesion, "outcome" | "longMm" | "shortMm" | "marksLongMm" | "marksShortMm" | "volumeMl"> {
  const { dims, spacingMm } = mask;
  const section = sliceOf(mask, slice);
  const diameters = diametersOfMask({ ...section, data: largestComponent(section.data, [dims[0], dims[1], 1], 8) }, spacingMm);
  return {
    outcome: mask.data.includes(1) ? "segmented" : "empty",
    longMm: diameters && lengthMm(diameters.long, spacingMm),
    shortMm: diameters && lengthMm(diameters.short, spacingMm),
    marksLongMm: marks === undefined ? null : lengthMm(marks.long, spacingMm),
    marksShortMm: marks === undefined ? null : lengthMm(marks.short, spacingMm),
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
  return `${table([["lesion", "slice", "outcome", "long mm", "short mm", "marks: long", "short", "ml"], ...rows])}\n${measured.join("")}${method}: ${lesions.length} masks, pictures and ${MEASUREMENTS} in ${out}`;
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
