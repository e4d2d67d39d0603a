import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../inputError.ts";
import type { AdamState } from "./adam.ts";
import { parametersOf } from "./network.ts";
import { decodeSafetensors, encodeSafetensors, floatTensor, type Tensor } from "./safetensors.ts";
import type { NetworkSpec, Parameter } from "./spec.ts";
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
  const moments = (prefix: string, values: AdamState["m"]): Record<string, Tensor> =>
    Object.fromEntries(trainable(spec).map(({ name, shape }) => [prefix + name, { dtype: "F32", shape, data: values[name] }]));
  const header: z.infer<typeof headerSchema> = {
    task,
    adamStep: adam.step,
    hasBest: best !== null,
    position: { ...position, history: [...position.history] },
  };
  return encodeSafetensors(
    {
      ...weightTensors(spec, weights, "weights/"),
      ...moments("m/", adam.m),
      ...moments("v/", adam.v),
      ...(best === null ? {} : weightTensors(spec, best, "best/")),
    },
    { checkpoint: JSON.stringify(header) },
  );
}

/**
 * The training state in a checkpoint of this very task.
 * @throws InputError when the bytes are damaged, or belong to other options, samples or backend.
 */
export function decodeCheckpoint(spec: NetworkSpec, task: string, bytes: Uint8Array): TrainingState {
  const where = "checkpoint";
  const file = decodeSafetensors(bytes, where);
  let json: unknown;
  try {
    json = JSON.parse(file.metadata.checkpoint ?? "");
  } catch {
    throw new InputError("has no position", where, "the file is not a checkpoint");
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) throw new InputError(`position is not valid: ${z.prettifyError(header.error)}`, where);
  if (header.data.task !== task)
    throw new InputError(
      "was written by a training with other options, samples or backend",
      where,
      "resume with the same ones, or start anew",
    );
  const moments = (prefix: string): AdamState["m"] =>
    Object.fromEntries(trainable(spec).map(({ name, shape }) => [name, floatTensor(file, prefix + name, where, shape)]));
  return {
    weights: readWeights(spec, file, where, "weights/"),
    adam: { step: header.data.adamStep, m: moments("m/"), v: moments("v/") },
    best: header.data.hasBest ? readWeights(spec, file, where, "best/") : null,
    position: header.data.position,
  };
}

function trainable(spec: NetworkSpec): Parameter[] {
  return parametersOf(spec).filter((parameter) => parameter.trainable);
}
