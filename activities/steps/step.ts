import type { Digest, Store } from "../../artifacts/store.ts";
import type { Backend } from "../../methods/networks/backend.ts";
import type { Action, ActionProgress } from "../../schemas/messages.ts";

/** Output artifacts by name, with small figures for the progress view. */
export interface StepResult {
  outputs: Record<string, Digest>;
  summary?: Record<string, number | string>;
}

/** What a step's body may touch besides its arguments. */
export interface StepContext {
  readonly store: Store;
  /** Aborted when the action is cancelled; long loops check it. */
  readonly signal: AbortSignal;
  progress(progress: ActionProgress): void;
  /** The network backend of this process, loaded on first use. */
  backend(): Promise<Backend>;
  readonly checkpoints: Checkpoints;
}

/** Durable checkpoints of one action: the newest survives the death of the process. */
export interface Checkpoints {
  /**
   * Bytes of the newest checkpoint that can be read, or null when there is none yet.
   * @throws LostCheckpointError when those that are recorded are missing or damaged
   */
  latest(): Promise<Buffer | null>;
  save(bytes: Uint8Array): Promise<Digest>;
}

/** An action with its parameters parsed by the kind's schema. */
export interface StepInput<P> {
  readonly params: P;
  readonly inputs: Action["inputs"];
  readonly part?: number;
}

/** How a step kind is carried out. Bodies run in a compute process, never in the worker itself. */
export interface StepBody<P = never> {
  /** Sharded kinds: the number of parts. Cheap: it runs in the worker. */
  parts?(context: Pick<StepContext, "store">, input: StepInput<P>): Promise<number>;
  /** The work: all of it, or one part. */
  run(context: StepContext, input: StepInput<P>): Promise<StepResult>;
  /** Sharded kinds: puts the parts' outputs together, in order. */
  gather?(context: StepContext, input: StepInput<P>, parts: readonly Record<string, Digest>[]): Promise<StepResult>;
}

/** The artifacts of an input that takes several, by name: "predictions:HNN" → HNN. */
export function namedInputs(inputs: Action["inputs"], input: string): Action["inputs"] {
  const prefix = `${input}:`;
  const named = Object.entries(inputs).flatMap(([key, ref]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), ref] as const] : key === input ? [[input, ref] as const] : [],
  );
  return Object.fromEntries(named);
}
