import { realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { marksOfMask } from "../../methods/datasets/simulatedMarks.ts";
import { LUNG } from "../../methods/datasets/windowOf.ts";
import { encodeSegmentation, framesOf, type Segment } from "../../methods/imaging/dicomSegmentation.ts";
import type { CtStack } from "../../methods/imaging/dicomSeries.ts";
import { writeNiftiMask } from "../../methods/imaging/nifti.ts";
import { type HuWindow, sliceOf, type Vec3 } from "../../methods/imaging/volume.ts";
import { InputError } from "../../methods/inputError.ts";
import { boundingBox } from "../../methods/labels/recist.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import packageJson from "../../package.json" with { type: "json" };
import { SERIES_HELP, spacingOption, windowOption } from "../imageOptions.ts";
import { measurements, segmentLesion, segmentWithoutMarks } from "../lesionMask.ts";
import { fromText, imageAndPlaces, type Place, windowFor } from "../lesionPlaces.ts";
import { printJson, say } from "../output.ts";
import { overlayPng } from "../overlay.ts";
import {
  MEASURED_MARKS,
  MEASUREMENTS,
  measurementsCsv,
  SEGMENTATION,
  type SegmentDocument,
  type SegmentedLesion,
  slicesText,
  summary,
} from "../segmentDocument.ts";
import { openNetwork } from "../segmentingNetwork.ts";
import { markMethods, methodOf, modelMethods } from "../segmentMethod.ts";
import { extentOf, sliceOfUnmarked, type UnmarkedLesion } from "../unmarkedLesion.ts";
import { refuseForeign, refuseTargets, tellEarlierMasks, writtenTogether } from "../writtenTogether.ts";

export interface SegmentOptions {
  /** NIfTI file, folder of PNG slices, or folder with a DICOM series. */
  readonly image: string;
  /** UID or number of the DICOM series where the folder holds several. */
  readonly series?: string;
  /** Marks: JSON, CSV, DL_info.csv, or DICOM structured reports (file or folder). Or, without marks: */
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
  /** Whether to write a DICOM segmentation beside the masks. */
  readonly dicomSeg?: boolean;
}

interface CommandOptions {
  readonly image: string;
  readonly series?: string;
  readonly marks?: string;
  readonly box: readonly string[];
  readonly point: readonly string[];
  readonly out: string;
  readonly method?: string;
  readonly model?: string;
  readonly window?: string;
  readonly spacing?: string;
  readonly dicomSeg?: boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("segment")
    .description("masks, measurements and pictures of lesions in one image, from marks, boxes or points, without the engine")
    .requiredOption("--image <path>", "NIfTI file, folder of DeepLesion PNG slices, or folder with a DICOM series")
    .option("--series <uid>", SERIES_HELP)
    .option("--marks <file>", "RECIST marks: JSON, CSV (DL_info.csv as it is), or DICOM structured reports (file or folder)")
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
    .option("--dicom-seg", `of a DICOM series, also a segmentation object for viewers and archives: ${SEGMENTATION}`)
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

/**
 * Segments every lesion of an image that marks, boxes or points tell and writes masks on the image's own grid, measurements and pictures. The
 * folder's files appear at the end, as {@link writtenTogether} says. A lesion in which the method finds nothing is a result
 * (outcome `empty`), not a failure.
 *
 * @throws InputError where image, marks, method, model or folder cannot be used; nothing is written then.
 */
export async function segmentImage(options: SegmentOptions): Promise<SegmentDocument> {
  const { image, out } = options;
  const method = methodOf(options);
  const { volume, kind, stack, places } = await imageAndPlaces(options);
  if (options.dicomSeg && stack === undefined)
    throw new InputError("is no DICOM series, to which a segmentation could refer", image, "leave out --dicom-seg");
  const inputs = [image, ...(options.marks === undefined ? [] : [options.marks])];
  const names = places
    .flatMap(({ id }) => [`${id}.nii.gz`, `${id}.png`])
    .concat(MEASUREMENTS, ...(options.dicomSeg ? [SEGMENTATION] : []));
  await refuseTargets(out, names, inputs);
  if (options.marks === undefined) await refuseForeign(out, MEASURED_MARKS, MEASUREMENTS);
  if (options.dicomSeg) await refuseForeign(out, SEGMENTATION, MEASUREMENTS);
  const network = options.model === undefined ? undefined : await openNetwork(options.model, await openBackend());

  const segmented: SegmentedLesion[] = [];
  const segments: Segment[] = [];
  await writtenTogether({ out, inputs }, async (folder) => {
    for (const place of places) {
      const row = await segmentPlace(place);
      if (row.outcome === "empty") say(`${place.id}: ${method} found no lesion (${slicesText(row)}); its mask is empty`);
      segmented.push(row);
    }
    await writeFile(path.join(folder, MEASUREMENTS), measurementsCsv(segmented, method));
    if (options.dicomSeg && stack !== undefined) {
      if (segments.length === 0) say(`${SEGMENTATION} is not written: every mask is empty`);
      else await writeFile(path.join(folder, SEGMENTATION), await segmentationOf(segments, stack, method));
    }
    const written = names.filter((name) => name !== SEGMENTATION || segments.length > 0);
    if (options.marks !== undefined) return written;
    const measured = segmented.flatMap(({ id, measured: marks }) => (marks === undefined ? [] : [{ id, ...marks }]));
    await writeFile(path.join(folder, MEASURED_MARKS), `${JSON.stringify(measured, null, 2)}\n`);
    return [...written, MEASURED_MARKS];

    async function segmentPlace(place: Place): Promise<SegmentedLesion> {
      const { id, marks, trackingUid, name } = place;
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
      const frames = options.dicomSeg ? framesOf(mask) : [];
      if (frames.length > 0) segments.push({ label: id, name, trackingUid, frames });
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
  await tellEarlierMasks(out, names, MEASUREMENTS);
  if (options.marks !== undefined) await tellEarlier(path.join(out, MEASURED_MARKS), "measured in", options.marks);
  if (segments.length === 0) await tellEarlier(path.join(out, SEGMENTATION), "of");
  return {
    image,
    kind,
    dims: volume.dims,
    spacingMm: volume.spacingMm,
    method,
    out,
    measurements: MEASUREMENTS,
    ...(options.marks === undefined && { marks: MEASURED_MARKS }),
    ...(options.dicomSeg && segments.length > 0 && { segmentation: SEGMENTATION }),
    lesions: segmented,
  };
}

const segmentationOf = (segments: readonly Segment[], stack: CtStack, method: string): Promise<Buffer> =>
  encodeSegmentation(segments, {
    stack,
    algorithm: method,
    software: { name: "recist3d", version: packageJson.version },
    at: new Date(),
  });

/** Tells of a file beside this run's masks that an earlier one wrote of its own; the file that was `read` is none. */
async function tellEarlier(earlier: string, relation: string, read?: string): Promise<void> {
  const place = async (file: string): Promise<string | undefined> => realpath(file).catch(() => undefined);
  const there = await place(earlier);
  if (there === undefined || (read !== undefined && there === (await place(read)))) return;
  say(`${earlier} is of an earlier run, and not ${relation} these masks`);
}
