import { createHash } from "node:crypto";
import { z } from "zod";
import type { AdamState } from "./adam.ts";
import { decodeCheckpointFile, encodeCheckpointFile, momentTensors, readMoments } from "./checkpointFile.ts";
import { parametersOf } from "./network.ts";
import type { NetworkSpec } from "./spec.ts";
import { type EpochRecord, epochRecordSchema } from "./trainingOptions.ts";
import { readWeights, type Weights, weightTensors } from "./weights.ts";

/** Where training stands between two steps. */
export interface TrainingState {
  readonly weights: Weights;
  readonly adam: AdamState;
  /** Weights of the epoch with the lowest validation loss, where they are kept. */
  readonly best: Weights | null;
  readonly position: Position;
}

const positionSchema = z.strictObject({
  /** Epoch under way, and steps of it that are done; the batches themselves follow from the seed. */
  epoch: z.int().nonnegative(),
  step: z.int().nonnegative(),
  /** Of the epoch so far: sum of loss × images, and images. */
  lossSum: z.number(),
  images: z.int().nonnegative(),
  schedule: z.strictObject({
    epochs: z.int(),
    best: z.number().nullable(),
    bestEpoch: z.int().nullable(),
    epochsSinceBest: z.int(),
    plateaus: z.int(),
  }),
  history: z.array(epochRecordSchema),
});
export interface Position {
  readonly epoch: number;
  readonly step: number;
  readonly lossSum: number;
  readonly images: number;
  readonly schedule: z.infer<typeof positionSchema>["schedule"];
  readonly history: readonly EpochRecord[];
}

const headerSchema = z.strictObject({
  task: z.string(),
  adamStep: z.int().nonnegative(),
  hasBest: z.boolean(),
  position: positionSchema,
});

/** Names the task that a checkpoint belongs to: a hash of everything that the result depends on. */
export function taskDigest(task: unknown): string {
  return createHash("sha256").update(JSON.stringify(task)).digest("hex");
}

/** A training state as one safetensors file: `weights/…`, `m/…`, `v/…`, `best/…`, and the position as metadata. */
export function encodeCheckpoint(spec: NetworkSpec, task: string, { weights, adam, best, position }: TrainingState): Buffer {
  const parameters = parametersOf(spec);
  const header: z.infer<typeof headerSchema> = {
    task,
    adamStep: adam.step,
    hasBest: best !== null,
    position: { ...position, history: [...position.history] },
  };
  return encodeCheckpointFile(
    {
      ...weightTensors(spec, weights, "weights/"),
      ...momentTensors(parameters, "m/", adam.m),
      ...momentTensors(parameters, "v/", adam.v),
      ...(best === null ? {} : weightTensors(spec, best, "best/")),
    },
    header,
  );
}

/**
 * The training state in a checkpoint of this very task.
 * @throws InputError when the bytes are damaged, or belong to other options, samples or backend.
 */
export function decodeCheckpoint(spec: NetworkSpec, task: string, bytes: Uint8Array): TrainingState {
  const { file, header, where } = decodeCheckpointFile(bytes, headerSchema, task, "samples");
  const parameters = parametersOf(spec);
  return {
    weights: readWeights(spec, file, where, "weights/"),
    adam: { step: header.adamStep, m: readMoments(parameters, file, where, "m/"), v: readMoments(parameters, file, where, "v/") },
    best: header.hasBest ? readWeights(spec, file, where, "best/") : null,
    position: header.position,
  };
}
