import type { Digest } from "../artifacts/store.ts";
import type { Action, ActionProgress } from "../schemas/messages.ts";

/** Worker → compute process. */
export type ComputeRequest =
  | { readonly type: "run"; readonly action: Action; readonly key: Digest }
  | { readonly type: "gather"; readonly action: Action; readonly key: Digest; readonly parts: readonly Record<string, Digest>[] }
  | { readonly type: "fingerprint" };

/** Compute process → worker. Between replies it says that it is alive, so that a frozen one is told from a busy one. */
export type ComputeReply =
  | { readonly type: "alive" }
  | { readonly type: "progress"; readonly progress: ActionProgress }
  | { readonly type: "done"; readonly result: unknown }
  | { readonly type: "failed"; readonly error: SerializedError };

/** How often a compute process says that it is alive, in ms, unless a computation keeps it busy. */
export const ALIVE_EVERY_MS = 2000;

export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}
