// Records the histories that test/campaign/replay.slow.test.ts replays: npx tsx test/campaign/recordHistories.ts
// To be run, and its files added beside the old ones, whenever workflow code changes on purpose. With `campaigns`, `sharded`,
// `readings`, `masks`, `curation`, `cancelled` or `steered`: only those.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Client } from "@temporalio/client";
import protoUtils from "@temporalio/common/lib/proto-utils.js";
import type { CampaignProgress } from "../../schemas/messages.ts";
import programs from "../programs.ts";
import { openHouse, until } from "./house.ts";
import { correction, drawnOn, openDesk, readingOf, tinyCases } from "./readingDesk.ts";
import { gatedActivities, startSteered } from "./steeredCampaign.ts";
import { countedParts, openWorkflows, runSharded, runsOf } from "./workflowsAlone.ts";

programs();
const folder = fileURLToPath(new URL("./histories", import.meta.url));
mkdirSync(folder, { recursive: true });
const recorders = {
  campaigns: recordCampaigns,
  sharded: recordSharded,
  readings: recordReadings,
  masks: recordMasks,
  curation: recordCuration,
  cancelled: recordCancelledChild,
  steered: recordSteered,
};
const chosen = process.argv.slice(2);
for (const [name, record] of Object.entries(recorders)) if (chosen.length === 0 || chosen.includes(name)) await record();

async function recordCampaigns(): Promise<void> {
  const house = await openHouse();
  try {
    const recorded: Record<string, string> = {
      campaign: "recorded",
      "self-paced": "recorded/wsss",
      sharded: "recorded/masks",
      harvest: "recorded/wsss/harvest-1",
    };
    await house.start("recorded");
    await house.result("recorded");
    await house.start("recorded-cancelled", { seed: "5", epochs: "4000" });
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    await house.engine.client.workflow.getHandle("recorded-cancelled").cancel();
    await house.result("recorded-cancelled").catch(() => {});
    recorded.cancelled = "recorded-cancelled";
    for (const [name, workflowId] of Object.entries(recorded)) await write(name, house.engine.client, workflowId);
  } finally {
    await house.close();
  }
}

/** A step that is continued as new (its first, a later and its last run), and one of which a part fails. */
async function recordSharded(): Promise<void> {
  const { seen, activities } = countedParts();
  const house = await openWorkflows(activities, { suggestNewRunAfter: 40 });
  try {
    const { runs } = await runSharded(house, "long");
    const chosen = { first: runs[0], later: runs[1], last: runs.at(-1)! };
    for (const [which, { runId }] of Object.entries(chosen)) await write(`sharded-${which}-run`, house.client, "long", runId);
    seen.damaged = true;
    await runSharded(house, "damaged");
    await write("sharded-failed-part", house.client, "damaged");
  } finally {
    await house.close();
  }
}

/** A reading that is continued as new (its first and its last run), and one that is cancelled before anything is in the store. */
async function recordReadings(): Promise<void> {
  const desk = await openDesk({ suggestNewRunAfter: 40 });
  const { client } = desk.workflows;
  try {
    const long = await desk.start("reading/read", await tinyCases(desk.store, 40), { claimMinutes: 0.1, remindHours: 0.001 });
    await until("the reading is open", () => long.waiting().then((waiting) => waiting ?? undefined));
    await long.claim("Ada", 2);
    for (let i = 0; i < 20; i++) await long.answer("Ada", { [i]: "accept" });
    await until("people were reminded", async () => (await long.waiting())!.reminders > 0);
    for (let i = 0; i < 20; i++) await long.answer("Bo", { [20 + i]: i % 2 === 0 ? "reject" : null });
    await long.finish("Bo");
    await long.result();
    const runs = await runsOf(desk.workflows, "reading/read");
    const chosenRuns = { first: runs[0], last: runs.at(-1)! };
    for (const [which, { runId }] of Object.entries(chosenRuns))
      await write(`reading-${which}-run`, client, "reading/read", runId);

    const cancelled = await desk.start("reading-cancelled/read", await tinyCases(desk.store, 3), {});
    await until("the reading is open", () => cancelled.waiting().then((waiting) => waiting ?? undefined));
    await cancelled.answer("Ada", { 1: "accept" });
    await cancelled.handle.cancel();
    await cancelled.result().catch(() => {});
    await write("reading-cancelled", client, "reading-cancelled/read");
  } finally {
    await desk.close();
  }
}

