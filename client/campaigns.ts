import { setTimeout as sleep } from "node:timers/promises";
import type { Client, WorkflowHandle } from "@temporalio/client";
import { QueryNotRegisteredError, WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import { defaultPayloadConverter, WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { InputError } from "../methods/inputError.ts";
import {
  type ActionProgress,
  actionProgressSchema,
  type CampaignInput,
  type CampaignProgress,
  type CurationProgress,
  type SelfPacedProgress,
  type ShardedProgress,
  type StepProgress,
} from "../schemas/messages.ts";
import type { Waiting } from "../schemas/reading.ts";
import { taskQueues } from "../schemas/taskQueues.ts";
import { CampaignStuckError, runningWorkflows, stuckWorkflow } from "./stuckWorkflow.ts";

/** The client's side of campaigns: everything it knows comes from queries and descriptions of workflows. */

/** What is under way inside a step: its child workflow's own answer and its actions' heartbeats. */
export interface StepActivity {
  readonly parts?: { readonly done: number; readonly total: number };
  readonly round?: Pick<SelfPacedProgress, "round" | "rounds" | "stage">;
  readonly curation?: Pick<CurationProgress, "round" | "rounds" | "stage">;
  /** People are waited for. */
  readonly waiting?: Waiting & { readonly workflow: string };
  readonly actions: readonly RunningAction[];
}

export interface RunningAction {
  readonly attempt: number;
  readonly progress?: ActionProgress;
  /** Message of the attempt before, when there was one. */
  readonly lastFailure?: string;
}

/** A look-up of the campaign's own (planning, asking the workers) that has failed and is tried again. */
export interface FailingLookUp {
  readonly activity: string;
  readonly attempt: number;
  readonly lastFailure: string;
}

export interface CampaignSnapshot extends CampaignProgress {
  readonly status: string;
  /** By step name, for running steps. */
  readonly activity: Readonly<Record<string, StepActivity>>;
  readonly failing: readonly FailingLookUp[];
}

export interface CampaignEntry {
  readonly campaign: string;
  readonly pipeline: string;
  readonly status: string;
  readonly waitsForPeople: boolean;
  readonly started: Date;
  readonly finished: Date | null;
}

/** Starts a campaign, or attaches to it when it runs already. @throws InputError when that id runs another pipeline. */
export async function startCampaign(
  client: Client,
  input: CampaignInput,
): Promise<{ handle: WorkflowHandle; attached: boolean }> {
  try {
    return await startOrAttach(client, input);
  } catch (error) {
    // Somebody else has started it in between.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return startOrAttach(client, input);
    throw error;
  }
}

async function startOrAttach(client: Client, input: CampaignInput): Promise<{ handle: WorkflowHandle; attached: boolean }> {
  const existing = client.workflow.getHandle(input.campaign);
  const running = await describeOrNull(existing);
  if (running?.status.name === "RUNNING") {
    const theirs = (running.memo as { source?: string } | undefined)?.source;
    if (theirs !== undefined && theirs !== pipelineIdentity(input))
      throw new InputError(
        `campaign "${input.campaign}" is running another pipeline or other parameters`,
        undefined,
        "choose another --id, or cancel it first",
      );
    return { handle: existing, attached: true };
  }
  const handle = await client.workflow.start("campaign", {
    workflowId: input.campaign,
    taskQueue: taskQueues.cpu,
    args: [input],
    memo: { source: pipelineIdentity(input), pipeline: input.pipeline.name },
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
  });
  return { handle, attached: false };
}

const pipelineIdentity = ({ pipeline }: CampaignInput): string => JSON.stringify([pipeline.source, pipeline.params]);

/** Campaigns that the engine knows, newest first. */
export async function listCampaigns(client: Client): Promise<CampaignEntry[]> {
  const waits = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query: "WaitsFor IS NOT NULL AND ExecutionStatus = 'Running'" }))
    waits.add(workflowId.split("/")[0]);
  const campaigns: CampaignEntry[] = [];
  for await (const { workflowId, status, startTime, closeTime, memo } of client.workflow.list({
    query: "WorkflowType = 'campaign'",
  })) {
    const { pipeline } = (memo ?? {}) as { pipeline?: string };
    campaigns.push({
      campaign: workflowId,
      pipeline: pipeline ?? "",
      status: status.name.toLowerCase(),
      waitsForPeople: status.name === "RUNNING" && waits.has(workflowId),
      started: startTime,
      finished: closeTime ?? null,
    });
  }
  return campaigns;
}

export async function campaignHandle(client: Client, id: string): Promise<WorkflowHandle> {
  const handle = client.workflow.getHandle(id);
  if ((await describeOrNull(handle)) === null)
    throw new InputError(
      `the engine knows no campaign "${id}"`,
      undefined,
      `see: recist3d list; what one gave that ended long ago is in the store all the same: recist3d verify ${id}`,
    );
  return handle;
}

/** Time that the workflows of a campaign's steps have to end by themselves before a campaign is ended by force, in ms. */
const FORCE_AFTER_MS = 15_000;

