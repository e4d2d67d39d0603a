import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { CampaignProgress, ShardedProgress } from "../../schemas/messages.ts";
import { taskQueues } from "../../schemas/taskQueues.ts";
import { until } from "./house.ts";
import { gatedActivities, startSteered } from "./steeredCampaign.ts";
import { openWorkflows, type WorkflowsAlone } from "./workflowsAlone.ts";

const { seen, activities, open, close, came } = gatedActivities();
let house: WorkflowsAlone;
beforeAll(async () => {
  house = await openWorkflows(activities, { suggestNewRunAfter: 4096 });
});
afterAll(() => house?.close());
beforeEach(() => {
  Object.assign(seen, { began: [], numerics: {}, fingerprint: "cpu", broken: undefined });
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const parts = (kind: string): number => seen.began.filter((what) => what === `${kind} part`).length;

test("a pause that comes while a step's source is read holds back every part of the step", async () => {
  close("scanSource");
  const campaign = await startSteered(house, "scanned");
  await came("scanSource");
  await campaign.signal("pause", true);
  open("scanSource");
  const child = house.client.workflow.getHandle("scanned/scans");
  await until("the parts are counted", async () => (await child.query<ShardedProgress, []>("progress")).total > 0);
  await sleep(1000);
  expect(parts("dataset.import")).toBe(0);
  await campaign.signal("pause", false);
  await campaign.result();
  expect(parts("dataset.import")).toBe(20);
});

test("a pause and its end while parts run are heard by Algorithm 1 and by its harvest", async () => {
  close("labels.harvest part");
  const campaign = await startSteered(house, "harvested");
  await came("labels.harvest part");
  await campaign.signal("pause", true);
  const child = house.client.workflow.getHandle("harvested/wsss/harvest-1");
  const signals = async () =>
    (await child.fetchHistory()).events!.filter((event) => event.workflowExecutionSignaledEventAttributes).length;
  await until("the harvest has heard of it", async () => (await signals()) === 1);
  open("labels.harvest part");
  await until("what was under way has ended", async () => (await child.query<ShardedProgress, []>("progress")).done === 8);
  await sleep(1000);
  expect(parts("labels.harvest")).toBe(8);
  await campaign.signal("pause", false);
  await campaign.result();
  expect(parts("labels.harvest")).toBe(20);
});

test.each([true, false])(
  "a signal to pause (%s) that reaches a curation before its first child begins does it no harm",
  async (paused) => {
    const action = { kind: "enhancement.curate", version: 1, params: {}, inputs: {} };
    close("findFinished enhancement.apply");
    const curation = await house.client.workflow.start("curation", {
      workflowId: `curation-${paused}`,
      taskQueue: taskQueues.cpu,
      args: [action],
    });
    await came("findFinished enhancement.apply");
    await curation.signal("pause", paused);
    await sleep(1000);
    expect((await curation.describe()).status.name).toBe("RUNNING");
    await curation.terminate();
    open("findFinished enhancement.apply");
  },
);

test("every action of a campaign is asked for under the arithmetic that it began with", async () => {
  await (await startSteered(house, "keyed")).result();
  expect(seen.numerics).toMatchObject({ "network.train": "cpu", "labels.harvest": "cpu", "dataset.import": "cpu" });
});

test("a retry asks the workers for their arithmetic again", async () => {
  seen.broken = "network.train";
  close("dataset.import part");
  const campaign = await startSteered(house, "retried");
  const stateOf = async (name: string) =>
    (await campaign.query<CampaignProgress, []>("progress")).steps.find((step) => step.name === name)!.state;
  await until("the training has failed", async () => (await stateOf("theta0")) === "failed");
  seen.broken = undefined;
  seen.fingerprint = "gpu";
  expect(await campaign.executeUpdate("retry", { args: [null] })).toEqual(["theta0"]);
  open("dataset.import part");
  await campaign.result();
  expect(seen.numerics).toMatchObject({ "network.train": "gpu", "labels.harvest": "gpu" });
});
