/** Networks on drawn pictures, ready to take steps; the same ones in every process. */
import type { z } from "zod";
import type { Backend } from "../../methods/networks/backend.ts";
import { createGan, type Gan } from "../../methods/networks/sgan/gan.ts";
import {
  discriminatorLayers,
  discriminatorSpecSchema,
  type GeneratorSpec,
  generatorLayers,
  generatorSpecSchema,
  initialWeights as initialGanWeights,
} from "../../methods/networks/sgan/layers.ts";
import { type NetworkSpec, networkSpecSchema } from "../../methods/networks/spec.ts";
import { createTrainable, type Trainable } from "../../methods/networks/trainable.ts";
import { trainingOptionsSchema } from "../../methods/networks/trainingOptions.ts";
import type { TrainingSample } from "../../methods/networks/trainingSet.ts";
import { initialWeights, type Weights } from "../../methods/networks/weights.ts";
import { randomStream } from "../../methods/random.ts";

export interface SegmentationCase {
  readonly title: string;
  readonly spec: z.input<typeof networkSpecSchema>;
  readonly size: number;
  readonly batch: number;
}

export interface GeneratorCase {
  readonly title: string;
  readonly width: number;
  readonly blocks: number;
  readonly norm: "none" | "batch";
  readonly patch: number;
  readonly batch: number;
}

export interface SegmentationInUse {
  readonly network: NetworkSpec;
  readonly weights: Weights;
  readonly images: readonly TrainingSample[];
  readonly trainable: Trainable;
}

export function segmentationOf({ spec, size, batch }: SegmentationCase, backend: Backend): SegmentationInUse {
  const network = networkSpecSchema.parse(spec);
  const random = randomStream(1, "bench");
  const images = Array.from(
    { length: batch },
    (_, i): TrainingSample => ({
      id: String(i),
      size,
      pixels: Float32Array.from({ length: size * size * network.channels }, () => random.normal()),
      labels: Uint8Array.from({ length: size * size }, () => random.integer(2)),
    }),
  );
  const weights = initialWeights(network, 1);
  return {
    network,
    weights,
    images,
    trainable: createTrainable(network, weights, trainingOptionsSchema.parse({ seed: 1 }), backend),
  };
}

export interface GeneratorInUse {
  readonly generator: GeneratorSpec;
  readonly weights: Weights;
  readonly pairs: readonly { readonly input: Float32Array; readonly target: Float32Array }[];
  readonly gan: Gan;
  /** Grey levels of a square picture. */
  greys(side: number): Float32Array;
}

/** A generator that learns on the pixel loss alone. */
export function generatorOf({ width, blocks, norm, patch, batch }: GeneratorCase, backend: Backend): GeneratorInUse {
  const spec = {
    generator: generatorSpecSchema.parse({ width, blocks, norm }),
    discriminator: discriminatorSpecSchema.parse({ patch, width: 1 / 16 }),
  };
  const random = randomStream(1, "bench");
  const greys = (side: number): Float32Array => Float32Array.from({ length: side * side }, () => random.uniform());
  const pairs = Array.from({ length: batch }, () => ({ input: greys(patch), target: greys(patch) }));
  const start = {
    generator: initialGanWeights(generatorLayers(spec.generator), 1, "g"),
    discriminator: initialGanWeights(discriminatorLayers(spec.discriminator), 1, "d"),
  };
  const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  const gan = createGan(spec, start, { losses: { pixel: 1, perceptual: 0, adversarial: 0 }, adam }, null, backend);
  return { generator: spec.generator, weights: start.generator, pairs, gan, greys };
}
