import type { Backend, NamedTensorMap, Tensor, Variable } from "./backend.ts";
import { rawTensorFlow } from "./rawTensorFlow.ts";

/** Hyperparameters of Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019). */
export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Share of a kernel that decays per step and unit of rate; biases and normalisation do not decay. */
  readonly weightDecay: number;
}

/** First and second moments by parameter name, and the number of steps taken. */
export interface AdamState {
  readonly step: number;
  readonly m: Readonly<Record<string, Float32Array>>;
  readonly v: Readonly<Record<string, Float32Array>>;
}

export interface Adam {
  /** One step on all variables: Algorithm 1 of Kingma and Ba, ε as there (added to √v̂). Gradients by `variable.name`. */
  apply(gradients: NamedTensorMap, rate: number): void;
  /** Steps taken, those before a resumption included. */
  steps(): number;
  state(): AdamState;
  dispose(): void;
}

/** Moments of one variable, on the device. */
interface Moments {
  update(gradient: Tensor, rate: number, step: number): void;
  read(): { m: Float32Array; v: Float32Array };
  dispose(): void;
}

/**
 * Adam on the given variables, from `state` or from zero. On TensorFlow each variable is updated in place by one kernel.
 * The step counter is its own, so that a resumed run repeats an undisturbed one byte for byte.
 */
export function createAdam(
  backend: Backend,
  variables: ReadonlyMap<string, Variable>,
  options: AdamOptions,
  state?: AdamState,
): Adam {
  const { tf } = backend;
  let step = state?.step ?? 0;
  const create = backend.raw ? fusedMoments : plainMoments;
  const optimised = [...variables].map(([name, variable]) => {
    const from = (saved: Float32Array | undefined): Tensor =>
      saved === undefined ? tf.zerosLike(variable) : tf.tensor(saved, variable.shape);
    const decays = options.weightDecay > 0 && name.endsWith("/kernel");
    return { name, variable, decays, moments: create(backend, variable, options, from(state?.m[name]), from(state?.v[name])) };
  });
  return {
    apply(gradients, rate) {
      step++;
      for (const { variable, decays, moments } of optimised) {
        tf.tidy(() => {
          if (decays) variable.assign(variable.mul(1 - rate * options.weightDecay));
          moments.update(gradients[variable.name], rate, step);
        });
      }
    },
    steps: () => step,
    state() {
      const read = optimised.map(({ name, moments }) => ({ name, ...moments.read() }));
      return {
        step,
        m: Object.fromEntries(read.map(({ name, m }) => [name, m])),
        v: Object.fromEntries(read.map(({ name, v }) => [name, v])),
      };
    },
    dispose: () => optimised.forEach(({ moments }) => moments.dispose()),
  };
}

let resources = 0;

/** `ResourceApplyAdam`. TensorFlow adds ε to √v (not √v̂), so ε is scaled to mean the same. */
function fusedMoments(
  backend: Backend,
  variable: Variable,
  { beta1, beta2, epsilon }: AdamOptions,
  m: Tensor,
  v: Tensor,
): Moments {
  const { tf } = backend;
  const raw = rawTensorFlow(backend);
  const dtype = raw.float("dtype");
  const resource = (start: Tensor): Tensor => {
    const handle = raw.execute(
      "VarHandleOp",
      [raw.text("container", ""), raw.text("shared_name", `adam-${resources++}`), dtype, raw.shape("shape", variable.shape)],
      [],
    );
    raw.executeAll("AssignVariableOp", [dtype], [handle, start], 0);
    return tf.keep(handle);
  };
  const read = (handle: Tensor): Tensor => raw.execute("ReadVariableOp", [dtype], [handle]);
  const values = (handle: Tensor): Float32Array => tf.tidy(() => read(handle).dataSync<"float32">().slice());
  const handles = tf.tidy(() => [variable, m, v].map(resource));
  m.dispose();
  v.dispose();
  const attributes = [raw.float("T"), raw.bool("use_locking", false), raw.bool("use_nesterov", false)];
  return {
    update(gradient, rate, step) {
      const [power1, power2] = [beta1 ** step, beta2 ** step];
      const scalars = [power1, power2, rate, beta1, beta2, epsilon * Math.sqrt(1 - power2)].map((value) => tf.scalar(value));
      raw.executeAll("AssignVariableOp", [dtype], [handles[0], variable], 0);
      raw.executeAll("ResourceApplyAdam", attributes, [...handles, ...scalars, gradient], 0);
      variable.assign(read(handles[0]));
    },
    read: () => ({ m: values(handles[1]), v: values(handles[2]) }),
    dispose() {
      for (const handle of handles) {
        raw.executeAll("DestroyResourceOp", [raw.bool("ignore_lookup_error", false)], [handle], 0);
        handle.dispose();
      }
    },
  };
}

function plainMoments(
  { tf }: Backend,
  variable: Variable,
  { beta1, beta2, epsilon }: AdamOptions,
  m: Tensor,
  v: Tensor,
): Moments {
  const state = { m: tf.variable(m, false), v: tf.variable(v, false) };
  m.dispose();
  v.dispose();
  return {
    update(gradient, rate, step) {
      state.m.assign(state.m.mul(beta1).add(gradient.mul(1 - beta1)));
      state.v.assign(state.v.mul(beta2).add(gradient.square().mul(1 - beta2)));
      const corrected = Math.sqrt(1 - beta2 ** step);
      const change = state.m.mul((rate * corrected) / (1 - beta1 ** step)).div(state.v.sqrt().add(epsilon * corrected));
      variable.assign(variable.sub(change));
    },
    read: () => ({ m: state.m.dataSync<"float32">().slice(), v: state.v.dataSync<"float32">().slice() }),
    dispose() {
      state.m.dispose();
      state.v.dispose();
    },
  };
}
