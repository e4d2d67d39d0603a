import { z } from "zod";
import { InputError } from "../../inputError.ts";
import { decodeSafetensors, encodeSafetensors } from "../safetensors.ts";
import type { Weights } from "../weights.ts";
import {
  discriminatorLayers,
  discriminatorSpecSchema,
  generatorLayers,
  generatorSpecSchema,
  readWeights,
  weightTensors,
} from "./layers.ts";
import { enhancerOptionsSchema, enhancerRecordSchema } from "./trainingOptions.ts";

/** An enhancer without its numbers: `enhancer.json`. */
const cardSchema = z.strictObject({
  format: z.literal("recist3d-enhancer/1"),
  stage: z.enum(["denoise", "enhance"]),
  generator: generatorSpecSchema,
  discriminator: discriminatorSpecSchema,
  /** Network of the perceptual loss: fixed random weights, an artifact's, or a file's; null where there was no such loss. */
  features: z.strictObject({ origin: z.enum(["random", "model", "file"]), width: z.number(), layer: z.string() }).nullable(),
  training: z.strictObject({
    options: enhancerOptionsSchema,
    /** Pictures that crops were drawn from, and curated slices among them. */
    photographs: z.int().nonnegative(),
    slices: z.int().nonnegative(),
    history: z.array(enhancerRecordSchema),
  }),
});
export type EnhancerCard = Omit<z.output<typeof cardSchema>, "format">;

/** One stage of the stacked GAN: G1 with D1 (denoise), or G2 with D2 (enhance). */
export interface Enhancer extends EnhancerCard {
  readonly weights: { readonly generator: Weights; readonly discriminator: Weights };
}

/** The files of an enhancer; the bytes are a pure function of it. */
export interface EnhancerFiles {
  readonly "enhancer.json": Buffer;
  readonly "weights.safetensors": Buffer;
}

export function encodeEnhancer({ weights, ...card }: Enhancer): EnhancerFiles {
  // Parsing puts the keys into the schema's order.
  const ordered = cardSchema.parse({ format: "recist3d-enhancer/1", ...card });
  return {
    "enhancer.json": Buffer.from(`${JSON.stringify(ordered, null, 2)}\n`),
    "weights.safetensors": encodeSafetensors({
      ...weightTensors(generatorLayers(card.generator), weights.generator, "generator/"),
      ...weightTensors(discriminatorLayers(card.discriminator), weights.discriminator, "discriminator/"),
    }),
  };
}

/** @throws InputError when a file is damaged, or does not fit the other. */
export function decodeEnhancer(files: EnhancerFiles, where: string): Enhancer {
  let json: unknown;
  try {
    json = JSON.parse(files["enhancer.json"].toString());
  } catch (error) {
    throw new InputError("is not valid JSON", `${where}/enhancer.json`, undefined, { cause: error });
  }
  const parsed = cardSchema.safeParse(json);
  if (!parsed.success) throw new InputError(z.prettifyError(parsed.error), `${where}/enhancer.json`);
  const { format: _format, ...card } = parsed.data;
  const inWeights = `${where}/weights.safetensors`;
  const file = decodeSafetensors(files["weights.safetensors"], inWeights);
  return {
    ...card,
    weights: {
      generator: readWeights(generatorLayers(card.generator), file, inWeights, "generator/"),
      discriminator: readWeights(discriminatorLayers(card.discriminator), file, inWeights, "discriminator/"),
    },
  };
}
