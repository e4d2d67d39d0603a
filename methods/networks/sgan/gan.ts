import { type AdamOptions, type AdamState, createAdam } from "../adam.ts";
import type { Backend, Scalar, Tensor, Tensor4D } from "../backend.ts";
import { deviceWeights } from "../deviceWeights.ts";
import type { Weights } from "../weights.ts";
import { createDiscriminator, createGenerator } from "./forward.ts";
import { createGanOps } from "./ganOps.ts";
import { type DiscriminatorSpec, discriminatorLayers, type GeneratorSpec, generatorLayers, parametersOf } from "./layers.ts";
import type { Pair } from "./pairs.ts";
import type { Perceptual } from "./perceptual.ts";

/** What a stage of the stacked GAN is made of. */
export interface GanSpec {
  readonly generator: GeneratorSpec;
  readonly discriminator: DiscriminatorSpec;
}

/** Factors of the generator's three losses. */
export interface LossWeights {
  readonly pixel: number;
  readonly perceptual: number;
  readonly adversarial: number;
}

/** Everything that a step changes. */
export interface GanState {
  readonly generator: Weights;
  readonly discriminator: Weights;
  readonly generatorAdam: AdamState;
  readonly discriminatorAdam: AdamState;
}

/** Losses of a step, unweighted; `total` is what the generator minimised. Null where a step has no such loss. */
export interface GanLosses {
  readonly total: number;
  readonly pixel: number;
  readonly perceptual: number | null;
  readonly adversarial: number | null;
  /** Of the discriminator, before its own step: 2 log 2 = 1.386 where it cannot tell. */
  readonly discriminator: number | null;
}

/** Generator and discriminator on the device with their optimisers. */
export interface Gan {
  /** One step of the generator on the pixel loss alone. Nothing changes when a loss is not finite. */
  pretrain(pairs: readonly Pair[], rate: number): GanLosses;
  /** One step of the discriminator, then one of the generator on all three losses. */
  compete(pairs: readonly Pair[], rate: number): GanLosses;
  state(): GanState;
  dispose(): void;
}

/**
 * A GAN that trains. The pixel loss is the mean squared error of grey values; the adversarial loss is −log D(G(x)) (SRGAN,
 * Eq. 6, as a mean); the discriminator minimises −log D(y) − log(1 − D(G(x))), with originals and generated patches in
 * batches of their own.
 */
export function createGan(
  spec: GanSpec,
  start: { generator: Weights; discriminator: Weights },
  { losses, adam: adamOptions }: { losses: LossWeights; adam: AdamOptions },
  perceptual: Perceptual | null,
  backend: Backend,
  resumed?: Pick<GanState, "generatorAdam" | "discriminatorAdam">,
): Gan {
  const { tf } = backend;
  const { meanSquare } = createGanOps(backend);
  const g = deviceWeights(parametersOf(generatorLayers(spec.generator)), start.generator, backend);
  const d = deviceWeights(parametersOf(discriminatorLayers(spec.discriminator)), start.discriminator, backend);
  const adamOf = {
    g: createAdam(backend, g.variables, adamOptions, resumed?.generatorAdam),
    d: createAdam(backend, d.variables, adamOptions, resumed?.discriminatorAdam),
  };
  const drop = (_layer: string, mean: Tensor, variance: Tensor): void => void [mean.dispose(), variance.dispose()];
  const generate = createGenerator(spec.generator, g.variables, backend, { onMoments: g.collect });
  const generateOnly = createGenerator(spec.generator, g.variables, backend, { onMoments: drop, frozen: true });
  const tell = createDiscriminator(spec.discriminator, d.variables, backend, { onMoments: d.collect });
  const judge = createDiscriminator(spec.discriminator, d.variables, backend, {
    onMoments: drop,
    frozen: true,
    inputGradient: true,
  });
  /** Mean of −log σ(x) where `isOriginal`, else of −log(1 − σ(x)). */
  const entropy = (logits: Tensor, isOriginal: boolean): Scalar => tf.softplus(isOriginal ? logits.neg() : logits).mean();
  const number = (scalar: Tensor): number => scalar.dataSync<"float32">()[0];
  /** `tidy` for what is no tensor. */
  const tidied = (step: () => GanLosses): GanLosses => {
    let losses: GanLosses | undefined;
    tf.tidy(() => {
      losses = step();
    });
    return losses!;
  };

  return {
    pretrain: (pairs, rate) =>
      tidied(() => {
        const { x, y } = batchOf(backend, pairs, spec.discriminator.patch);
        const { value, grads } = tf.variableGrads(() => meanSquare(generate(x), y), g.optimised);
        const pixel = number(value);
        if (Number.isFinite(pixel)) adamOf.g.apply(grads, rate);
        g.blend(Number.isFinite(pixel));
        return { total: pixel, pixel, perceptual: null, adversarial: null, discriminator: null };
      }),

    compete: (pairs, rate) =>
      tidied(() => {
        const { x, y } = batchOf(backend, pairs, spec.discriminator.patch);
        const discriminator = tf.tidy(() => {
          const generated = generateOnly(x);
          const cost = (): Scalar => entropy(tell(y), true).add(entropy(tell(generated), false));
          const { value, grads } = tf.variableGrads(cost, d.optimised);
          const loss = number(value);
          if (Number.isFinite(loss)) adamOf.d.apply(grads, rate);
          d.blend(Number.isFinite(loss));
          return loss;
        });
        const parts: Record<"pixel" | "perceptual" | "adversarial", number> = { pixel: 0, perceptual: 0, adversarial: 0 };
        const cost = (): Scalar => {
          const made = generate(x);
          const pixel = meanSquare(made, y);
          const adversarial = entropy(judge(made), true);
          const seen = perceptual?.distance(made, y);
          Object.assign(parts, { pixel: number(pixel), adversarial: number(adversarial), perceptual: seen && number(seen) });
          const sum = pixel.mul<Scalar>(losses.pixel).add<Scalar>(adversarial.mul(losses.adversarial));
          return seen === undefined ? sum : sum.add(seen.mul(losses.perceptual));
        };
        const { value, grads } = tf.variableGrads(cost, g.optimised);
        const total = number(value);
        const counts = Number.isFinite(total) && Number.isFinite(discriminator);
        if (counts) adamOf.g.apply(grads, rate);
        g.blend(counts);
        return { total, ...parts, perceptual: perceptual === null ? null : parts.perceptual, discriminator };
      }),

    state: () => ({
      generator: g.weights(),
      discriminator: d.weights(),
      generatorAdam: adamOf.g.state(),
      discriminatorAdam: adamOf.d.state(),
    }),

    dispose() {
      adamOf.g.dispose();
      adamOf.d.dispose();
      g.dispose();
      d.dispose();
    },
  };
}

function batchOf({ tf }: Backend, pairs: readonly Pair[], patch: number): Record<"x" | "y", Tensor4D> {
  const of = (side: keyof Pair): Tensor4D => {
    const pixels = new Float32Array(pairs.length * patch * patch);
    pairs.forEach((pair, i) => pixels.set(pair[side], i * patch * patch));
    return tf.tensor4d(pixels, [pairs.length, patch, patch, 1]);
  };
  return { x: of("input"), y: of("target") };
}
