import { ApplicationFailure } from "@temporalio/activity";
import { actionKey } from "../artifacts/actionKey.ts";
import { codeIdentity, machineIdentity } from "../artifacts/identity.ts";
import { inParallel } from "../artifacts/inParallel.ts";
import { findAction, usableAction } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import type { Action, ActionResult } from "../schemas/messages.ts";
import type { ActionRecord } from "../schemas/records.ts";
import { kindOf } from "../schemas/stepKinds.ts";

/** The fingerprint that enters an action's key. */
export type FingerprintOf = (action: Pick<Action, "kind" | "numerics">) => Promise<string>;

/** The key under which an action's record is found: what it does to which bytes with which arithmetic. */
export function keyOf({ kind, version, params, inputs, part }: Action, fingerprint: string): Digest {
  const artifacts = Object.fromEntries(Object.entries(inputs).map(([name, ref]) => [name, ref.artifact as Digest]));
  return actionKey({ kind, kindVersion: version, params: kindOf(kind).keyParams(params), inputs: artifacts, fingerprint, part });
}

/** The result of an action whose record and outputs are in the store already, and can be read. */
export async function finished(store: Store, key: Digest): Promise<ActionResult | null> {
  const found = await usableAction(store, key);
  if (found === null) return null;
  return { record: found.digest, outputs: found.record.outputs, cached: true, summary: {} };
}

/** Records of all parts of a sharded action, in order. @throws when one is not there. */
export async function partRecords(
  store: Store,
  action: Action,
  total: number,
  fingerprint: string,
): Promise<{ digest: Digest; record: ActionRecord }[]> {
  return inParallel([...Array(total).keys()], async (part) => {
    const found = await findAction(store, keyOf({ ...action, part }, fingerprint));
    if (found === null)
      throw ApplicationFailure.nonRetryable(
        `part ${part} of ${total} of ${action.kind} has lost its record; retry makes it again`,
        "MissingPart",
      );
    return found;
  });
}

export interface ExecutedAction {
  readonly action: Action;
  readonly key: Digest;
  readonly fingerprint: string;
  readonly outputs: Record<string, Digest>;
  /** Records of the parts that this action put together. */
  readonly parts: Digest[];
  readonly started: Date;
  readonly attempt: number;
}

/** The provenance of an action that has just been carried out here. */
export function recordOf({ action, key, fingerprint, outputs, parts, started, attempt }: ExecutedAction): ActionRecord {
  const { kind, version, params, part, inputs } = action;
  return {
    type: "action-record",
    schemaVersion: 1,
    actionKey: key,
    kind,
    kindVersion: version,
    params: kindOf(kind).keyParams(params),
    ...(part === undefined ? {} : { part }),
    inputs,
    outputs,
    parts,
    fingerprint,
    code: codeIdentity(),
    machine: machineIdentity(),
    started: started.toISOString(),
    finished: new Date().toISOString(),
    attempt,
  };
}
