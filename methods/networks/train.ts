import { InputError } from "../inputError.ts";
import { randomStream } from "../random.ts";
import { augmented } from "./augment.ts";
import type { Backend } from "./backend.ts";
import { decodeCheckpoint, encodeCheckpoint, type Position, taskDigest } from "./checkpoint.ts";
import { isImageChannel, type Preprocessing, requireMatchingInput } from "./preprocess.ts";
import { afterEpoch, isFinished, rateAt, scheduleStart } from "./schedule.ts";
import type { NetworkSpec } from "./spec.ts";
import { createTrainable, meanLoss } from "./trainable.ts";
import type { EpochRecord, TrainingOptions } from "./trainingOptions.ts";
import { epochBatches, type TrainingSet, validationSplit } from "./trainingSet.ts";
import { initialWeights, type Weights, weightsDigest } from "./weights.ts";

export interface TrainingTask {
  readonly spec: NetworkSpec;
  readonly preprocessing: Preprocessing;
  /** Weights to start from; null = random ones. */
  readonly init: Weights | null;
  readonly samples: TrainingSet;
  readonly options: TrainingOptions;
  readonly backend: Backend;
  /** A checkpoint of the same task: training goes on from there, and ends with the very same bytes. */
  readonly resume?: Uint8Array;
  /** Write a checkpoint after every so many steps of the whole training. Does not change the result. */
  readonly checkpointEverySteps?: number;
  /** Asked between steps: is a checkpoint wanted now, for example because some seconds have passed? Does not change the result. */
  readonly wantsCheckpoint?: () => boolean;
  /** Receives the checkpoints asked for, and one at the end. Training waits for it. */
  readonly onCheckpoint?: (checkpoint: Buffer, position: Position) => void | Promise<void>;
  readonly onStep?: (step: TrainingStep) => void;
  readonly onEpoch?: (epoch: EpochRecord) => void;
  /** Aborting ends training after the step under way, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A step that was just done. */
export interface TrainingStep {
  readonly epoch: number;
  /** Steps of this epoch that are done, and that it has. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly rate: number;
  readonly images: number;
}

export interface TrainingResult {
  readonly weights: Weights;
  readonly history: readonly EpochRecord[];
}

/** The loss became infinite or not a number. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;

  constructor(epoch: number, step: number, loss: number, samples: readonly string[]) {
    super(
      `the loss is ${loss} in epoch ${epoch}, step ${step} (lesions ${samples.join(", ")}) — lower the learning rate, or check these images`,
    );
    this.epoch = epoch;
    this.step = step;
    this.loss = loss;
  }
}

/**
 * Trains a network on labelled slices (Eq. 1) and returns its weights.
 *
 * The result is a pure function of spec, start, samples, options and the backend's fingerprint: order and augmentation
 * follow from (seed, epoch, sample), never from the time or from where a run was interrupted.
 *
 * @throws NonFiniteLossError when the loss overflows; InputError when `resume` is not a checkpoint of this task, or the
 *   preprocessing makes another number of channels or planes than the network has.
 */
export async function train(task: TrainingTask): Promise<TrainingResult> {
  const { spec, preprocessing, samples, options, backend, signal } = task;
  const { seed, batch } = options;
  requireMatchingInput(spec, preprocessing);
  if (samples.entries.length === 0) throw new InputError("there is nothing to train on: no samples");
  const imageChannels = preprocessing.channels.map(isImageChannel);
  const start = task.init ?? initialWeights(spec, seed);
  const identity = taskDigest({
    spec,
    preprocessing,
    options,
    samples: samples.entries.map(({ id, patient, size }) => [id, patient, size]),
    start: weightsDigest(start),
    backend: backend.fingerprint,
  });
  const resumed = task.resume === undefined ? undefined : decodeCheckpoint(spec, identity, task.resume);
  let position: Position = resumed?.position ?? {
    epoch: 0,
    step: 0,
    lossSum: 0,
    images: 0,
    schedule: scheduleStart,
    history: [],
  };
  let best = resumed?.best ?? null;
  const { training, validation } = validationSplit(samples, options.validationFraction, seed);
  const network = createTrainable(spec, resumed?.weights ?? start, options, backend, resumed?.adam);

  const checkpoint = async (): Promise<void> =>
    task.onCheckpoint?.(
      encodeCheckpoint(spec, identity, { weights: network.weights(), adam: network.adam(), best, position }),
      position,
    );
  const isDue = (): boolean =>
    task.wantsCheckpoint?.() || (task.checkpointEverySteps !== undefined && network.steps() % task.checkpointEverySteps === 0);

  try {
    while (!isFinished(options, position.schedule)) {
      const { epoch } = position;
      const batches = epochBatches(samples, training, batch, seed, epoch);
      let rate = 0;
      for (let step = position.step; step < batches.length; step++) {
        signal?.throwIfAborted();
        const images = await Promise.all(
          batches[step].map(async (index) => {
            const random = randomStream(seed, "augment", epoch, index);
            return samples.drawn === undefined
              ? augmented(await samples.sample(index), imageChannels, options.augmentation, random)
              : samples.drawn(index, random);
          }),
        );
        rate = rateAt(options, position.schedule, epoch * batches.length + step, options.maxEpochs * batches.length);
        const loss = network.step(images, rate);
        if (!Number.isFinite(loss))
          throw new NonFiniteLossError(
            epoch,
            step,
            loss,
            images.map(({ id }) => id),
          );
        position = {
          ...position,
          step: step + 1,
          lossSum: position.lossSum + loss * images.length,
          images: position.images + images.length,
        };
        task.onStep?.({ epoch, step: step + 1, steps: batches.length, loss, rate, images: images.length });
        if (step + 1 < batches.length && isDue()) await checkpoint();
        await new Promise(setImmediate); // Lets signals and messages in.
      }
      const trainingLoss = position.lossSum / position.images;
      const validationLoss =
        validation.length === 0 ? null : await meanLoss(spec, network.weights(), options, backend, samples, validation);
      const record: EpochRecord = { epoch, trainingLoss, validationLoss, rate };
      const schedule = afterEpoch(options, position.schedule, validationLoss ?? trainingLoss);
      if (options.keep === "best" && schedule.bestEpoch === epoch) best = network.weights();
      position = { epoch: epoch + 1, step: 0, lossSum: 0, images: 0, schedule, history: [...position.history, record] };
      task.onEpoch?.(record);
      if (isDue() || isFinished(options, schedule)) await checkpoint();
    }
    return { weights: best ?? network.weights(), history: position.history };
  } finally {
    network.dispose();
  }
}
