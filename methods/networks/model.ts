import { z } from "zod";
import { InputError } from "../inputError.ts";
import { isImageChannel, preprocessingSchema, requireMatchingInput } from "./preprocess.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { networkSpecSchema } from "./spec.ts";
import { epochRecordSchema, trainingOptionsSchema } from "./trainingOptions.ts";
import { readWeights, type Weights, weightTensors } from "./weights.ts";

/** A model without its numbers: `model.json`. */
const modelCardSchema = z.strictObject({
  format: z.literal("recist3d-model/1"),
  spec: networkSpecSchema,
  preprocessing: preprocessingSchema,
  /** How the weights were trained; null when they came from elsewhere. */
  training: z.strictObject({ options: trainingOptionsSchema, history: z.array(epochRecordSchema) }).nullable(),
});
export type ModelCard = Omit<z.infer<typeof modelCardSchema>, "format">;

/** A network that can predict: f(X; θ), and how X is made. */
export interface Model extends ModelCard {
  readonly weights: Weights;
}

/** The files of a model; the bytes are a pure function of the model. */
export interface ModelFiles {
  readonly "model.json": Buffer;
  readonly "weights.safetensors": Buffer;
}

export function encodeModel({ spec, preprocessing, training, weights }: Model): ModelFiles {
  // Parsing puts the keys into the schema's order.
  const card = modelCardSchema.parse({ format: "recist3d-model/1", spec, preprocessing, training });
  return {
    "model.json": Buffer.from(`${JSON.stringify(card, null, 2)}\n`),
    "weights.safetensors": encodeSafetensors(weightTensors(spec, weights)),
  };
}

/** @throws InputError when a file is missing, damaged, or does not fit the other. */
export function decodeModel(files: Readonly<Record<string, Uint8Array>>, where: string): Model {
  const file = (name: keyof ModelFiles): Uint8Array => {
    if (!Object.hasOwn(files, name))
      throw new InputError(`${name} is missing`, where, "a model has model.json and weights.safetensors");
    return files[name];
  };
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(file("model.json")).toString());
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError("is not valid JSON", `${where}/model.json`, undefined, { cause: error });
  }
  const card = modelCardSchema.safeParse(json);
  if (!card.success) throw new InputError(z.prettifyError(card.error), `${where}/model.json`);
  const { spec, preprocessing, training } = card.data;
  requireMatchingInput(spec, preprocessing, `${where}/model.json`);
  const inWeights = `${where}/weights.safetensors`;
  return {
    spec,
    preprocessing,
    training,
    weights: readWeights(spec, decodeSafetensors(file("weights.safetensors"), inWeights), inWeights),
  };
}

/**
 * Channels that show marks are 0 where there are none. A network that never learned from such samples answers something,
 * but nobody knows what.
 *
 * @throws InputError for a network with such channels whose training had no samples without marks, or says nothing of it.
 */
export function requireWithoutMarks({ preprocessing, training }: Pick<Model, "preprocessing" | "training">, where: string): void {
  const shown = preprocessing.channels.filter((name) => !isImageChannel(name));
  if (shown.length === 0 || (training !== null && training.options.augmentation.marks.absent > 0)) return;
  throw new InputError(
    `the model is shown the marks (${shown.join(", ")}) and ${training === null ? "does not say whether it" : "never"} learned to do without`,
    where,
    "give --marks, or a model trained with samples without marks (augment.marks.absent, as in pipelines/real-ct.yaml)",
  );
}
