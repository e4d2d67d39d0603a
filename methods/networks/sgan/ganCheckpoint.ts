import { z } from "zod";
import type { AdamState } from "../adam.ts";
import { decodeCheckpointFile, encodeCheckpointFile, momentTensors, readMoments } from "../checkpointFile.ts";
import type { Tensor } from "../safetensors.ts";
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
    const parameters = parametersOf(layers);
    Object.assign(
      tensors,
      weightTensors(layers, state[network], `${network}/weights/`),
      momentTensors(parameters, `${network}/m/`, adam.m),
      momentTensors(parameters, `${network}/v/`, adam.v),
    );
  }
  const adamSteps = { generator: state.generatorAdam.step, discriminator: state.discriminatorAdam.step };
  const header: z.infer<typeof headerSchema> = { task, adamSteps, position };
  return encodeCheckpointFile(tensors, header);
}

/**
 * The state in a checkpoint of this very task.
 * @throws InputError when the bytes are damaged, or belong to other options, pictures or backend.
 */
export function decodeGanCheckpoint(spec: GanSpec, task: string, bytes: Uint8Array): { state: GanState; position: GanPosition } {
  const { file, header, where } = decodeCheckpointFile(bytes, headerSchema, task, "pictures");
  const read = (network: Network) => {
    const layers = layersOf(spec, network);
    const moments = (moment: "m" | "v") => readMoments(parametersOf(layers), file, where, `${network}/${moment}/`);
    return {
      weights: readWeights(layers, file, where, `${network}/weights/`),
      adam: { step: header.adamSteps[network], m: moments("m"), v: moments("v") },
    };
  };
  const [g, d] = [read("generator"), read("discriminator")];
  return {
    state: { generator: g.weights, discriminator: d.weights, generatorAdam: g.adam, discriminatorAdam: d.adam },
    position: header.position,
  };
}

const adamOf = (state: GanState, network: Network): AdamState =>
  network === "generator" ? state.generatorAdam : state.discriminatorAdam;
