import { rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import type { Command } from "commander";
import { putSource } from "../../activities/sources.ts";
import { canonicalJson } from "../../artifacts/canonicalJson.ts";
import { sha256 } from "../../artifacts/digest.ts";
import { exportArtifact } from "../../artifacts/export.ts";
import { openStore, recist3dHome } from "../../artifacts/openStore.ts";
import type { Digest } from "../../artifacts/store.ts";
import { type CampaignSnapshot, campaignHandle, snapshot, startCampaign } from "../../client/campaigns.ts";
import type { Engine } from "../../engine/connection.ts";
import { ensureEngine, isStackStopped, reconnectEngine } from "../../engine/localStack.ts";
import { loadPipeline, readPipelineText } from "../../pipelines/load.ts";
import { campaignInputSchema } from "../../schemas/messages.ts";
import { collectSetting, printJson, say, WorkFailed } from "../output.ts";
import { ProgressPrinter } from "../progressView.ts";

interface RunOptions {
  set: Record<string, string>;
  id?: string;
  detach?: boolean;
  untilAsked?: boolean;
  json?: boolean;
}

/** When a campaign is left to itself: at its end, or also once all that runs of it waits for people. */
type Until = "ended" | "asked";

export function register(program: Command): void {
  program
    .command("run")
    .description("run a pipeline as a campaign, or re-attach to it")
    .argument("<pipeline>", "YAML file")
    .option("--set <key=value>", "set a parameter of the pipeline (repeatable)", collectSetting, {})
    .option("--id <id>", "the campaign's id (default: from the pipeline and its parameters)")
    .option("--detach", "start it and return")
    .option("--until-asked", "return at its end, or as soon as nothing but people is waited for")
    .option("--json", "print one JSON document")
    .action(run);
  program
    .command("watch")
    .description("show a campaign's progress until it ends")
    .argument("<id>", "campaign")
    .option("--json", "print one JSON document at the end")
    .action(async (id: string, { json }: { json?: boolean }) => {
      const engine = await ensureEngine(say);
      await campaignHandle(engine.client, id);
      await follow(engine, id, json ?? false);
    });
}

async function run(file: string, options: RunOptions): Promise<void> {
  const { engine, campaign, attached } = await start(file, options);
  if (options.detach) {
    if (options.json) printJson({ campaign, attached });
    await engine.close();
    return;
  }
  process.once("SIGINT", () => {
    say(`\ndetached; the campaign goes on — recist3d watch ${campaign}`);
    process.exit(130);
  });
  await follow(engine, campaign, options.json ?? false, options.untilAsked ? "asked" : "ended");
}

/**
 * Runs a pipeline as a campaign, or attaches to it, until it has ended.
 *
 * @returns the campaign's id and the folder of each report by its step.
 * @throws InputError where the pipeline or what it reads is wrong, WorkFailed where the campaign fails.
 */
export async function runToEnd(
  file: string,
  set: Record<string, string>,
): Promise<{ readonly campaign: string; readonly reports: ReadonlyMap<string, string> }> {
  const { engine, campaign } = await start(file, { set });
  return { campaign, reports: await follow(engine, campaign, null) };
}

/** Starts a campaign, or attaches to the one that runs under its id. */
async function start(file: string, { set, id }: RunOptions): Promise<{ engine: Engine; campaign: string; attached: boolean }> {
  const pipeline = await loadPipeline(file, set);
  const campaign =
    id ?? `${pipeline.name}-${sha256(canonicalJson({ source: pipeline.source, params: pipeline.params })).slice(0, 8)}`;
  const input = campaignInputSchema.parse({ campaign, pipeline, started: new Date().toISOString() });
  const store = await openStore();
  await store.putBlob(Buffer.from(await readPipelineText(file)));
  // With engine and workers on this machine, files that cannot be read are better said before anything starts.
  if (!process.env.TEMPORAL_ADDRESS)
    for (const step of pipeline.steps) if (step.external.length > 0) await putSource(store, step.kind, step.params);
  const engine = await ensureEngine(say);
  const { attached } = await startCampaign(engine.client, input);
  say(
    `campaign ${campaign} ${attached ? "is running: attached" : "started"} (recist3d watch ${campaign}; recist3d cancel ${campaign})`,
  );
  return { engine, campaign, attached };
}

const POLL_MS = 500;

/** By `recist3d down`, perhaps from another terminal. */
class EngineStopped extends Error {}

/**
 * Shows progress until the campaign ends, or nothing but people is waited for; outlives restarts of the engine, but not `recist3d down`. `json`:
 * print a document at the end, or not; null: say nothing of the end.
 *
 * @returns the folder of each report by its step. @throws WorkFailed when it did not end well.
 */
async function follow(
  first: Engine,
  campaign: string,
  json: boolean | null,
  until: Until = "ended",
): Promise<ReadonlyMap<string, string>> {
  const printer = new ProgressPrinter(process.stderr);
  let engine = first;
  let last: CampaignSnapshot | undefined;
  for (;;) {
    try {
      last = await unlessStopped(snapshot(engine.client, campaign));
      printer.show(last);
      if (last.status !== "RUNNING") break;
      const asked = until === "asked" ? askedFor(last) : [];
      if (asked.length > 0) {
        if (json) printJson({ campaign, status: "waiting", waiting: asked });
        say(`campaign ${campaign} goes on when people have answered (recist3d review)`);
        await engine.close();
        return new Map();
      }
    } catch (error) {
      if (error instanceof EngineStopped || (await isStackStopped())) {
        await engine.close().catch(() => {});
        throw new WorkFailed(
          `the engine was stopped (recist3d down); campaign ${campaign} goes on after the next start: recist3d watch ${campaign}`,
        );
      }
      if (!isTransient(error)) throw error;
      say(`the engine does not answer (${(error as Error).message}); trying again`);
      await sleep(2000);
      await engine.close().catch(() => {});
      engine = await reconnectEngine(say).catch(() => engine);
      continue;
    }
    await sleep(POLL_MS);
  }
  const reports = await conclude(engine.client, last, json);
  await engine.close();
  return reports;
}

/**
 * The engine's answer, which the client tries to get for most of a minute from an engine that is gone.
 *
 * @throws EngineStopped as soon as it is known to be stopped.
 */
async function unlessStopped<T>(answer: Promise<T>): Promise<T> {
  for (;;) {
    const first = await Promise.race([answer.then((value) => ({ value })), sleep(POLL_MS)]);
    if (first !== undefined) return first.value;
    if (await isStackStopped()) throw new EngineStopped();
  }
}

/** What people are asked, when nothing else of the campaign runs; else nothing. */
function askedFor({ steps, activity }: CampaignSnapshot) {
  const running = steps.filter(({ state }) => state === "running");
  const asked = running.flatMap(({ name }) => activity[name]?.waiting ?? []);
  return asked.length === running.length ? asked : [];
}

async function conclude(
  client: Client,
  { campaign, status, steps }: CampaignSnapshot,
  json: boolean | null,
): Promise<ReadonlyMap<string, string>> {
  if (status === "COMPLETED") {
    const outputs = (await client.workflow.getHandle(campaign).result()) as Record<string, Record<string, string>>;
    const reports = new Map<string, string>();
    for (const step of steps.filter(({ kind }) => kind === "report")) {
      const folder = path.join(recist3dHome(), "reports", campaign, step.name);
      await rm(folder, { recursive: true, force: true });
      await exportArtifact(await openStore(), step.outputs!.page as Digest, folder);
      reports.set(step.name, folder);
    }
    const pages = [...reports.values()].map((folder) => path.join(folder, "report.html"));
    if (json) printJson({ campaign, status: "done", outputs, reports: pages });
    if (json !== null) for (const page of pages) say(`report: ${page}`);
    return reports;
  }
  const failed = steps.filter(({ state }) => state === "failed").map(({ name, error }) => ({ step: name, error }));
  if (json) printJson({ campaign, status: status === "FAILED" ? "failed" : status.toLowerCase(), failed });
  const reasons =
    failed.length > 0
      ? failed.map(({ step, error }) => `\n  step "${step}": ${error}`).join("")
      : await failureBeforeSteps(client, campaign);
  const remedy = status === "FAILED" ? `\nwhat is finished is kept; mend the cause, then: recist3d retry ${campaign}` : "";
  throw new WorkFailed(`campaign ${campaign} ${status.toLowerCase()}${reasons}${remedy}`);
}

/** Why a campaign failed before any step did, e.g. while it was planned. */
async function failureBeforeSteps(client: Client, campaign: string): Promise<string> {
  const error: unknown = await client.workflow
    .getHandle(campaign)
    .result()
    .then(
      () => undefined,
      (failure: unknown) => failure,
    );
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? `: ${cause.message}` : "";
}

/** Whether the engine, or a worker that answers queries, is merely away for the moment. */
function isTransient(error: unknown): boolean {
  const { name, message } = error as Error;
  return (
    name === "ServiceError" ||
    name === "QueryNotRegisteredError" ||
    name === "EngineUnreachableError" ||
    /unavailable|deadline|ECONNREFUSED|no poller/i.test(message)
  );
}
