import { z } from "zod";
import { augmentationSchema } from "./augment.ts";
import { lossOptionsSchema } from "./loss.ts";

/** Everything that training depends on besides network, start and samples. The defaults are the paper's where it says. */
export const trainingOptionsSchema = z.strictObject({
  /** Seeds the order, augmentation, validation split and random weights. */
  seed: z.int().nonnegative(),
  /** Images per step. */
  batch: z.int().positive().default(8),
  maxEpochs: z.int().positive().default(100),
  /** Learning rate at the start, and after the first plateau (section 4: 5e-5, 1e-5). */
  rate: z.number().positive().default(5e-5),
  lowRate: z.number().positive().default(1e-5),
  /** `plateau`: `rate` until the validation loss stops falling, then `lowRate` until it stops again. `cosine`: from `rate` to `lowRate` over maxEpochs. */
  schedule: z.enum(["plateau", "cosine"]).default("plateau"),
  /** Epochs without a lower validation loss that make a plateau. */
  patience: z.int().positive().default(5),
  /** Steps of linear rise to `rate` at the start of a cosine schedule. */
  warmupSteps: z.int().nonnegative().default(0),
  /** Share of patients (or lesions) kept for validation; with 0, plateaus are those of the training loss. */
  validationFraction: z.number().min(0).max(0.9).default(0.1),
  adam: z
    .strictObject({
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.999),
      epsilon: z.number().positive().default(1e-8),
      /** Decoupled decay of kernels (AdamW); 0 = none. */
      weightDecay: z.number().nonnegative().default(0),
    })
    .prefault({}),
  loss: lossOptionsSchema.prefault({}),
  augmentation: augmentationSchema.prefault({}),
  /** What an epoch shows: every labelled slice once, or of every lesion one: its RECIST slice with probability `keySlice`, else any labelled one. */
  sampling: z
    .strictObject({ per: z.enum(["slice", "lesion"]).default("slice"), keySlice: z.number().min(0).max(1).default(0) })
    .prefault({}),
  /** Weights that training gives: those after the last epoch, or after the epoch with the lowest validation loss. */
  keep: z.enum(["last", "best"]).default("last"),
});
export type TrainingOptions = z.infer<typeof trainingOptionsSchema>;

/** One finished epoch. */
export const epochRecordSchema = z.strictObject({
  /** From 0. */
  epoch: z.int().nonnegative(),
  /** Mean loss over the epoch's training images, while they were trained on. */
  trainingLoss: z.number(),
  /** Mean loss over the validation images after the epoch; null without validation. */
  validationLoss: z.number().nullable(),
  /** Learning rate of the epoch's last step. */
  rate: z.number(),
});
export type EpochRecord = z.infer<typeof epochRecordSchema>;
