import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { fingerprintFor } from "../../activities/ledger.ts";
import { putSource } from "../../activities/sources.ts";
import { openStore } from "../../artifacts/openStore.ts";
import { artifactsUsable, getRecord, orLost, readableAction } from "../../artifacts/records.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { graphSvg, graphText } from "../../pipelines/graph.ts";
import { latestPointer } from "../../pipelines/latest.ts";
import { loadPipeline } from "../../pipelines/load.ts";
import { suggest } from "../../pipelines/nearest.ts";
import { type Plan, type PlannedStep, planPipeline } from "../../pipelines/plan.ts";
import { digestSchema } from "../../schemas/digest.ts";
import type { CompiledPipeline } from "../../schemas/pipeline.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import { collectSetting, printJson, say } from "../output.ts";

interface PlanOptions {
  set: Record<string, string>;
  graph?: string;
  why?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("plan")
    .description("show a pipeline's steps and which of them would run")
    .argument("<pipeline>", "YAML file")
    .option("--set <key=value>", "set a parameter of the pipeline (repeatable)", collectSetting, {})
    .option("--graph <file>", "write the steps as SVG (- for stdout)")
    .option("--why <step>", "say only why this step would run, or not")
    .option("--json", "print one JSON document")
    .action(plan);
}

async function plan(file: string, { set, graph, why, json }: PlanOptions): Promise<void> {
  if (graph === "-" && (json || why !== undefined))
    throw new InputError("--graph - takes stdout for itself", undefined, "name a file");
  const pipeline = await loadPipeline(file, set);
  const asked = why === undefined ? undefined : stepsCalled(why, pipeline);
  const planned = await planHere(pipeline, await openStore());
  if (graph === "-") process.stdout.write(graphSvg(pipeline, planned));
  else if (graph !== undefined) {
    await writeFile(graph, graphSvg(pipeline, planned)).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(`cannot be written (${error.code})`, graph, "name a file in a folder that exists");
    });
    say(`graph: ${graph}`);
  }
  const steps = planned.steps.filter(({ name }) => asked === undefined || asked.includes(name));
  if (json)
    printJson({
      pipeline: pipeline.name,
      source: pipeline.source,
      params: pipeline.params,
      wanted: pipeline.wanted,
      steps: steps.map((step) => withKind(step, pipeline)),
    });
  else if (asked !== undefined)
    process.stdout.write(steps.map(({ name, state, why: reason }) => `${name}: ${state}: ${reason}\n`).join(""));
  else if (graph !== "-") process.stdout.write(`${graphText(pipeline, planned)}\n${summary(planned)}\n`);
}

function withKind(step: PlannedStep, { steps }: CompiledPipeline) {
  const { kind, queue, params, inputs } = steps.find(({ name }) => name === step.name)!;
  return { ...step, kind, queue, params, inputs };
}

function summary({ steps }: Plan): string {
  const count = (state: PlannedStep["state"]): number => steps.filter((step) => step.state === state).length;
  return `${count("cached")} cached, ${count("to-run")} to run, ${count("unknown")} not known before others have run, ${count("pruned")} not needed`;
}

/** A step by its name, or every cell of a step with a matrix. */
function stepsCalled(name: string, { steps }: CompiledPipeline): string[] {
  const names = steps.map((step) => step.name);
  const called = names.filter((candidate) => candidate === name || candidate.startsWith(`${name}[`));
  if (called.length === 0) throw new InputError(`the pipeline has no step "${name}": ${suggest(name, names)}`, `--why ${name}`);
  return called;
}

/** The plan as this machine would compute it: its own numerics, and the files as they lie here. */
async function planHere(pipeline: CompiledPipeline, store: Store): Promise<Plan> {
  const usesNetwork = pipeline.steps.some(({ numerics }) => numerics === "network");
  const networkFingerprint = usesNetwork ? (await openBackend()).fingerprint : "";
  return planPipeline(pipeline, {
    lookup: async (key) => (await readableAction(store, key))?.record ?? null,
    present: (artifact) => artifactsUsable(store, artifact),
    sourceDigest: ({ kind, params }) => putSource(store, kind, params),
    fingerprint: (numerics) => fingerprintFor(numerics, networkFingerprint),
    latest: (step) => latestRecord(store, pipeline.name, step),
  });
}

/**
 * The record with which a step was finished last; null where there is none, or none that can be read any more: only
 * explanations depend on it.
 */
async function latestRecord(store: Store, pipeline: string, step: string): Promise<ActionRecord | null> {
  const pointer = await orLost(store.getPointer(latestPointer(pipeline, step)), undefined);
  const digest = digestSchema.safeParse((pointer as { record?: unknown } | undefined)?.record);
  return digest.success ? orLost(getRecord(store, digest.data as Digest), null) : null;
}
