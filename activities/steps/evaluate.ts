import { inParallel } from "../../artifacts/inParallel.ts";
import { getManifest, putArtifact, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import { lengthMm } from "../../methods/labels/recist.ts";
import { scoreLesion } from "../../methods/metrics/lesionScores.ts";
import { mergeHistograms, quantisedHistogram } from "../../methods/metrics/precisionRecall.ts";
import { scoreColumns } from "../../methods/metrics/scoreColumns.ts";
import { Strata } from "../../methods/metrics/strata.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { countShards, type LesionImage, linesType, openDataset, readPart, toLines } from "../datasets.ts";
import {
  type Dimension,
  evaluationMetaSchema,
  jsonLines,
  type MethodHistograms,
  type MethodStrata,
  type OffsetLine,
  offsetColumns,
  offsetRow,
  regionOf,
  type ScoreLine,
} from "../evaluations.ts";
import { openPredictions, type Predictions, readPredictedMask, readProbabilities } from "../predictions.ts";
import { namedInputs, type StepBody, type StepInput } from "./step.ts";

type EvaluateInput = StepInput<StepParams<"evaluate">>;

/** Section 4 of the paper: every method's masks against the reference masks, shard by shard of lesions. */
export const evaluate: StepBody<StepParams<"evaluate">> = {
  parts: ({ store }, { inputs }) => countShards(store, inputs.reference.artifact as Digest),

  async run({ store, progress }, { params: { tolerancesMm }, inputs, part }) {
    const lesions = await readPart(store, inputs.reference.artifact as Digest, part!);
    const methods = await methodsOf(store, inputs);
    const scores: ScoreLine[] = [];
    const offsets: OffsetLine[] = [];
    const histograms: Record<string, MethodHistograms> = {};
    for (const [done, { name, predictions }] of methods.entries()) {
      const { dimension, probabilities } = predictions.meta;
      for (const [at, { lesion, reference }] of lesions.entries()) {
        progress({ unit: "masks", done: done * lesions.length + at, total: methods.length * lesions.length });
        if (reference === undefined) continue;
        const { id, patient, category, spacingMm } = lesion;
        const mask = await readPredictedMask(store, predictions, id);
        checkSameGrid(mask, reference, `${name}, lesion ${id}`, "its reference mask");
        const masks = { prediction: mask.data, reference: reference.data, dims: reference.dims, spacingMm, marks: lesion };
        const score = scoreLesion(masks, { tolerancesMm }, dimension === "2D" ? "slice" : "volume");
        const { slice, volume, failures } = score;
        const [longMm, shortMm] = [lengthMm(lesion.long, spacingMm), lengthMm(lesion.short, spacingMm)];
        scores.push({ method: name, lesion: id, patient, category, longMm, shortMm, slice, volume, failures });
        if (dimension === "2D") continue;
        const slices = score.offsets.map((one) => offsetRow(one, tolerancesMm));
        offsets.push({ method: name, lesion: id, patient, slices });
      }
      if (probabilities) Object.assign(histograms, { [name]: await histogramsOf(store, predictions, lesions) });
    }
    const artifact = await putArtifact(store, {
      type: "part",
      meta: { lesions: lesions.length },
      files: [
        { path: "scores.jsonl", bytes: toLines(scores), mediaType: linesType },
        { path: "offsets.jsonl", bytes: toLines(offsets), mediaType: linesType },
        { path: "histograms.json", bytes: json(histograms), mediaType: jsonType },
      ],
    });
    return { outputs: { part: artifact }, summary: { masks: scores.length } };
  },

  /** In memory lie the bytes of all lines, which become files, and the columns of the statistics. */
  async gather({ store, progress }, { params, inputs }, parts) {
    const dataset = await openDataset(store, inputs.reference.artifact as Digest);
    const methods = await methodsOf(store, inputs);
    const tables = methods.flatMap(({ name, predictions }) =>
      (predictions.meta.dimension === "2D" ? (["2D"] as const) : (["2D", "3D"] as const)).map((dimension) => ({
        method: name,
        dimension,
        strata: new Strata(params),
      })),
    );
    const tableOf = (method: string, dimension: Dimension): Strata | undefined =>
      tables.find((table) => table.method === method && table.dimension === dimension)?.strata;
    const histograms: Record<string, MethodHistograms> = {};
    const files = await inParallel(parts, async ({ part }) => {
      const manifest = await getManifest(store, part);
      const [scores, offsets, own] = await Promise.all(partFiles.map((path) => readFile(store, manifest, path)));
      return { scores, offsets, own };
    });
    for (const [done, { scores, offsets, own }] of files.entries()) {
      progress({ unit: "shards", done, total: parts.length });
      for (const line of jsonLines<ScoreLine>(scores)) {
        for (const dimension of ["2D", "3D"] as const) {
          const region = regionOf(line, dimension);
          if (region !== null) tableOf(line.method, dimension)!.addLesion({ ...line, scores: scoreColumns(region) });
        }
      }
      for (const { method, patient, slices } of jsonLines<OffsetLine>(offsets)) {
        for (const row of slices) {
          const [offset, tp, , fn] = row as number[];
          const scores = offsetColumns(row, params.tolerancesMm);
          tableOf(method, "3D")!.addSlice({ patient, offset, inReference: tp + fn > 0, scores });
        }
      }
      for (const [method, found] of Object.entries(JSON.parse(own.toString("utf8")) as typeof histograms)) {
        histograms[method] = method in histograms ? mergedHistograms(histograms[method], found) : found;
      }
    }
    const strata = tables.map((table): MethodStrata => ({ ...table, strata: table.strata.summaries() }));
    const withoutReference = dataset.lesions.filter(({ hasReference }) => !hasReference).length;
    const meta = evaluationMetaSchema.parse({
      lesions: dataset.lesions.length,
      withoutReference,
      reference: { digest: dataset.digest, name: dataset.meta.name, split: dataset.meta.split, origin: dataset.meta.origin },
      methods: methods.map(({ name, predictions: { digest, meta: own } }) => ({
        name,
        dimension: own.dimension,
        predictions: digest,
      })),
      tolerancesMm: params.tolerancesMm,
      statistics: { sizesMm: params.sizesMm, bootstrap: params.bootstrap },
    });
    const evaluation = await putArtifact(store, {
      type: "evaluation",
      meta,
      files: [
        { path: "scores.jsonl", bytes: Buffer.concat(files.map(({ scores }) => scores)), mediaType: linesType },
        { path: "offsets.jsonl", bytes: Buffer.concat(files.map(({ offsets }) => offsets)), mediaType: linesType },
        { path: "strata.json", bytes: json(strata), mediaType: jsonType },
        { path: "histograms.json", bytes: json(histograms), mediaType: jsonType },
      ],
    });
    return { outputs: { evaluation }, summary: { methods: methods.length, lesions: dataset.lesions.length - withoutReference } };
  },
};

/** The methods in the order of the inputs. */
function methodsOf(
  store: Store,
  inputs: EvaluateInput["inputs"],
): Promise<{ readonly name: string; readonly predictions: Predictions }[]> {
  return Promise.all(
    Object.entries(namedInputs(inputs, "predictions")).map(async ([name, { artifact }]) => ({
      name,
      predictions: await openPredictions(store, artifact as Digest),
    })),
  );
}

/** Probabilities of the shard's pixels, on the RECIST slices and in the volumes. */
async function histogramsOf(store: Store, predictions: Predictions, lesions: readonly LesionImage[]): Promise<MethodHistograms> {
  const empty = quantisedHistogram(new Uint8Array(0), new Uint8Array(0));
  let found: MethodHistograms = { slice: empty, volume: predictions.meta.dimension === "2D" ? null : empty };
  // a shard of the predictions holds other lesions than this one where they were made on a larger data set
  const shards = new Map<number, Map<string, Uint8Array>>();
  for (const { lesion, reference } of lesions) {
    const shard = predictions.lines.get(lesion.id)?.shard;
    if (reference === undefined || shard === undefined) continue;
    const levels = shards.get(shard) ?? (await readProbabilities(store, predictions, shard));
    shards.set(shard, levels);
    const volume = levels.get(lesion.id)!;
    const [nx, ny] = lesion.dims;
    const onSlice = (voxels: Uint8Array): Uint8Array => voxels.subarray(lesion.slice * nx * ny, (lesion.slice + 1) * nx * ny);
    found = mergedHistograms(found, {
      slice: quantisedHistogram(onSlice(volume), onSlice(reference.data)),
      volume: found.volume === null ? null : quantisedHistogram(volume, reference.data),
    });
  }
  return found;
}

function mergedHistograms(a: MethodHistograms, b: MethodHistograms): MethodHistograms {
  const volumes = a.volume === null || b.volume === null ? null : mergeHistograms([a.volume, b.volume]);
  return { slice: mergeHistograms([a.slice, b.slice]), volume: volumes };
}

/** The files of a part, in the order in which they are read. */
const partFiles = ["scores.jsonl", "offsets.jsonl", "histograms.json"] as const;
const jsonType = "application/json";
const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
