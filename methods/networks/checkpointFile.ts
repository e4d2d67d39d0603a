import { z } from "zod";
import { InputError } from "../inputError.ts";
import type { AdamState } from "./adam.ts";
import { decodeSafetensors, encodeSafetensors, floatTensor, type SafetensorsFile, type Tensor } from "./safetensors.ts";

/** What every checkpoint is: one safetensors file whose metadata says which task it belongs to and where that stands. */

const WHERE = "checkpoint";

export function encodeCheckpointFile(tensors: Readonly<Record<string, Tensor>>, header: { readonly task: string }): Buffer {
  return encodeSafetensors(tensors, { [WHERE]: JSON.stringify(header) });
}

/**
 * The file and the header of a checkpoint of this very task.
 *
 * @param inputs what, beside options and backend, the task's result depends on, e.g. "samples"; said when it is another
 * @throws InputError when the bytes are damaged, or belong to another task.
 */
export function decodeCheckpointFile<Header extends z.ZodType<{ task: string }>>(
  bytes: Uint8Array,
  schema: Header,
  task: string,
  inputs: string,
): { file: SafetensorsFile; header: z.output<Header>; where: string } {
  const file = decodeSafetensors(bytes, WHERE);
  let json: unknown;
  try {
    json = JSON.parse(file.metadata[WHERE] ?? "");
  } catch {
    throw new InputError("has no position", WHERE, "the file is not a checkpoint");
  }
  const header = schema.safeParse(json);
  if (!header.success) throw new InputError(`position is not valid: ${z.prettifyError(header.error)}`, WHERE);
  if (header.data.task !== task)
    throw new InputError(
      `was written by a training with other options, ${inputs} or backend`,
      WHERE,
      "resume with the same ones, or start anew",
    );
  return { file, header: header.data, where: WHERE };
}

type Moments = AdamState["m"];

interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
}

/** Adam's moments of the parameters that are trained, named `prefix` and the parameter. */
export function momentTensors(parameters: readonly Parameter[], prefix: string, moments: Moments): Record<string, Tensor> {
  const trained = parameters.filter(({ trainable }) => trainable);
  return Object.fromEntries(trained.map(({ name, shape }) => [prefix + name, { dtype: "F32", shape, data: moments[name] }]));
}

/** @throws InputError where one is missing or has another shape. */
export function readMoments(parameters: readonly Parameter[], file: SafetensorsFile, where: string, prefix: string): Moments {
  const trained = parameters.filter(({ trainable }) => trainable);
  return Object.fromEntries(trained.map(({ name, shape }) => [name, floatTensor(file, prefix + name, where, shape)]));
}