/**
 * Cancels a campaign and waits until it has ended. `force` ends it although its workflows do not react: those of its steps
 * that do are cancelled first, so that readings bring what was answered to the store.
 *
 * @throws CampaignStuckError where it does not react, without `force`.
 */
export async function cancelCampaign(client: Client, id: string, { force }: { force: boolean }): Promise<void> {
  const handle = client.workflow.getHandle(id);
  await handle.cancel();
  if (force) {
    const steps = async (): Promise<string[]> => (await runningWorkflows(client, id)).filter((workflow) => workflow !== id);
    for (const workflow of await steps()) await client.workflow.getHandle(workflow).cancel().catch(ignoreEnded);
    for (const end = Date.now() + FORCE_AFTER_MS; Date.now() < end && (await steps()).length > 0; ) await sleep(POLL_MS);
    // Whatever still runs below it is ended with it.
    await handle.terminate("cancelled by force").catch(ignoreEnded);
    return;
  }
  let ended = false;
  const end = handle
    .result()
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
    })
    .finally(() => {
      ended = true;
    });
  while (!ended) {
    await Promise.race([end, sleep(POLL_MS)]);
    const stuck = ended ? null : await stuckWorkflow(client, id);
    if (stuck !== null) throw new CampaignStuckError(id, stuck);
  }
}

const POLL_MS = 1000;

function ignoreEnded(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/**
 * One consistent picture of a campaign: what its workflow answers, and what its running actions last said.
 *
 * @throws CampaignStuckError where it does not answer since other code began it.
 */
export async function snapshot(client: Client, id: string): Promise<CampaignSnapshot> {
  try {
    return await takeSnapshot(client, id);
  } catch (error) {
    const stuck = await stuckWorkflow(client, id).catch(() => null);
    throw stuck === null ? error : new CampaignStuckError(id, stuck);
  }
}

async function takeSnapshot(client: Client, id: string): Promise<CampaignSnapshot> {
  const handle = client.workflow.getHandle(id);
  const [description, progress] = await Promise.all([handle.describe(), handle.query<CampaignProgress, []>("progress")]);
  const activity: Record<string, StepActivity> = {};
  const pending = description.raw.pendingActivities ?? [];
  const own = runningActions(pending);
  for (const step of progress.steps) {
    if (step.state !== "running") continue;
    activity[step.name] =
      step.child === undefined
        ? { actions: own.filter(({ progress }) => progress?.step === step.name) }
        : await childActivity(client, step.child);
  }
  return { ...progress, status: description.status.name, activity, failing: failingLookUps(pending) };
}

async function childActivity(client: Client, workflowId: string): Promise<StepActivity> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    const [description, progress] = await Promise.all([
      handle.describe(),
      handle.query<ShardedProgress | SelfPacedProgress | CurationProgress, []>("progress"),
    ]);
    const pending = description.raw.pendingActivities ?? [];
    const lookUps = failingLookUps(pending).map(({ attempt, lastFailure }) => ({ attempt, lastFailure }));
    const actions: RunningAction[] = [...runningActions(pending), ...lookUps];
    if (progress.type === "sharded") return { parts: { done: progress.done, total: progress.total }, actions };
    const { round, rounds, child } = progress;
    const inner = child === undefined ? { actions } : await childActivity(client, child);
    return progress.type === "curation"
      ? { ...inner, curation: { round, rounds, stage: progress.stage } }
      : { ...inner, round: { round, rounds, stage: progress.stage } };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { actions: [] };
    if (error instanceof QueryNotRegisteredError) return peopleActivity(client, workflowId);
    throw error;
  }
}

/** A child without progress of its own only starts, or waits for people. */
async function peopleActivity(client: Client, workflow: string): Promise<StepActivity> {
  try {
    const waiting = await client.workflow.getHandle(workflow).query<Waiting | null, []>("waiting");
    return waiting === null ? { actions: [] } : { actions: [], waiting: { ...waiting, workflow } };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError) return { actions: [] };
    throw error;
  }
}

type Pending = NonNullable<Awaited<ReturnType<WorkflowHandle["describe"]>>["raw"]["pendingActivities"]>;

function runningActions(pending: Pending): RunningAction[] {
  return pending
    .filter(({ activityType }) => activityType?.name === "runAction")
    .map(({ attempt, heartbeatDetails, lastFailure }) => {
      const payload = heartbeatDetails?.payloads?.[0];
      const parsed =
        payload === undefined ? undefined : actionProgressSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
      return { attempt: attempt ?? 1, progress: parsed?.data, lastFailure: lastFailure?.message ?? undefined };
    });
}

function failingLookUps(pending: Pending): FailingLookUp[] {
  return pending.flatMap(({ activityType, attempt, lastFailure }) => {
    const activity = activityType?.name ?? "";
    if (activity === "runAction" || lastFailure?.message == null) return [];
    return [{ activity, attempt: attempt ?? 1, lastFailure: lastFailure.message }];
  });
}

/** Steps whose outcome is in: what a progress bar of the whole campaign counts. */
export function isSettled({ state }: StepProgress): boolean {
  return state !== "waiting" && state !== "blocked" && state !== "running";
}

async function describeOrNull(handle: WorkflowHandle) {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
