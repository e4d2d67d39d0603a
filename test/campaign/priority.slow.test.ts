import { afterAll, beforeAll, expect, test } from "vitest";
import { type Action, campaignInputSchema } from "../../schemas/messages.ts";
import { taskQueues } from "../../schemas/taskQueues.ts";
import { until } from "./house.ts";
import { openWorkflows, type WorkflowsAlone } from "./workflowsAlone.ts";

const digest = "0".repeat(64);
/** As many as are asked for at once. */
const PARTS = 8;
const ran: string[] = [];
let finishFirst = (): void => {};
const firstTraining = new Promise<void>((resolve) => {
  finishFirst = resolve;
});
let house: WorkflowsAlone;

beforeAll(async () => {
  const runAction = async (action: Action, step?: string) => {
    ran.push(action.part === undefined ? (step ?? "gather") : "part");
    if (step === "first") await firstTraining;
    return { record: digest, outputs: { model: digest }, cached: false, summary: {} };
  };
  const planCampaign = async () => ({});
  const commitCampaign = async () => digest as never;
  const [numericsFingerprint, countParts] = [async () => "cpu", async () => PARTS];
  house = await openWorkflows({ runAction, planCampaign, commitCampaign, numericsFingerprint, countParts } as never, {
    suggestNewRunAfter: 4096,
    gpuSlots: 1,
  });
});
afterAll(() => house?.close());

/** A campaign that trains one network and does nothing else. */
function startTraining(name: string) {
  const step = { kind: "network.train", version: 1, queue: "gpu", shape: "single", numerics: "network", external: [] };
  const pipeline = { name, source: digest, params: {}, steps: [{ ...step, name, params: {}, inputs: {} }], wanted: [name] };
  const args = [campaignInputSchema.parse({ campaign: name, pipeline, started: "2018-01-25T00:00:00Z" })];
  return house.client.workflow.start("campaign", { workflowId: name, taskQueue: taskQueues.cpu, args });
}

/** Tasks that no worker took from the GPU's queue, of all priorities. */
async function tasksThatWait(): Promise<number> {
  const { stats } = await house.client.workflowService.describeTaskQueue({
    namespace: house.client.options.namespace,
    taskQueue: { name: taskQueues.gpu },
    taskQueueType: 2, // activities
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount ?? 0);
}

test("parts of a harvest go ahead of a training that has waited longer for the same worker", async () => {
  const first = await startTraining("first");
  await until("the first training holds the slot", () => ran.includes("first"));
  const second = await startTraining("second");
  await until("the second one waits for it", async () =>
    ((await second.describe()).raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === "runAction"),
  );
  const args = [{ action: { kind: "labels.harvest", version: 1, params: {}, inputs: {} }, queue: "gpu" }];
  const harvest = await house.client.workflow.start("sharded", { workflowId: "harvest", taskQueue: taskQueues.cpu, args });
  await until("its parts wait too", async () => (await tasksThatWait()) === 1 + PARTS);
  finishFirst();
  await Promise.all([first.result(), second.result(), harvest.result()]);
  expect(ran).toEqual(["first", ...Array<string>(PARTS).fill("part"), "second", "gather"]);
});
