import type { Digest } from "../artifacts/store.ts";
import type { Action, ActionProgress } from "../schemas/messages.ts";

/** Worker → compute process. */
export type ComputeRequest =
  | { readonly type: "run"; readonly action: Action; readonly key: Digest }
  | { readonly type: "gather"; readonly action: Action; readonly key: Digest; readonly parts: readonly Record<string, Digest>[] }
  | { readonly type: "fingerprint" };

/** Compute process → worker. */
export type ComputeReply =
  | { readonly type: "progress"; readonly progress: ActionProgress }
  | { readonly type: "done"; readonly result: unknown }
  | { readonly type: "failed"; readonly error: SerializedError };

export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}
