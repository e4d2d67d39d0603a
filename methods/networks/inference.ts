import type { Backend } from "./backend.ts";
import { createForward, type Forward, parametersOf } from "./network.ts";
import type { NetworkSpec } from "./spec.ts";
import { folded, type Weights } from "./weights.ts";

/** Runs `use` with the network's forward pass for inference (normalisation folded), and frees the device's memory after it. */
export async function withInference<R>(
  spec: NetworkSpec,
  weights: Weights,
  backend: Backend,
  use: (forward: Forward) => R | Promise<R>,
): Promise<R> {
  const { tf } = backend;
  const inference = folded(spec, weights);
  const parameters = new Map(
    parametersOf(inference.spec).map(({ name, shape }) => [name, tf.tensor(inference.weights[name], [...shape])]),
  );
  try {
    return await use(createForward(inference.spec, parameters, backend));
  } finally {
    for (const tensor of parameters.values()) tensor.dispose();
  }
}
