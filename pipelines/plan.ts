import { actionKey } from "../artifacts/actionKey.ts";
import type { Digest } from "../artifacts/store.ts";
import type { CompiledPipeline, CompiledStep } from "../schemas/pipeline.ts";
import type { ActionRecord } from "../schemas/records.ts";
import { keyParams } from "../schemas/stepKinds.ts";
import { changesSince } from "./changes.ts";
import { sourcesOf } from "./order.ts";

/**
 * cached: its record is there, with every output that anybody needs. to-run: it has to be computed. unknown: what it reads
 * is not computed yet, or only a step in that state may need it. pruned: nobody needs it.
 */
export type PlannedState = "cached" | "to-run" | "unknown" | "pruned";

export interface PlannedStep {
  readonly name: string;
  readonly state: PlannedState;
  /** Absent as long as an input is not known. */
  readonly key?: Digest;
  /** What its record says it gave, whether or not the bytes are still there. */
  readonly outputs?: Readonly<Record<string, Digest>>;
  /** The reason for the state, in words. */
  readonly why: string;
}

export interface Plan {
  readonly pipeline: string;
  /** In the order of the compiled pipeline. */
  readonly steps: readonly PlannedStep[];
}

/** What a plan is made from. */
export interface PlanSources {
  /** The record of the action with this key, or null. */
  lookup(key: Digest): Promise<ActionRecord | null>;
  /** Whether the artifact's manifest and all its blobs are in the store. */
  present(artifact: Digest): Promise<boolean>;
  /** Digest of what lies at the paths in a step's parameters. */
  sourceDigest(step: CompiledStep): Promise<Digest>;
  fingerprint(numerics: CompiledStep["numerics"]): string;
  /** The record with which the step was finished last, whatever its key was then: `why` is told against it. */
  latest?(step: string): Promise<ActionRecord | null>;
}

/** The input under which the content of a step's paths enters its key. */
const SOURCE_INPUT = "source";

/** Name of a wire's artifact among an action's inputs: `lesions`, or `predictions:HNN` where an input takes several. */
export function inputName(input: string, name: string | undefined): string {
  return name === undefined ? input : `${input}:${name}`;
}

/**
 * Says for every step whether it is there already, from action keys alone. Keys are followed from the sources down
 * through the records; need is followed from the wanted steps up: a step whose outputs are gone runs only when a step that
 * reads them has to run, and a step is never run to feed one that is cached.
 */
export async function planPipeline(pipeline: CompiledPipeline, sources: PlanSources): Promise<Plan> {
  const found = new Map<string, Found>();
  for (const step of pipeline.steps) found.set(step.name, await find(step, found, sources));

  const needs = new Map<string, Map<string, Need>>();
  const planned: PlannedStep[] = [];
  for (const step of [...pipeline.steps].reverse()) {
    const { key, record, inputs } = found.get(step.name)!;
    const needed = pipeline.wanted.includes(step.name) ? "all" : needs.get(step.name);
    const gone = record === null ? new Map<string, Need>() : await missing(record, needed, sources);
    const { state, why } = decide(needed !== undefined, record !== null, key !== undefined, gone);
    if (needed !== undefined && state !== "cached") {
      for (const wire of Object.values(step.inputs).flat())
        need(needs, wire.step, wire.output, state === "to-run" ? "certain" : "possible");
    }
    planned.push({
      name: step.name,
      state,
      ...(key === undefined ? {} : { key }),
      ...(record === null ? {} : { outputs: record.outputs as Record<string, Digest> }),
      why: why ?? (await whyNew(step, inputs, found, sources)),
    });
  }
  return { pipeline: pipeline.name, steps: planned.reverse() };
}

type Need = "certain" | "possible";

interface Found {
  /** Digests by input name; undefined where a step upstream has no record. */
  readonly inputs: Readonly<Record<string, Digest | undefined>>;
  readonly key?: Digest;
  readonly record: ActionRecord | null;
}

async function find(step: CompiledStep, found: ReadonlyMap<string, Found>, sources: PlanSources): Promise<Found> {
  const inputs: Record<string, Digest | undefined> = {};
  for (const [input, wires] of Object.entries(step.inputs)) {
    for (const { name, step: from, output } of wires) {
      inputs[inputName(input, name)] = found.get(from)!.record?.outputs[output] as Digest | undefined;
    }
  }
  if (step.external.length > 0) inputs[SOURCE_INPUT] = await sources.sourceDigest(step);
  if (!allKnown(inputs)) return { inputs, record: null };
  const { kind, version, numerics } = step;
  const key = actionKey({
    kind,
    kindVersion: version,
    params: keyParams(step.params, step.external),
    inputs,
    fingerprint: sources.fingerprint(numerics),
  });
  return { inputs, key, record: await sources.lookup(key) };
}

function allKnown(inputs: Readonly<Record<string, Digest | undefined>>): inputs is Record<string, Digest> {
  return Object.values(inputs).every((digest) => digest !== undefined);
}

/** Outputs that are needed, or all of them if nobody says which, and are not in the store. */
async function missing(
  record: ActionRecord,
  needed: ReadonlyMap<string, Need> | "all" | undefined,
  { present }: PlanSources,
): Promise<Map<string, Need>> {
  const asked =
    needed instanceof Map ? [...needed] : Object.keys(record.outputs).map((output): [string, Need] => [output, "certain"]);
  const gone = new Map<string, Need>();
  for (const [output, need] of asked) {
    const digest = record.outputs[output];
    if (digest === undefined || !(await present(digest as Digest))) gone.set(output, need);
  }
  return gone;
}

/** `why` is left open where it takes a comparison with the latest record. */
function decide(
  needed: boolean,
  recorded: boolean,
  keyed: boolean,
  gone: ReadonlyMap<string, Need>,
): { state: PlannedState; why?: string } {
  if (recorded && gone.size === 0) return { state: "cached", why: "nothing changed since its record" };
  if (!needed) return { state: "pruned", why: "every step that reads it is cached or not needed itself" };
  if (!recorded) return { state: keyed ? "to-run" : "unknown" };
  const lost = `no longer in the store: ${[...gone.keys()].join(", ")}`;
  if ([...gone.values()].includes("certain")) return { state: "to-run", why: lost };
  return { state: "unknown", why: `${lost}; computed again only if a step that reads it has to run` };
}

function need(needs: Map<string, Map<string, Need>>, step: string, output: string, how: Need): void {
  const outputs = needs.get(step) ?? new Map<string, Need>();
  needs.set(step, outputs);
  if (outputs.get(output) !== "certain") outputs.set(output, how);
}

const MAX_NAMED = 4;

async function whyNew(
  step: CompiledStep,
  inputs: Found["inputs"],
  found: ReadonlyMap<string, Found>,
  sources: PlanSources,
): Promise<string> {
  const latest = (await sources.latest?.(step.name)) ?? null;
  const waits = sourcesOf(step).filter((name) => found.get(name)!.record === null);
  const more = waits.length > MAX_NAMED ? ` and ${waits.length - MAX_NAMED} more` : "";
  const waiting = waits.length === 0 ? [] : [`waits for ${waits.slice(0, MAX_NAMED).join(", ")}${more}`];
  if (latest === null) return waiting.length > 0 ? waiting[0] : "no record of this action";
  const changes = changesSince(latest, {
    kind: step.kind,
    kindVersion: step.version,
    params: keyParams(step.params, step.external),
    inputs,
    fingerprint: sources.fingerprint(step.numerics),
  });
  return [...waiting, ...changes].join("; ") || "nothing changed, but its record is gone";
}
