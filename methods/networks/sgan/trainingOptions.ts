import { z } from "zod";
import { degradationSchema } from "./pairs.ts";

const phaseSchema = z.strictObject({
  steps: z.int().nonnegative(),
  /** Adam's learning rate rises over `warmupSteps`, then falls from `rate` to `lowRate` along half a cosine. */
  rate: z.number().positive(),
  lowRate: z.number().positive(),
  warmupSteps: z.int().nonnegative().default(0),
});

/** Everything that the training of a stage depends on besides networks, start and pictures. */
export const enhancerOptionsSchema = z.strictObject({
  /** Seeds crops, degradations, the pictures that are held out, and random weights. */
  seed: z.int().nonnegative(),
  degradation: degradationSchema,
  /** Crops per step (SRGAN: 16). */
  batch: z.int().positive().default(16),
  /** The generator on the pixel loss alone, before the adversarial phase (SRGAN: 10⁶ steps at 10⁻⁴). */
  pretraining: phaseSchema.prefault({ steps: 100_000, rate: 1e-4, lowRate: 1e-5 }),
  /** Generator and discriminator in turns (SRGAN: 10⁵ steps at 10⁻⁴ and as many at 10⁻⁵). */
  adversarial: phaseSchema.prefault({ steps: 100_000, rate: 1e-4, lowRate: 1e-5 }),
  losses: z
    .strictObject({
      pixel: z.number().nonnegative().default(1),
      /** Of the relative distance of features. */
      perceptual: z.number().nonnegative().default(0.1),
      /** SRGAN: 10⁻³. */
      adversarial: z.number().nonnegative().default(1e-3),
    })
    .prefault({}),
  adam: z
    .strictObject({
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.999),
      epsilon: z.number().positive().default(1e-8),
      weightDecay: z.number().nonnegative().default(0),
    })
    .prefault({}),
  /** Share of the photographs that no crop is trained on; fixed pairs from them measure the generator. 0 = none. */
  validationFraction: z.number().min(0).max(0.5).default(0.1),
  validationPairs: z.int().nonnegative().default(32),
  /** Share of the crops that is drawn from curated slices, where there are any. */
  slicesShare: z.number().min(0).max(1).default(0.5),
  /** Steps over which the losses of the history are averaged. */
  reportEverySteps: z.int().positive().default(1000),
});
export type EnhancerOptions = z.output<typeof enhancerOptionsSchema>;

/** Averages over some steps of one phase. */
export const enhancerRecordSchema = z.strictObject({
  phase: z.enum(["pretraining", "adversarial"]),
  /** Steps of the whole training that are done. */
  step: z.int().nonnegative(),
  rate: z.number(),
  total: z.number(),
  pixel: z.number(),
  perceptual: z.number().nullable(),
  adversarial: z.number().nullable(),
  discriminator: z.number().nullable(),
  /** Peak signal-to-noise ratio in dB, mean over the validation pairs: of the input and of what the generator makes of it. */
  validation: z.strictObject({ inputPsnr: z.number(), psnr: z.number() }).nullable(),
});
export type EnhancerRecord = z.infer<typeof enhancerRecordSchema>;
