import type { ActionRecord } from "../schemas/records.ts";
import { canonicalJson } from "./canonicalJson.ts";
import { sha256 } from "./digest.ts";
import type { Digest } from "./store.ts";

/** Everything on which an action's outputs depend. */
export interface ActionIdentity {
  readonly kind: string;
  /** Raised when the same inputs would give other outputs than before. */
  readonly kindVersion: number;
  readonly params: ActionRecord["params"];
  /** Artifacts by input name. */
  readonly inputs: Readonly<Record<string, Digest>>;
  /** Of the arithmetic: two machines with one fingerprint compute the same bits. */
  readonly fingerprint: string;
  /** Number of the part, where the action is one part of a sharded step. */
  readonly part?: number;
}

/** SHA-256 over the canonical JSON of the identity: the name under which the action's record is found again. */
export function actionKey({ kind, kindVersion, params, inputs, fingerprint, part }: ActionIdentity): Digest {
  return sha256(canonicalJson({ kind, kindVersion, params, inputs, fingerprint, ...(part === undefined ? {} : { part }) }));
}

/** The key that a record's action must have. */
export function actionKeyOf({ inputs, ...record }: ActionRecord): Digest {
  const artifacts = Object.fromEntries(Object.entries(inputs).map(([name, { artifact }]) => [name, artifact as Digest]));
  return actionKey({ ...record, inputs: artifacts });
}
