import type { Digest, Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import type { Enhancer } from "../../methods/networks/sgan/enhancer.ts";
import type { GanSpec } from "../../methods/networks/sgan/gan.ts";
import { type Degradation, degradationSchema } from "../../methods/networks/sgan/pairs.ts";
import { FEATURE_LAYER, type FeatureNetwork, randomFeatures } from "../../methods/networks/sgan/perceptual.ts";
import { trainEnhancer } from "../../methods/networks/sgan/trainEnhancer.ts";
import { type EnhancerOptions, enhancerOptionsSchema } from "../../methods/networks/sgan/trainingOptions.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import { loadInitialWeights } from "../../methods/networks/weights.ts";
import type { ActionProgress } from "../../schemas/messages.ts";
import type { StepParams } from "../../schemas/stepKinds.ts";
import { type CuratedSlices, curatedSlices } from "../curatedSlices.ts";
import { loadEnhancer, putEnhancer } from "../enhancers.ts";
import { readImages } from "../images.ts";
import { loadModel } from "../models.ts";
import { readScannedFile } from "../sources.ts";
import type { StepBody, StepInput } from "./step.ts";

type TrainParams = StepParams<"enhancement.train">;

/** One stage of the stacked GAN (§3.4). Resumes from the newest checkpoint, to the same bytes. */
export const enhancementTrain: StepBody<TrainParams> = {
  async run({ store, progress, signal, backend, checkpoints }, { params, inputs }) {
    const { stage } = params;
    const { meta: images, pictures } = await readImages(store, inputs.images.artifact as Digest);
    const before = inputs.init === undefined ? null : await loadEnhancer(store, inputs.init.artifact as Digest);
    const spec = before === null ? specOf(params) : { generator: before.generator, discriminator: before.discriminator };
    if (before !== null && before.stage !== stage)
      throw new InputError(`input init was trained to ${before.stage}`, undefined, `wire one that was trained to ${stage}`);
    const options = optionsOf(params);
    const features = await featuresOf(store, params, inputs);
    const curated = await slicesOf(store, params, inputs, spec.discriminator.patch);
    let latest: ActionProgress = { unit: "steps", done: 0, total: options.pretraining.steps + options.adversarial.steps };
    const say = (news: Partial<ActionProgress>): void => {
      latest = { ...latest, ...news };
      progress(latest);
    };
    const { weights, history } = await trainEnhancer({
      spec,
      options,
      photographs: pictures,
      slices: curated.pictures,
      init: before?.weights ?? null,
      features,
      backend: await backend(),
      resume: (await checkpoints.latest()) ?? undefined,
      checkpointEverySteps: params.checkpointEverySteps,
      onCheckpoint: async (checkpoint) => say({ checkpoint: await checkpoints.save(checkpoint) }),
      onStep: ({ step, total }) => say({ done: step, loss: total }),
      signal,
    });
    const usesFeatures = features !== null && options.adversarial.steps > 0;
    const enhancer: Enhancer = {
      stage,
      ...spec,
      features: usesFeatures ? { origin: features.origin, width: features.spec.width, layer: FEATURE_LAYER } : null,
      training: {
        options,
        pictures: { origin: images.origin, count: images.images },
        slices: curated.pictures.length,
        history: [...history],
      },
      weights,
    };
    const last = history.at(-1)!;
    return {
      outputs: { enhancer: await putEnhancer(store, enhancer) },
      summary: {
        images: pictures.length,
        ...(inputs.slices === undefined ? {} : { slices: curated.pictures.length, tooSmall: curated.tooSmall }),
        steps: last.step,
        loss: last.total.toFixed(5),
        ...(last.validation === null ? {} : { psnr: last.validation.psnr.toFixed(2) }),
      },
    };
  },
};

function specOf({ width, blocks, norm, skip, patch }: TrainParams): GanSpec {
  return { generator: { blocks: blocks!, width, norm, skip }, discriminator: { width, patch: patch! } };
}

function degradationOf({ stage, noise, scale, smoothing, contrast }: TrainParams): Degradation {
  return degradationSchema.parse(stage === "denoise" ? { stage, noise } : { stage, scale, smoothing, contrast });
}

function optionsOf(params: TrainParams): EnhancerOptions {
  const { seed, batch, losses, validation, slicesShare, reportEverySteps } = params;
  const phase = ({ warmup, ...rest }: TrainParams["pretraining"]) => ({ ...rest, warmupSteps: warmup });
  return enhancerOptionsSchema.parse({
    seed,
    degradation: degradationOf(params),
    batch,
    pretraining: phase(params.pretraining),
    adversarial: phase(params.adversarial),
    losses,
    validationFraction: validation,
    slicesShare,
    reportEverySteps,
  });
}

async function slicesOf(
  store: Store,
  { selected, stage }: TrainParams,
  { slices, decisions }: StepInput<TrainParams>["inputs"],
  patch: number,
): Promise<CuratedSlices> {
  if (slices === undefined) return { pictures: [], tooSmall: 0 };
  const artifacts = { slices: slices.artifact as Digest, decisions: decisions?.artifact as Digest | undefined };
  return curatedSlices(store, artifacts, { selected, stage, patch });
}

/** Features to compare by: of the model that is wired, else of the file that is named, else of a fixed random network. */
async function featuresOf(
  store: Store,
  { losses, featureWidth, featureWeights, seed }: TrainParams,
  inputs: StepInput<TrainParams>["inputs"],
): Promise<FeatureNetwork | null> {
  if (losses.perceptual === 0) return null;
  if (inputs.features !== undefined) {
    const { spec, weights } = await loadModel(store, inputs.features.artifact as Digest);
    return { spec, weights, origin: "model" };
  }
  if (featureWeights === undefined) return randomFeatures(featureWidth, seed);
  const spec: NetworkSpec = { network: "hnn", width: featureWidth, channels: 1, norm: "none" };
  const bytes = await readScannedFile(store, inputs, featureWeights);
  const { weights } = loadInitialWeights(bytes, featureWeights, spec, seed);
  return { spec, weights, origin: "file" };
}
