import { canonicalJson } from "../artifacts/canonicalJson.ts";
import type { Digest } from "../artifacts/store.ts";
import type { ActionRecord } from "../schemas/records.ts";

/** What an action is to be; inputs that are not computed yet are undefined. */
export interface IntendedAction {
  readonly kind: string;
  readonly kindVersion: number;
  readonly params: ActionRecord["params"];
  readonly inputs: Readonly<Record<string, Digest | undefined>>;
  readonly fingerprint: string;
}

/** What differs from a record, a phrase for each kind, version, parameter, input and fingerprint. */
export function changesSince(record: ActionRecord, intended: IntendedAction): string[] {
  if (record.kind !== intended.kind) return [`uses ${intended.kind} instead of ${record.kind}`];
  const changes: string[] = [];
  if (record.kindVersion !== intended.kindVersion)
    changes.push(`version of ${record.kind} ${record.kindVersion} → ${intended.kindVersion}`);
  const before = leaves(record.params);
  const after = leaves(intended.params);
  for (const name of namesOf(before, after)) {
    const [old, now] = [before.get(name), after.get(name)];
    if (old !== now) changes.push(`parameter ${name} ${old ?? "absent"} → ${now ?? "absent"}`);
  }
  const inputsBefore = new Map(Object.entries(record.inputs).map(([name, { artifact }]) => [name, artifact]));
  const inputsAfter = new Map(Object.entries(intended.inputs));
  for (const name of namesOf(inputsBefore, inputsAfter)) {
    const old = inputsBefore.get(name);
    const now = inputsAfter.get(name);
    if (!inputsAfter.has(name)) changes.push(`input ${name} is no longer given`);
    else if (old === undefined) changes.push(`input ${name} is new`);
    else if (now !== undefined && old !== now) changes.push(`input ${name} ${old.slice(0, 12)} → ${now.slice(0, 12)}`);
  }
  if (record.fingerprint !== intended.fingerprint) changes.push(`numerics "${record.fingerprint}" → "${intended.fingerprint}"`);
  return changes;
}

/** Parameters by dotted name (`optimizer.adam.rate`), each as JSON; a list is one value. */
function leaves(params: ActionRecord["params"], prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(params)) {
    const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isMapping) found.set(prefix + name, canonicalJson(value));
    else for (const [inner, json] of leaves(value as ActionRecord["params"], `${prefix}${name}.`)) found.set(inner, json);
  }
  return found;
}

function namesOf(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort();
}
