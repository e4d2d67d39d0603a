// Records the histories that test/campaign/replay.slow.test.ts replays: npx tsx test/campaign/recordHistories.ts
// To be run, and its files added beside the old ones, whenever workflow code changes on purpose. With `sharded`: only those
// of a sharded step by itself, which need no computation.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Client } from "@temporalio/client";
import protoUtils from "@temporalio/common/lib/proto-utils.js";
import programs from "../programs.ts";
import { openHouse } from "./house.ts";
import { countedParts, openWorkflows, runSharded } from "./workflowsAlone.ts";

programs();
const folder = fileURLToPath(new URL("./histories", import.meta.url));
mkdirSync(folder, { recursive: true });
if (!process.argv.includes("sharded")) await recordCampaigns();
await recordSharded();

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

async function write(name: string, client: Client, workflowId: string, runId?: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  writeFileSync(`${folder}/${name}.json`, anonymous(protoUtils.historyToJSON(history)));
}

/** Without the names of machine, processes and folders. */
function anonymous(json: string): string {
  const replaced: Record<string, string> = { identity: "worker", workerInstanceKey: "worker", stackTrace: "" };
  const history: unknown = JSON.parse(json, (key, value: unknown) => (Object.hasOwn(replaced, key) ? replaced[key] : value));
  return `${JSON.stringify(history, null, 1)}\n`;
}