/** A reading in which masks are drawn. reading-masks-unchecked.json is from before they were looked up in the store. */
async function recordMasks(): Promise<void> {
  const desk = await openDesk();
  try {
    const cases = await tinyCases(desk.store, 2);
    const reading = await desk.start("reading-masks/read", cases, correction);
    await until("the reading is open", () => reading.waiting().then((waiting) => waiting ?? undefined));
    const mask = await drawnOn(desk.store, cases, 0, "Ada");
    await reading.send("answer", {
      reader: "Ada",
      entries: [{ position: 0, answer: "edited", at: Date.now(), tookMs: 1, mask }],
    });
    await reading.answer("Ada", { 1: "unchanged" });
    await reading.finish("Ada");
    await reading.result();
    await write("reading-masks", desk.workflows.client, "reading-masks/read");
  } finally {
    await desk.close();
  }
}

/** Two rounds of curation with the reading of the first, and a reading in which a rule decides at the deadline. */
async function recordCuration(): Promise<void> {
  const house = await openHouse();
  const { client } = house.engine;
  const pipeline = (name: string): string => fileURLToPath(new URL(`./${name}.yaml`, import.meta.url));
  try {
    await house.start("recorded-rounds", {}, pipeline("curation"));
    for (const [round, verdict] of [
      [1, "next-round"],
      [2, "nothing-improves"],
    ] as const) {
      const reading = await readingOf(house.engine, "recorded-rounds", round);
      await reading.answer("Ada", { [round]: "select" });
      await reading.finish("Ada", { verdict });
    }
    await house.result("recorded-rounds");
    const curated = "recorded-rounds/curated";
    const [first, last] = await runsOf(house.engine, curated);
    await write("curation-first-run", client, curated, first.runId);
    await write("curation-last-run", client, curated, last.runId);
    await write("curation-reading", client, `${curated}/reading-1`);

    await house.start("recorded-late", { decide: "people-then-policy", deadlineHours: "0.003" }, pipeline("waiting"));
    await (await readingOf(house.engine, "recorded-late")).answer("Ada", { 0: "reject" });
    await house.result("recorded-late");
    await write("reading-policy", client, "recorded-late/answers");
  } finally {
    await house.close();
  }
}

/** A campaign that is cancelled while a child workflow of it waits for people. */
async function recordCancelledChild(): Promise<void> {
  const house = await openHouse();
  try {
    await house.start("recorded-child", {}, fileURLToPath(new URL("./waiting.yaml", import.meta.url)));
    await readingOf(house.engine, "recorded-child");
    await house.engine.client.workflow.getHandle("recorded-child").cancel();
    await house.result("recorded-child").catch(() => {});
    await write("cancelled-child", house.engine.client, "recorded-child");
  } finally {
    await house.close();
  }
}

/**
 * A campaign that is paused while its source is read and while Algorithm 1 harvests, and one of which a step is tried again.
 * steered-*-before.json are from before pauses were known at a child's start.
 */
async function recordSteered(): Promise<void> {
  const { seen, activities, open, close, came } = gatedActivities();
  const house = await openWorkflows(activities, { suggestNewRunAfter: 4096 });
  try {
    close("scanSource");
    close("labels.harvest part");
    const paused = await startSteered(house, "steered");
    await came("scanSource");
    await paused.signal("pause", true);
    open("scanSource");
    await until("its parts are counted", () => house.client.workflow.getHandle("steered/scans").describe());
    await paused.signal("pause", false);
    await came("labels.harvest part");
    await paused.signal("pause", true);
    await paused.signal("pause", false);
    open("labels.harvest part");
    await paused.result();
    await write("steered", house.client, "steered");
    await write("steered-self-paced", house.client, "steered/wsss");
    await write("steered-harvest", house.client, "steered/wsss/harvest-1");

    seen.broken = "network.train";
    close("dataset.import part");
    const retried = await startSteered(house, "steered-retried");
    await until("the training has failed", async () =>
      (await retried.query<CampaignProgress, []>("progress")).steps.some(({ state }) => state === "failed"),
    );
    seen.broken = undefined;
    await retried.executeUpdate("retry", { args: [null] });
    open("dataset.import part");
    await retried.result();
    await write("steered-retried", house.client, "steered-retried");
  } finally {
    await house.close();
  }
}

async function write(name: string, client: Client, workflowId: string, runId?: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  writeFileSync(`${folder}/${name}.json`, anonymous(protoUtils.historyToJSON(history)));
}

/** Without the names of machine, processes and folders. */
function anonymous(json: string): string {
  const replaced: Record<string, string> = { identity: "worker", workerInstanceKey: "worker", stackTrace: "" };
  const history: unknown = JSON.parse(json, (key, value: unknown) => {
    // A sticky task queue is named after process and machine.
    if (typeof value === "string" && /^\d+@/.test(value)) return "worker";
    return Object.hasOwn(replaced, key) ? replaced[key] : value;
  });
  return `${JSON.stringify(history, null, 1)}\n`;
}
