import { ApplicationFailure } from "@temporalio/activity";
import type { Client } from "@temporalio/client";
import { TestWorkflowEnvironment } from "@temporalio/testing";
import { DefaultLogger, Runtime, Worker, type WorkerOptions, type WorkflowBundleOption } from "@temporalio/worker";
import type { Activities } from "../../activities/index.ts";
import { settingArguments } from "../../engine/localEngine.ts";
import { toolPath } from "../../engine/toolPath.ts";
import type { Action } from "../../schemas/messages.ts";
import { numericsQueue, taskQueues } from "../../schemas/taskQueues.ts";
import { workflowBundle } from "../../worker/bundle.ts";
import { until } from "./house.ts";

/** An engine and workers for the workflows alone: their activities are whatever the test says, and nothing is computed. */
export interface WorkflowsAlone {
  readonly client: TestWorkflowEnvironment["client"];
  /**
   * Does `work` while no worker carries out workflows: whatever comes meanwhile comes in one workflow task. Activities go on.
   * Afterwards workflows are carried out by the code in `next`, if it is given.
   */
  withoutWorkflows<T>(work: () => Promise<T>, next?: WorkflowBundleOption): Promise<T>;
  close(): Promise<void>;
}

let installed = false;

/** @param suggestNewRunAfter events of a history after which the engine suggests to continue as new (by itself: 4,096); @param gpuSlots actions at once on the gpu queue; the SDK's own number if absent @param limits the engine's dynamic configuration */
export async function openWorkflows(
  activities: Partial<Activities>,
  {
    suggestNewRunAfter,
    gpuSlots,
    limits = {},
  }: { suggestNewRunAfter: number; gpuSlots?: number; limits?: Record<string, number> },
): Promise<WorkflowsAlone> {
  if (!installed) Runtime.install({ logger: new DefaultLogger("ERROR") });
  installed = true;
  const settings = { "limit.historyCount.suggestContinueAsNew": suggestNewRunAfter, ...limits };
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: "existing-path", path: toolPath("temporal") },
      extraArgs: [
        ...settingArguments(settings),
        ...["--log-level", "error"],
        ...["--search-attribute", "CampaignPhase=Keyword", "--search-attribute", "WaitsFor=Keyword"],
      ],
    },
  });
  const codePath = await workflowBundle();
  const connection = environment.nativeConnection;
  const start = async (options: Omit<WorkerOptions, "connection">): Promise<() => Promise<void>> => {
    const worker = await Worker.create({ connection, ...options });
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
    };
  };
  const startWorkflows = (workflowBundle: WorkflowBundleOption = { codePath }) =>
    start({ taskQueue: taskQueues.cpu, workflowBundle, activities, enableNonLocalActivities: false });
  const stopActivities = await Promise.all(
    [...Object.values(taskQueues), numericsQueue].map((taskQueue) =>
      start({
        taskQueue,
        activities,
        ...(taskQueue === taskQueues.gpu ? { maxConcurrentActivityTaskExecutions: gpuSlots } : {}),
      }),
    ),
  );
  let stopWorkflows = await startWorkflows();
  return {
    client: environment.client,
    withoutWorkflows: async (work, next) => {
      await stopWorkflows();
      try {
        return await work();
      } finally {
        stopWorkflows = await startWorkflows(next);
      }
    },
    close: async () => {
      await Promise.all([stopWorkflows(), ...stopActivities.map((stop) => stop())]);
      await environment.teardown();
    },
  };
}

const PARTS = 60;
/** Under this number every part fails for good. */
export const DAMAGED_PART = 5;

/** Parts of a sharded step that do nothing but say that they were called. */
export function countedParts() {
  const digest = "0".repeat(64);
  const seen = {
    ...{ parts: PARTS, counted: 0, underWay: 0, mostUnderWay: 0, damaged: false, partMs: 20 },
    started: [] as (number | "gather")[],
  };
  const activities: Partial<Activities> = {
    countParts: async () => {
      seen.counted++;
      return PARTS;
    },
    runAction: async ({ part }) => {
      seen.started.push(part ?? "gather");
      seen.mostUnderWay = Math.max(seen.mostUnderWay, ++seen.underWay);
      await new Promise((resolve) => setTimeout(resolve, seen.partMs));
      seen.underWay--;
      if (seen.damaged && part === DAMAGED_PART)
        throw ApplicationFailure.nonRetryable(`lesion of part ${part} cannot be read`, "InputError");
      return { record: digest, outputs: { labels: digest }, cached: false, summary: {} };
    },
  };
  return { seen, activities };
}

/** Runs `sharded` by itself and gives its runs, the first one first, whether it ends well or not. */
export async function runSharded(house: WorkflowsAlone, workflowId: string): Promise<{ runs: Run[]; failure?: unknown }> {
  const { client } = house;
  const action: Action = { kind: "labels.initial", version: 1, params: {}, inputs: {} };
  const args = [{ action, queue: "cpu" }];
  const failure = await client.workflow.execute("sharded", { workflowId, taskQueue: taskQueues.cpu, args }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { runs: await runsOf(house, workflowId), failure };
}

/** The runs of a workflow that has ended, the first one first. */
export function runsOf({ client }: { readonly client: Client }, workflowId: string): Promise<Run[]> {
  return until("every run has ended", async () => {
    const listed: Run[] = [];
    for await (const { runId, status, historyLength } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` }))
      listed.unshift({ runId, status: status.name, events: historyLength });
    return listed.length > 0 && listed.every(({ status }) => status !== "RUNNING") ? listed : undefined;
  });
}

/** Replays a run with today's workflow code. @throws DeterminismViolationError */
export async function replayRun({ client }: WorkflowsAlone, workflowId: string, { runId }: Run): Promise<void> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: { codePath: await workflowBundle() }, replayName: runId }, history, workflowId);
}

export interface Run {
  readonly runId: string;
  readonly status: string;
  readonly events: number;
}
