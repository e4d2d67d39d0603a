import type { Digest, Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { derivedSlices } from "../../methods/networks/derivedSlices.ts";
import { lesionTrainingSet } from "../../methods/networks/lesionSet.ts";
import type { Model } from "../../methods/networks/model.ts";
import { networkInput, type Preprocessing, preprocessingSchema } from "../../methods/networks/preprocess.ts";
import type { SliceEnhancer } from "../../methods/networks/sgan/enhance.ts";
import { type NetworkSpec, networkSpecSchema } from "../../methods/networks/spec.ts";
import { train } from "../../methods/networks/train.ts";
import { keptForTraining, type TrainingLesion } from "../../methods/networks/trainingLesion.ts";
import { type TrainingOptions, trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import { type TrainingSample, type TrainingSet, trainingSet } from "../../methods/networks/trainingSet.ts";
import { initialWeights, loadInitialWeights, type Weights } from "../../methods/networks/weights.ts";
import type { Action, ActionProgress } from "../../schemas/messages.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type Dataset, openDataset, readShard, shardsOf } from "../datasets.ts";
import { loadSliceEnhancer } from "../enhancers.ts";
import { type Labels, openLabels, readLabelShard } from "../labels.ts";
import { loadModel, putModel, type StackedGan, stackedGanOf } from "../models.ts";
import { readScannedFile } from "../sources.ts";
import type { StepBody, StepInput } from "./step.ts";

type TrainParams = StepParams<"network.train">;

/** Lines 4 and 13 of Algorithm 1: θ := min L(F, θ). Resumes from the newest checkpoint, to the same bytes. */
export const networkTrain: StepBody<TrainParams> = {
  async run({ store, progress, signal, backend, checkpoints }, { params, inputs }) {
    const dataset = await openDataset(store, inputs.images.artifact as Digest);
    const labels = await openLabels(store, inputs.labels.artifact as Digest);
    const before = inputs.init === undefined ? null : await loadModel(store, inputs.init.artifact as Digest);
    const preprocessing = before?.preprocessing ?? preprocessingOf(params);
    const spec = before?.spec ?? specOf(params);
    const options = optionsOf(params);
    const stackedGan = await stackedGanFor(store, inputs);
    const enhancer = stackedGan && (await loadSliceEnhancer(store, stackedGan, await backend()));
    const samples = await samplesOf(labelledLesions(store, dataset, labels), preprocessing, options, enhancer).finally(() =>
      enhancer?.dispose(),
    );
    if (samples.entries.length === 0)
      throw new InputError(
        "none of the labels belongs to a lesion of the data set",
        undefined,
        "wire `images` and `labels` to the same lesions",
      );

    const speed = new Speed();
    let latest: ActionProgress = { unit: "epochs", done: 0, total: options.maxEpochs };
    const say = (news: Partial<ActionProgress>): void => {
      latest = { ...latest, ...news };
      progress(latest);
    };
    const { weights, history } = await train({
      spec,
      preprocessing,
      init: before?.weights ?? (await startWeights(store, { params, inputs }, spec)),
      samples,
      options,
      backend: await backend(),
      resume: (await checkpoints.latest()) ?? undefined,
      checkpointEverySteps: params.checkpointEverySteps,
      onCheckpoint: async (checkpoint) => say({ checkpoint: await checkpoints.save(checkpoint) }),
      onStep: ({ epoch, step, steps, loss, images }) =>
        say({ done: epoch + step / steps, loss, rate: speed.after(images), rateUnit: "images" }),
      signal,
    });
    const model: Model = { spec, preprocessing, training: { options, history: [...history] }, weights };
    const known = new Set(dataset.lesions.map(({ id }) => id));
    const elsewhere = labels.lines.filter(({ id }) => !known.has(id)).length;
    return {
      outputs: {
        model: await putModel(store, model, before === null ? params : { ...params, ...inheritedFrom(before) }, stackedGan),
      },
      summary: {
        slices: labels.lines.length - elsewhere,
        ...(elsewhere === 0 ? {} : { "slices of lesions that are not in images": elsewhere }),
        epochs: history.length,
        loss: history.at(-1)!.trainingLoss.toFixed(4),
      },
    };
  },
};

function preprocessingOf({ crop, channels, stack }: TrainParams): Preprocessing {
  return preprocessingSchema.parse({ crop, channels, stack });
}

function specOf({ network, width, channels, norm, stack }: TrainParams): NetworkSpec {
  return networkSpecSchema.parse({ network, width, channels: channels.length, norm, planes: stack?.planes });
}

/** Parameters that a training takes from the model which it goes on from, whatever is declared. */
function inheritedFrom({
  spec,
  preprocessing,
}: Model): Pick<TrainParams, "network" | "width" | "norm" | "channels" | "crop" | "stack"> {
  const { network, width, norm } = spec;
  const { channels, crop, stack } = preprocessing;
  return { network, width, norm, channels: [...channels], crop, ...(stack && { stack }) };
}

function optionsOf({
  seed,
  batch,
  epochs,
  optimizer,
  schedule,
  patience,
  warmup,
  sampling,
  validation,
  loss,
  augment,
}: TrainParams): TrainingOptions {
  const { rate, lowRate, ...adam } = optimizer.adam;
  return trainingOptionsSchema.parse({
    seed,
    batch,
    maxEpochs: epochs,
    rate,
    lowRate,
    schedule,
    patience,
    warmupSteps: warmup,
    sampling,
    validationFraction: validation,
    adam,
    loss,
    augmentation: augment,
  });
}

async function startWeights(store: Store, { params, inputs }: StepInput<TrainParams>, spec: NetworkSpec): Promise<Weights> {
  const { weights, seed, outputStart } = params;
  if (weights === undefined) return initialWeights(spec, seed, outputStart);
  const bytes = await readScannedFile(store, inputs, weights);
  return loadInitialWeights(bytes, weights, spec, seed, outputStart).weights;
}

/** The stacked GAN whose slices the network looks at: that of the model it goes on from, or that which is wired. */
async function stackedGanFor(store: Store, { init, denoiser, enhancer }: Action["inputs"]): Promise<StackedGan | undefined> {
  if (init !== undefined) return stackedGanOf(store, init.artifact as Digest);
  return denoiser && enhancer ? { denoiser: denoiser.artifact as Digest, enhancer: enhancer.artifact as Digest } : undefined;
}

/** Inputs to train on: drawn anew in every epoch from what is kept of each image, or cut once. */
async function samplesOf(
  lesions: AsyncIterable<TrainingLesion>,
  preprocessing: Preprocessing,
  options: TrainingOptions,
  enhancer: SliceEnhancer | undefined,
): Promise<TrainingSet> {
  if (options.augmentation.from === "image") {
    const kept: TrainingLesion[] = [];
    for await (const lesion of lesions) kept.push(keptForTraining(lesion, preprocessing, options.augmentation));
    return lesionTrainingSet(kept, preprocessing, options);
  }
  if (preprocessing.stack !== undefined)
    throw new InputError(
      "the model to go on from looks at stacks, whose planes are drawn together from the image",
      "augment.from",
      "make it `image`",
    );
  const samples: TrainingSample[] = [];
  for await (const { id, patient, image, marks, window, labels } of lesions) {
    for (const [z, map] of labels) {
      const derived = enhancer && (await derivedSlices(enhancer, image, z, marks, window, preprocessing));
      const input = networkInput(image, z, marks, window, preprocessing, derived);
      samples.push({ id, patient, size: input.size, pixels: input.pixels, labels: input.labels(map) });
    }
  }
  return trainingSet(samples);
}

/** The labelled lesions in the data set's order, each with its label maps in the order of the labels. */
async function* labelledLesions(store: Store, dataset: Dataset, labels: Labels): AsyncGenerator<TrainingLesion> {
  const shardOfLesion = new Map(labels.lines.map(({ id, shard }) => [id, shard]));
  const slicesOf = new Map<string, number[]>();
  for (const { id, z } of labels.lines) slicesOf.set(id, [...(slicesOf.get(id) ?? []), z]);
  for (const shard of shardsOf(dataset)) {
    const maps = new Map<number, Awaited<ReturnType<typeof readLabelShard>>>();
    for (const { lesion, image } of await readShard(store, dataset, shard)) {
      const { id, patient, window } = lesion;
      const labelShard = shardOfLesion.get(id);
      if (labelShard === undefined) continue;
      if (!maps.has(labelShard)) maps.set(labelShard, await readLabelShard(store, labels, labelShard));
      const labelled = new Map(slicesOf.get(id)!.map((z) => [z, maps.get(labelShard)!.get(`${id}/${z}`)!]));
      yield { id, patient, image, marks: lesion, window, labels: labelled };
    }
  }
}

/** Images per second over the last few seconds. */
class Speed {
  readonly #steps: { at: number; images: number }[] = [];

  after(images: number): number {
    const now = performance.now();
    this.#steps.push({ at: now, images });
    while (this.#steps.length > 2 && now - this.#steps[0].at > 5000) this.#steps.shift();
    const counted = this.#steps.slice(1).reduce((sum, step) => sum + step.images, 0);
    return counted / Math.max(1e-3, (now - this.#steps[0].at) / 1000);
  }
}
