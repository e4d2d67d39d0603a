import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Activities } from "../../activities/index.ts";
import type { Digest } from "../../artifacts/store.ts";
import { cancelCampaign, snapshot } from "../../client/campaigns.ts";
import { runningWorkflows, stuckWorkflow } from "../../client/stuckWorkflow.ts";
import { type CampaignProgress, campaignInputSchema } from "../../schemas/messages.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { taskQueues } from "../../schemas/taskQueues.ts";
import { changedWorkflows } from "./changedWorkflows.ts";
import { decisionsOf } from "./decisions.ts";
import { until } from "./house.ts";
import { correction, type Desk, drawnOn, openDesk, questions, Reading, tinyCases } from "./readingDesk.ts";
import { countedParts, replayRun, runsOf } from "./workflowsAlone.ts";

/** The engine suggests a new run in every workflow task that begins with so many events. */
const SUGGESTED = 60;
const digest = "0".repeat(64);
const { seen, activities } = countedParts();
const planned: Awaited<ReturnType<Activities["planCampaign"]>> = {};

let desk: Desk;
beforeAll(async () => {
  const { countParts, runAction } = activities as Activities;
  const planCampaign = async () => planned;
  const [findFinished, improves] = [async () => null, async () => true];
  desk = await openDesk({ suggestNewRunAfter: SUGGESTED }, { countParts, runAction, planCampaign, findFinished, improves });
});
afterAll(() => desk?.close());
beforeEach(() => {
  seen.started = [];
});

const historyLength = async (handle: WorkflowHandle): Promise<number> => (await handle.describe()).historyLength;

/** Cancels a workflow while nobody carries it out, so that its next task begins with the suggestion and the cancellation. */
async function cancelledAsSuggested(handle: WorkflowHandle): Promise<void> {
  while ((await historyLength(handle)) < SUGGESTED) await handle.signal("pause", true);
  await handle.cancel();
}

async function expectCancelled(workflowId: string): Promise<void> {
  const runs = await runsOf(desk.workflows, workflowId);
  const { events } = await desk.workflows.client.workflow.getHandle(workflowId, runs.at(-1)!.runId).fetchHistory();
  const cancelled = events!.findIndex(({ workflowExecutionCancelRequestedEventAttributes: one }) => one != null);
  const task = events!.slice(cancelled).find(({ workflowTaskStartedEventAttributes: one }) => one != null);
  expect(task!.workflowTaskStartedEventAttributes!.suggestContinueAsNew).toBe(true);
  expect(runs.map(({ status }) => status)).toEqual([...Array(runs.length - 1).fill("CONTINUED_AS_NEW"), "CANCELLED"]);
  for (const run of runs) await replayRun(desk.workflows, workflowId, run);
}

async function opened(reading: Reading): Promise<Reading> {
  await until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
  return reading;
}

describe("a workflow that is cancelled in the very task in which the engine suggests a new run ends as cancelled", () => {
  test.each(["before", "after"])(
    "a reading: what was acknowledged is kept, if it came just %s the cancellation too",
    async (order) => {
      const id = `just-${order}`;
      const reading = await opened(await desk.start(`${id}/read`, await tinyCases(desk.store, 20, id), {}));
      await reading.tell("Ada", { 0: "accept" });
      let last: Promise<unknown> | undefined;
      const answer = async () => {
        last = reading.answer("Ada", { 1: "reject" }).then(({ taken }) => taken);
        last.catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 300));
      };
      await desk.workflows.withoutWorkflows(async () => {
        if (order === "before") await answer();
        await cancelledAsSuggested(reading.handle);
        if (order === "after") await answer();
      });
      await expect(reading.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
      await expectCancelled(`${id}/read`);
      expect(await last).toBe(1);
      const again = await opened(await desk.start(`${id}-again/read`, reading.cases as Digest, {}));
      expect((await again.state("Ada"))!.own).toEqual([
        [0, "accept"],
        [1, "reject"],
      ]);
      await again.handle.cancel();
    },
  );

  test.each([20, 400])(
    "a sharded step with parts of %i ms: no further part is started, and nothing is gathered",
    async (partMs) => {
      seen.partMs = partMs;
      const id = `sharded-${partMs}`;
      const action = { kind: "labels.initial", version: 1, params: {}, inputs: {} };
      const args = [{ action, queue: "cpu" }];
      const handle = await desk.workflows.client.workflow.start("sharded", { workflowId: id, taskQueue: taskQueues.cpu, args });
      await until("parts run", () => seen.started.length > 0);
      let started = 0;
      await desk.workflows.withoutWorkflows(async () => {
        await until("no part runs or is about to", async () => (await handle.describe()).raw.pendingActivities?.length === 0);
        started = seen.started.length;
        await cancelledAsSuggested(handle);
      });
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
      expect(seen.started).toHaveLength(started);
      expect(seen.started).not.toContain("gather");
      await expectCancelled(id);
    },
  );
});

