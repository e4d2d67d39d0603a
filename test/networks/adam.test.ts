import { describe, expect, it } from "vitest";
import { type AdamState, createAdam } from "../../methods/networks/adam.ts";
import { openBackend } from "../../methods/networks/backend.ts";

const node = await openBackend({ prefer: "node" });
const { tf } = node;
const options = { beta1: 0.9, beta2: 0.99, epsilon: 0.1, weightDecay: 0 };

/** Two numbers under Adam with gradient sin(step) · (1, −3); returns them and the optimiser's state. */
function run(
  backend: typeof node,
  from: number,
  to: number,
  start: number[],
  state?: AdamState,
  adamOptions = options,
): { values: number[]; state: AdamState } {
  tf.engine().startScope();
  const variable = tf.variable(tf.tensor1d(start));
  const adam = createAdam(backend, new Map([["a/kernel", variable]]), adamOptions, state);
  for (let t = from; t < to; t++) adam.apply({ [variable.name]: tf.tensor1d([Math.sin(t), -3 * Math.sin(t)]) }, 0.01);
  const result = { values: [...variable.dataSync()], state: adam.state() };
  adam.dispose();
  variable.dispose();
  tf.engine().endScope();
  return result;
}

/** Algorithm 1 of Kingma and Ba, in double precision. */
function algorithm1(steps: number, start: number, slope: number): number {
  let [theta, m, v] = [start, 0, 0];
  for (let t = 1; t <= steps; t++) {
    const g = slope * Math.sin(t - 1);
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    theta -= (0.01 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.99 ** t)) + 0.1);
  }
  return theta;
}

describe.each([
  ["fused", node],
  ["plain", { ...node, raw: false }],
])("Adam, %s", (_, backend) => {
  it("is Algorithm 1, with ε added to √v̂", () => {
    const { values } = run(backend, 0, 25, [1, -2]);
    expect(values[0]).toBeCloseTo(algorithm1(25, 1, 1), 5);
    expect(values[1]).toBeCloseTo(algorithm1(25, -2, -3), 5);
  });

  it("goes on from its state to the same bits", () => {
    const whole = run(backend, 0, 20, [1, -2]);
    const half = run(backend, 0, 9, [1, -2]);
    expect(run(backend, 9, 20, half.values, half.state)).toEqual(whole);
  });

  it("decays kernels by rate × decay before each step", () => {
    const { values } = run(backend, 0, 1, [1, -2], undefined, { ...options, weightDecay: 0.5 });
    expect(values[0]).toBeCloseTo(0.995, 6); // the first gradient is sin 0 = 0
  });

  it("frees its memory", () => {
    const before = tf.memory().numTensors;
    run(backend, 0, 3, [1, -2]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
