import { z } from "zod";
import { InputError } from "../../inputError.ts";
import type { AdamState } from "../adam.ts";
import { decodeSafetensors, encodeSafetensors, floatTensor, type Tensor } from "../safetensors.ts";
import type { GanSpec, GanState } from "./gan.ts";
import { discriminatorLayers, type GanLayer, generatorLayers, parametersOf, readWeights, weightTensors } from "./layers.ts";
import { enhancerRecordSchema } from "./trainingOptions.ts";

const sumsSchema = z.strictObject({
  steps: z.int().nonnegative(),
  total: z.number(),
  pixel: z.number(),
  perceptual: z.number().nullable(),
  adversarial: z.number().nullable(),
  discriminator: z.number().nullable(),
});

const positionSchema = z.strictObject({
  /** Steps of the whole training that are done; crops follow from the seed. */
  step: z.int().nonnegative(),
  /** Sums of the losses since the last record. */
  sums: sumsSchema,
  history: z.array(enhancerRecordSchema),
});
export type GanPosition = z.infer<typeof positionSchema>;

const headerSchema = z.strictObject({
  task: z.string(),
  adamSteps: z.strictObject({ generator: z.int().nonnegative(), discriminator: z.int().nonnegative() }),
  position: positionSchema,
});

const networks = ["generator", "discriminator"] as const;
type Network = (typeof networks)[number];

const layersOf = (spec: GanSpec, network: Network): GanLayer[] =>
  network === "generator" ? generatorLayers(spec.generator) : discriminatorLayers(spec.discriminator);

/** A training's state as one safetensors file: `generator/weights/…`, `/m/…`, `/v/…`, likewise `discriminator/…`, and the position as metadata. */
export function encodeGanCheckpoint(spec: GanSpec, task: string, state: GanState, position: GanPosition): Buffer {
  const tensors: Record<string, Tensor> = {};
  for (const network of networks) {
    const layers = layersOf(spec, network);
    const adam = adamOf(state, network);
    Object.assign(tensors, weightTensors(layers, state[network], `${network}/weights/`));
    for (const { name, shape } of parametersOf(layers).filter(({ trainable }) => trainable)) {
      tensors[`${network}/m/${name}`] = { dtype: "F32", shape, data: adam.m[name] };
      tensors[`${network}/v/${name}`] = { dtype: "F32", shape, data: adam.v[name] };
    }
  }
  const adamSteps = { generator: state.generatorAdam.step, discriminator: state.discriminatorAdam.step };
  const header: z.infer<typeof headerSchema> = { task, adamSteps, position };
  return encodeSafetensors(tensors, { checkpoint: JSON.stringify(header) });
}

/**
 * The state in a checkpoint of this very task.
 * @throws InputError when the bytes are damaged, or belong to other options, pictures or backend.
 */
export function decodeGanCheckpoint(spec: GanSpec, task: string, bytes: Uint8Array): { state: GanState; position: GanPosition } {
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
      "was written by a training with other options, pictures or backend",
      where,
      "resume with the same ones, or start anew",
    );
  const read = (network: Network) => {
    const layers = layersOf(spec, network);
    const moments = (moment: "m" | "v"): AdamState["m"] =>
      Object.fromEntries(
        parametersOf(layers)
          .filter(({ trainable }) => trainable)
          .map(({ name, shape }) => [name, floatTensor(file, `${network}/${moment}/${name}`, where, shape)]),
      );
    return {
      weights: readWeights(layers, file, where, `${network}/weights/`),
      adam: { step: header.data.adamSteps[network], m: moments("m"), v: moments("v") },
    };
  };
  const [g, d] = [read("generator"), read("discriminator")];
  return {
    state: { generator: g.weights, discriminator: d.weights, generatorAdam: g.adam, discriminatorAdam: d.adam },
    position: header.data.position,
  };
}

const adamOf = (state: GanState, network: Network): AdamState =>
  network === "generator" ? state.generatorAdam : state.discriminatorAdam;
