// Records the histories that test/campaign/replay.test.ts replays: npx tsx test/campaign/recordHistories.ts
// To be run, and its files added beside the old ones, whenever workflow code changes on purpose.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protoUtils from "@temporalio/common/lib/proto-utils.js";
import programs from "../programs.ts";
import { openHouse } from "./house.ts";

programs();
const folder = fileURLToPath(new URL("./histories", import.meta.url));
mkdirSync(folder, { recursive: true });
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
  for (const [name, workflowId] of Object.entries(recorded)) {
    const history = await house.engine.client.workflow.getHandle(workflowId).fetchHistory();
    writeFileSync(`${folder}/${name}.json`, anonymous(protoUtils.historyToJSON(history)));
  }
} finally {
  await house.close();
}

/** Without the names of machine and processes. */
function anonymous(json: string): string {
  const history: unknown = JSON.parse(json, (key, value: unknown) =>
    key === "identity" || key === "workerInstanceKey" ? "worker" : value,
  );
  return `${JSON.stringify(history, null, 1)}\n`;
}