/** A campaign of one step, of which the inputs are there already, and of what is to come behind it. */
async function start(campaign: string, step: object, inputs: Record<string, string>, behind: readonly object[] = []) {
  for (const name of Object.keys(planned)) delete planned[name];
  for (const [name, artifact] of Object.entries(inputs)) planned[name] = { state: "cached", outputs: { [name]: artifact } };
  const given = Object.keys(inputs).map((name) => ({
    ...{ name, kind: "dataset.select", version: 1, queue: "cpu", shape: "single", numerics: "none", external: [] },
    ...{ params: {}, inputs: {} },
  }));
  const wires = Object.fromEntries(Object.keys(inputs).map((name) => [name, [{ step: name, output: name }]]));
  const blank = { name: "last", version: 1, numerics: "none", external: [], inputs: wires };
  const steps = [...given, { ...blank, ...step }, ...behind.map((one) => ({ ...blank, ...one }))];
  const pipeline = { name: campaign, source: digest, params: {}, steps, wanted: ["last"] };
  const args = [campaignInputSchema.parse({ campaign, pipeline, started: "2018-01-25T00:00:00Z" })];
  return desk.workflows.client.workflow.start("campaign", { workflowId: campaign, taskQueue: taskQueues.cpu, args });
}
describe("a campaign that is cancelled while a step of it has been continued as new", () => {
  const runsBegun = async (workflowId: string): Promise<number> => {
    let runs = 0;
    for await (const _ of desk.workflows.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) runs++;
    return runs;
  };

  test("a reading ends with it, and what was answered is kept", async () => {
    const cases = await tinyCases(desk.store, 100, "campaign");
    const params = stepKinds.reading.params.parse(questions);
    const campaign = await start("reads", { kind: "reading", queue: "cpu", shape: "workflow", params }, { cases });
    const reading = await opened(new Reading(desk.workflows, "reads/last", cases));
    for (let i = 0; i < 40; i++) await reading.tell("Ada", { [i]: "accept" });
    await until("it is in a later run", async () => (await runsBegun("reads/last")) > 1);
    await campaign.cancel();
    await expect(campaign.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    expect((await runsOf(desk.workflows, "reads/last")).at(-1)!.status).toBe("CANCELLED");
    const again = await opened(await desk.start("reads-again/read", cases, {}));
    expect((await again.state("Ada"))!.own).toHaveLength(40);
    await again.handle.cancel();
  });

  test("a sharded step ends with it", async () => {
    seen.partMs = 200;
    const step = { kind: "labels.initial", queue: "cpu", shape: "sharded", params: {} };
    const campaign = await start("shards", step, { lesions: digest });
    await until("it is in a later run", async () => (await runsBegun("shards/last")) > 1);
    await campaign.cancel();
    await expect(campaign.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    expect((await runsOf(desk.workflows, "shards/last")).at(-1)!.status).toBe("CANCELLED");
    expect(seen.started).not.toContain("gather");
  });
});

test("a step that is cancelled by itself has failed: the campaign does not end as if it were whole, and steps behind it are blocked", async () => {
  seen.partMs = 200;
  const step = { kind: "labels.initial", queue: "cpu", shape: "sharded", params: {} };
  const behind = { ...step, name: "behind", inputs: { lesions: [{ step: "last", output: "labels" }] } };
  const campaign = await start("alone", step, { lesions: digest }, [behind]);
  await until("parts run", () => seen.started.length > 0);
  await desk.workflows.client.workflow.getHandle("alone/last").cancel();
  await expect(campaign.result()).rejects.toMatchObject({
    cause: { type: "StepFailed", message: 'step "last": was cancelled by itself, without the campaign' },
  });
  const { steps } = await campaign.query<CampaignProgress>("progress");
  expect(steps.map(({ name, state }) => [name, state])).toEqual([
    ["lesions", "cached"],
    ["last", "failed"],
    ["behind", "blocked"],
  ]);
});

test("a reading that is finished in the task in which a new run is suggested, behind an answer whose mask is looked up, ends", async () => {
  const cases = await tinyCases(desk.store, 2, "finishing");
  const reading = await opened(await desk.start("finishing/read", cases, correction));
  const mask = await drawnOn(desk.store, cases, 0, "Ada");
  const entries = [{ position: 0, answer: "edited", at: Date.now(), tookMs: 1, mask }];
  const sent: Promise<unknown>[] = [];
  desk.trouble.lookupMs = 500;
  await desk.workflows.withoutWorkflows(async () => {
    sent.push(reading.send("answer", { reader: "Ada", entries }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    sent.push(reading.finish("Ada"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    while ((await historyLength(reading.handle)) < SUGGESTED) await reading.handle.signal("pause", true);
  });
  await Promise.all(sent);
  expect(await decisionsOf(desk.store, (await reading.result()).outputs.decisions)).toMatchObject([{ answer: "edited", mask }]);
  desk.trouble.lookupMs = 0;
}, 30_000);

describe("a campaign that was begun by other code than that which is to go on with it", () => {
  test("says so, and ends by force: what people answered is kept", async () => {
    const cases = await tinyCases(desk.store, 20, "upgraded");
    const params = stepKinds.reading.params.parse(questions);
    await start("upgraded", { kind: "reading", queue: "cpu", shape: "workflow", params }, { cases });
    const reading = await opened(new Reading(desk.workflows, "upgraded/last", cases));
    await reading.tell("Ada", { 3: "accept" });
    const { client } = desk.workflows;
    const place = 'enter("planning");';
    const changed = await changedWorkflows("campaign.ts", place, `${place}\n  await ledger.countParts({} as never);`);
    await desk.workflows.withoutWorkflows(async () => {}, changed);
    try {
      const reason =
        /"upgraded" cannot go on: upgraded was begun by other code.*Nondeterminism.*recist3d cancel upgraded --force/;
      await client.workflow.getHandle("upgraded").signal("pause", false);
      await until("its tasks fail", async () => (await stuckWorkflow(client, "upgraded")) ?? undefined);
      await expect(snapshot(client, "upgraded")).rejects.toThrow(reason);
      await expect(cancelCampaign(client, "upgraded", { force: false })).rejects.toThrow(reason);
      await cancelCampaign(client, "upgraded", { force: true });
      expect(await runningWorkflows(client, "upgraded")).toEqual([]);
    } finally {
      await desk.workflows.withoutWorkflows(async () => {});
    }
    const again = await opened(await desk.start("upgraded-again/read", cases, {}));
    expect((await again.state("Ada"))!.own).toEqual([[3, "accept"]]);
    await again.handle.cancel();
  });
});
