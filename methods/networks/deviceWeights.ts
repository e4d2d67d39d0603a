import type { Backend, Tensor, Variable } from "./backend.ts";
import type { Weights } from "./weights.ts";

/** A tensor of a network; what is not trainable is a running statistic. */
interface DeviceParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
}

/** Share of the old running mean and variance that is kept at every step. */
const MOMENTUM = 0.9;

/** Weights on the device that are changed by steps, and the running statistics `<layer>/mean`, `<layer>/variance` of layers that normalise. */
export function deviceWeights(parameters: readonly DeviceParameter[], start: Weights, { tf }: Backend) {
  const variables = new Map<string, Variable>();
  const statistics = new Map<string, Float32Array>();
  for (const { name, shape, trainable } of parameters) {
    if (trainable)
      variables.set(
        name,
        tf.tidy(() => tf.variable(tf.tensor(start[name], [...shape]))),
      );
    else statistics.set(name, start[name].slice());
  }
  let collected: { layer: string; mean: Tensor; variance: Tensor }[] = [];
  const update = (name: string, seen: Tensor): void => {
    const running = statistics.get(name)!;
    seen.dataSync<"float32">().forEach((value, i) => {
      running[i] = MOMENTUM * running[i] + (1 - MOMENTUM) * value;
    });
  };
  return {
    variables,
    optimised: [...variables.values()],
    collect: (layer: string, mean: Tensor, variance: Tensor): void => void collected.push({ layer, mean, variance }),
    /** Moves the running statistics by what was collected (unless the step is void), and frees it. */
    blend(counts: boolean): void {
      for (const { layer, mean, variance } of collected) {
        if (counts) {
          update(`${layer}/mean`, mean);
          update(`${layer}/variance`, variance);
        }
        mean.dispose();
        variance.dispose();
      }
      collected = [];
    },
    weights: (): Weights =>
      Object.fromEntries(
        parameters.map(({ name }) => [name, variables.get(name)?.dataSync<"float32">().slice() ?? statistics.get(name)!.slice()]),
      ),
    dispose: (): void => variables.forEach((variable) => variable.dispose()),
  };
}
