import { type AdamState, createAdam } from "./adam.ts";
import type { Backend, Tensor4D } from "./backend.ts";
import { deviceWeights } from "./deviceWeights.ts";
import { withInference } from "./inference.ts";
import { createLoss, lossTargets } from "./loss.ts";
import { createForward, parametersOf } from "./network.ts";
import type { NetworkSpec } from "./spec.ts";
import type { TrainingOptions } from "./trainingOptions.ts";
import { batchesBySize, concatenated, type TrainingSample, type TrainingSet } from "./trainingSet.ts";
import type { Weights } from "./weights.ts";

/** A network on the device with its optimiser: what a training step changes. */
export interface Trainable {
  /** One step of Adam on the loss of some images of equal size; returns that loss. Nothing changes when it is not finite. */
  step(images: readonly TrainingSample[], rate: number): number;
  /** Steps taken, those before a resumption included. */
  steps(): number;
  weights(): Weights;
  adam(): AdamState;
  dispose(): void;
}

export function createTrainable(
  spec: NetworkSpec,
  start: Weights,
  options: Pick<TrainingOptions, "adam" | "loss">,
  backend: Backend,
  adamState?: AdamState,
): Trainable {
  const { tf } = backend;
  const device = deviceWeights(parametersOf(spec), start, backend);
  const adam = createAdam(backend, device.variables, options.adam, adamState);
  const forward = createForward(spec, device.variables, backend, device.collect);
  const lossOf = createLoss(backend, options.loss);

  return {
    step: (images, rate) =>
      tf.tidy(() => {
        const { x, targets, weights } = batchTensors(backend, images, spec, options.loss.classBalanced);
        const { value, grads } = tf.variableGrads(
          () => lossOf(asTargets(forward(x), targets), targets, weights),
          device.optimised,
        );
        const loss = value.dataSync<"float32">()[0];
        if (Number.isFinite(loss)) adam.apply(grads, rate);
        device.blend(Number.isFinite(loss));
        return loss;
      }),
    steps: () => adam.steps(),
    weights: device.weights,
    adam: () => adam.state(),
    dispose() {
      adam.dispose();
      device.dispose();
    },
  };
}

/** Mean loss over some samples as the network would predict them: unaugmented, with running statistics. */
export async function meanLoss(
  spec: NetworkSpec,
  weights: Weights,
  { batch, loss }: Pick<TrainingOptions, "batch" | "loss">,
  backend: Backend,
  samples: TrainingSet,
  indices: readonly number[],
): Promise<number> {
  const lossOf = createLoss(backend, loss);
  return withInference(spec, weights, backend, async (forward) => {
    let sum = 0;
    for (const members of batchesBySize(indices, batch, (index) => samples.entries[index].size)) {
      const images = await Promise.all(members.map(async (index) => samples.sample(index)));
      sum +=
        members.length *
        backend.tf.tidy(() => {
          const { x, targets, weights } = batchTensors(backend, images, spec, loss.classBalanced);
          return lossOf(asTargets(forward(x), targets), targets, weights).dataSync<"float32">()[0];
        });
    }
    return sum / indices.length;
  });
}

/** Logits in the targets' shape: the planes of a stack are one tall image. */
function asTargets(logits: readonly Tensor4D[], { shape }: Tensor4D): Tensor4D[] {
  return logits.map((output) => output.reshape(shape));
}

function batchTensors(
  { tf }: Backend,
  images: readonly TrainingSample[],
  { channels, planes = 1 }: NetworkSpec,
  classBalanced: boolean,
): Record<"x" | "targets" | "weights", Tensor4D> {
  const { size } = images[0];
  const pixels = concatenated(images.map((image) => image.pixels));
  const { targets, weights } = lossTargets(
    images.map(({ labels }) => labels),
    classBalanced,
  );
  const plane: [number, number, number, number] = [images.length, planes * size, size, 1];
  return {
    x: tf.tensor4d(pixels, [images.length * planes, size, size, channels]),
    targets: tf.tensor4d(targets, plane),
    weights: tf.tensor4d(weights, plane),
  };
}
