import { putArtifact } from "../../artifacts/manifest.ts";
import type { Digest } from "../../artifacts/store.ts";
import { checkSameGrid } from "../../methods/imaging/sameGrid.ts";
import { scoreLesion } from "../../methods/metrics/lesionScores.ts";
import { mergeHistograms, type ProbabilityHistogram, probabilityHistogram } from "../../methods/metrics/precisionRecall.ts";
import { bootstrapMean, summarize } from "../../methods/metrics/summary.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { linesType, openDataset, readShard, shardsOf, toLines } from "../datasets.ts";
import { evaluationMetaSchema, type ScoreLine } from "../evaluations.ts";
import { openPredictions, readPredictedMask, readProbabilities } from "../predictions.ts";
import { namedInputs, type StepBody } from "./step.ts";

/** Section 4 of the paper: every method's masks against the reference masks, lesion by lesion. */
export const evaluate: StepBody<StepParams<"evaluate">> = {
  async run({ store, progress }, { params: { bootstrap }, inputs }) {
    const dataset = await openDataset(store, inputs.reference.artifact as Digest);
    const methods = await Promise.all(
      Object.entries(namedInputs(inputs, "predictions")).map(async ([name, ref]) => ({
        name,
        predictions: await openPredictions(store, ref.artifact as Digest),
      })),
    );
    const lines: ScoreLine[] = [];
    const histograms: Record<string, { slice: ProbabilityHistogram; volume: ProbabilityHistogram }> = {};
    const total = dataset.lesions.length * methods.length;
    let done = 0;
    let withoutReference = 0;
    for (const [shardIndex, shard] of shardsOf(dataset).entries()) {
      const lesions = await readShard(store, dataset, shard);
      withoutReference += lesions.filter(({ reference }) => reference === undefined).length;
      for (const { name, predictions } of methods) {
        const probabilities = predictions.meta.probabilities
          ? await readProbabilities(store, predictions, shardIndex)
          : undefined;
        for (const { lesion, reference } of lesions) {
          progress({ unit: "masks", done: done++, total });
          if (reference === undefined) continue;
          const mask = await readPredictedMask(store, predictions, lesion.id);
          checkSameGrid(mask, reference, `${name}, lesion ${lesion.id}`, "its reference mask");
          const { dims, spacingMm } = reference;
          const score = scoreLesion({ prediction: mask.data, reference: reference.data, dims, spacingMm, marks: lesion });
          lines.push({
            method: name,
            dimension: predictions.meta.dimension,
            lesion: lesion.id,
            patient: lesion.patient,
            category: lesion.category,
            score,
          });
          const probability = probabilities?.get(lesion.id);
          if (probability === undefined) continue;
          const [nx, ny] = dims;
          const onSlice = <A extends Uint8Array>(volume: A): A =>
            volume.subarray(lesion.slice * nx * ny, (lesion.slice + 1) * nx * ny) as A;
          const slice = probabilityHistogram(unquantised(onSlice(probability)), onSlice(reference.data));
          const volume = probabilityHistogram(unquantised(probability), reference.data);
          const before = histograms[name];
          histograms[name] =
            before === undefined
              ? { slice, volume }
              : { slice: mergeHistograms([before.slice, slice]), volume: mergeHistograms([before.volume, volume]) };
        }
      }
    }
    const summary = methods.map(({ name, predictions }) => {
      const own = lines.filter(({ method }) => method === name);
      const describe = (values: (number | null)[]) => ({
        ...summarize(values),
        interval:
          bootstrap.resamples === 0
            ? null
            : bootstrapMean(
                values.filter((value) => value !== null),
                bootstrap,
              ),
      });
      return {
        method: name,
        dimension: predictions.meta.dimension,
        slice: {
          dice: describe(own.map(({ score }) => score.slice.dice)),
          precision: describe(own.map(({ score }) => score.slice.precision)),
          recall: describe(own.map(({ score }) => score.slice.recall)),
        },
        volume: predictions.meta.dimension === "2D" ? null : { dice: describe(own.map(({ score }) => score.volume.dice)) },
      };
    });
    const meta = evaluationMetaSchema.parse({
      lesions: dataset.lesions.length,
      withoutReference,
      methods: methods.map(({ name, predictions }) => ({
        name,
        dimension: predictions.meta.dimension,
        predictions: predictions.digest,
      })),
    });
    const json = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
    const evaluation = await putArtifact(store, {
      type: "evaluation",
      meta,
      files: [
        { path: "scores.jsonl", bytes: toLines(lines), mediaType: linesType },
        { path: "summary.json", bytes: json(summary), mediaType: "application/json" },
        { path: "histograms.json", bytes: json(histograms), mediaType: "application/json" },
      ],
    });
    return { outputs: { evaluation }, summary: { methods: methods.length, lesions: dataset.lesions.length - withoutReference } };
  },
};

const unquantised = (probability: Uint8Array): Float32Array => Float32Array.from(probability, (value) => value / 255);
