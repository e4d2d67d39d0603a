import { InputError } from "../../inputError.ts";
import { randomStream } from "../../random.ts";
import type { Backend } from "../backend.ts";
import { taskDigest } from "../checkpoint.ts";
import { rateAt, scheduleStart } from "../schedule.ts";
import { NonFiniteLossError } from "../train.ts";
import { type Weights, weightsDigest } from "../weights.ts";
import { applyGenerator } from "./enhance.ts";
import { createGan, type GanLosses, type GanSpec } from "./gan.ts";
import { decodeGanCheckpoint, encodeGanCheckpoint, type GanPosition } from "./ganCheckpoint.ts";
import { discriminatorLayers, generatorLayers, initialWeights } from "./layers.ts";
import { checkPictures, drawPairs, type Pair, type Picture, type PictureSet } from "./pairs.ts";
import { createPerceptual, type FeatureNetwork } from "./perceptual.ts";
import type { EnhancerOptions, EnhancerRecord } from "./trainingOptions.ts";

export interface EnhancerTask {
  readonly spec: GanSpec;
  readonly options: EnhancerOptions;
  readonly photographs: readonly Picture[];
  /** Curated CT slices that are learnt from beside the photographs. */
  readonly slices?: readonly Picture[];
  /** Weights to go on from; null = random ones. */
  readonly init: { readonly generator: Weights; readonly discriminator: Weights } | null;
  /** Network of the perceptual loss; null = no such loss. */
  readonly features: FeatureNetwork | null;
  readonly backend: Backend;
  /** A checkpoint of the same task: training goes on from there, and ends with the very same bytes. */
  readonly resume?: Uint8Array;
  /** Write a checkpoint after every so many steps. Does not change the result. */
  readonly checkpointEverySteps?: number;
  /** Receives the checkpoints, and one at the end. Training waits for it. */
  readonly onCheckpoint?: (checkpoint: Buffer, step: number) => void | Promise<void>;
  readonly onStep?: (step: EnhancerStep) => void;
  /** Aborting ends training after the step under way, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A step that was just done. */
export interface EnhancerStep extends GanLosses {
  readonly phase: EnhancerRecord["phase"];
  /** Steps that are done, and that there are. */
  readonly step: number;
  readonly steps: number;
}

export interface EnhancerResult {
  readonly weights: { readonly generator: Weights; readonly discriminator: Weights };
  readonly history: readonly EnhancerRecord[];
}

/**
 * Trains a stage of the stacked GAN: the generator on the pixel loss alone, then discriminator and generator in turns.
 *
 * The result is a pure function of specs, options, pictures, start, feature network and the backend's fingerprint: crops
 * and degradations follow from (seed, step, number in the batch).
 *
 * @throws NonFiniteLossError when a loss overflows; InputError when `resume` is not a checkpoint of this task, a picture
 *   is smaller than a patch, or there is none.
 */
export async function trainEnhancer(task: EnhancerTask): Promise<EnhancerResult> {
  const { spec, options, photographs, slices = [], backend } = task;
  const { seed, batch, degradation, pretraining, adversarial, slicesShare } = options;
  const { patch } = spec.discriminator;
  checkPictures({ photographs, slices, slicesShare }, patch);
  if (photographs.length === 0) throw new InputError("there are no photographs to train on");
  const steps = pretraining.steps + adversarial.steps;
  const start = task.init ?? {
    generator: initialWeights(generatorLayers(spec.generator), seed, "generator"),
    discriminator: initialWeights(discriminatorLayers(spec.discriminator), seed, "discriminator"),
  };
  const identity = taskDigest({
    spec,
    options,
    pictures: [...photographs, ...slices].map(({ id, pixels }) => [id, pixels.width, pixels.height]),
    start: [weightsDigest(start.generator), weightsDigest(start.discriminator)],
    features: task.features && weightsDigest(task.features.weights),
    backend: backend.fingerprint,
  });
  const resumed = task.resume === undefined ? undefined : decodeGanCheckpoint(spec, identity, task.resume);
  let position: GanPosition = resumed?.position ?? { step: 0, sums: noSums, history: [] };
  const { training, validation } = heldOut(photographs, options);
  const set: PictureSet = { photographs: training, slices, slicesShare };
  const fixedPairs =
    validation.length === 0
      ? []
      : drawPairs(
          { photographs: validation, slices: [], slicesShare: 0 },
          degradation,
          { patch, batch: options.validationPairs, seed },
          "validation pair",
          0,
        );
  const useFeatures = task.features !== null && options.losses.perceptual > 0 && adversarial.steps > 0;
  const perceptual = useFeatures ? createPerceptual(task.features!, backend) : null;
  const gan = createGan(spec, resumed?.state ?? start, options, perceptual, backend, resumed?.state);
  try {
    while (position.step < steps) {
      task.signal?.throwIfAborted();
      const { step } = position;
      const phase = step < pretraining.steps ? "pretraining" : "adversarial";
      const inPhase = phase === "pretraining" ? step : step - pretraining.steps;
      const rate = rateAt({ schedule: "cosine", ...options[phase] }, scheduleStart, inPhase, options[phase].steps);
      const pairs = drawPairs(set, degradation, { patch, batch, seed }, "pair", step);
      const losses = phase === "pretraining" ? gan.pretrain(pairs, rate) : gan.compete(pairs, rate);
      const broken = Object.entries(losses).find(([, loss]) => loss !== null && !Number.isFinite(loss));
      if (broken !== undefined) throw new NonFiniteLossError(0, step, broken[1] as number, [`${broken[0]} of the ${phase}`]);
      const sums = summed(position.sums, losses);
      const done = step + 1;
      const isRecorded = done % options.reportEverySteps === 0 || done === pretraining.steps || done === steps;
      const record = isRecorded
        ? [recordOf(phase, done, rate, sums, fixedPairs, patch, spec, gan.state().generator, backend)]
        : [];
      position = { step: done, sums: isRecorded ? noSums : sums, history: [...position.history, ...record] };
      task.onStep?.({ ...losses, phase, step: done, steps });
      const isDue = task.checkpointEverySteps !== undefined && done % task.checkpointEverySteps === 0;
      if (isDue || done === steps) await task.onCheckpoint?.(encodeGanCheckpoint(spec, identity, gan.state(), position), done);
      await new Promise(setImmediate); // Lets signals and messages in.
    }
    const { generator, discriminator } = gan.state();
    return { weights: { generator, discriminator }, history: position.history };
  } finally {
    gan.dispose();
    perceptual?.dispose();
  }
}

const noSums: GanPosition["sums"] = {
  ...{ steps: 0, total: 0, pixel: 0 },
  ...{ perceptual: null, adversarial: null, discriminator: null },
};

function summed(sums: GanPosition["sums"], losses: GanLosses): GanPosition["sums"] {
  const plus = (sum: number | null, loss: number | null): number | null => (loss === null ? sum : (sum ?? 0) + loss);
  return {
    steps: sums.steps + 1,
    total: sums.total + losses.total,
    pixel: sums.pixel + losses.pixel,
    perceptual: plus(sums.perceptual, losses.perceptual),
    adversarial: plus(sums.adversarial, losses.adversarial),
    discriminator: plus(sums.discriminator, losses.discriminator),
  };
}

/** Photographs to train on, and those that are held out, by the seed. A lone photograph is trained on. */
function heldOut(
  photographs: readonly Picture[],
  { validationFraction, validationPairs, seed }: EnhancerOptions,
): { training: readonly Picture[]; validation: readonly Picture[] } {
  const wanted = validationPairs === 0 ? 0 : Math.ceil(validationFraction * photographs.length);
  const count = Math.min(wanted, photographs.length - 1);
  const order = [...randomStream(seed, "validation photographs").permutation(photographs.length)];
  const isHeld = new Set(order.slice(0, count));
  return {
    training: photographs.filter((_, i) => !isHeld.has(i)),
    validation: photographs.filter((_, i) => isHeld.has(i)),
  };
}

function recordOf(
  phase: EnhancerRecord["phase"],
  step: number,
  rate: number,
  sums: GanPosition["sums"],
  pairs: readonly Pair[],
  patch: number,
  spec: GanSpec,
  weights: Weights,
  backend: Backend,
): EnhancerRecord {
  const mean = <S extends number | null>(sum: S): S => (sum === null ? sum : ((sum / sums.steps) as S));
  return {
    phase,
    step,
    rate,
    total: mean(sums.total),
    pixel: mean(sums.pixel),
    perceptual: mean(sums.perceptual),
    adversarial: mean(sums.adversarial),
    discriminator: mean(sums.discriminator),
    validation: pairs.length === 0 ? null : validated(pairs, patch, spec, weights, backend),
  };
}

/** Mean PSNR of the pairs' inputs and of what the generator makes of them, as it will be applied: with running statistics. */
function validated(
  pairs: readonly Pair[],
  patch: number,
  spec: GanSpec,
  weights: Weights,
  backend: Backend,
): NonNullable<EnhancerRecord["validation"]> {
  const generator = applyGenerator(spec.generator, weights, backend);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  try {
    return {
      inputPsnr: mean(pairs.map(({ input, target }) => psnr(input, target))),
      psnr: mean(
        pairs.map(({ input, target }) => psnr(generator.apply({ data: input, width: patch, height: patch }).data, target)),
      ),
    };
  } finally {
    generator.dispose();
  }
}

/** −10 log₁₀ of the mean squared error of fractions, at most 100 dB. */
function psnr(made: Float32Array, target: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < target.length; i++) sum += (made[i] - target[i]) ** 2;
  return -10 * Math.log10(Math.max(sum / target.length, 1e-10));
}
