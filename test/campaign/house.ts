import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "../../artifacts/openStore.ts";
import { type CampaignSnapshot, snapshot, startCampaign } from "../../client/campaigns.ts";
import { connectEngine, type Engine } from "../../engine/connection.ts";
import { startStack, stopStack } from "../../engine/localStack.ts";
import { loadPipeline, readPipelineText } from "../../pipelines/load.ts";
import { campaignInputSchema } from "../../schemas/messages.ts";

const tiny = fileURLToPath(new URL("./tiny.yaml", import.meta.url));

/** A home of its own with engine, worker and supervisor, all real; every test file uses one process, so the environment is its own. */
export async function openHouse(environment: Record<string, string> = {}): Promise<House> {
  const home = mkdtempSync(path.join(os.tmpdir(), "recist3d-test-"));
  Object.assign(process.env, { RECIST3D_HOME: home, RECIST3D_STORE: `file:${home}/store`, ...environment });
  delete process.env.TEMPORAL_ADDRESS;
  await startStack(() => {});
  return new House(home, await connectEngine());
}

export class House {
  readonly home: string;
  engine: Engine;

  constructor(home: string, engine: Engine) {
    this.home = home;
    this.engine = engine;
  }

  /** Starts test/campaign/tiny.yaml, or another pipeline. */
  async start(campaign: string, settings: Record<string, string> = {}, file = tiny): Promise<void> {
    const pipeline = await loadPipeline(file, settings);
    const store = await openStore();
    await store.putBlob(Buffer.from(await readPipelineText(file)));
    await startCampaign(this.engine.client, campaignInputSchema.parse({ campaign, pipeline, started: new Date().toISOString() }));
  }

  snapshot(campaign: string): Promise<CampaignSnapshot> {
    return snapshot(this.engine.client, campaign);
  }

  /** The campaign's outputs by step, once it is done. */
  result(campaign: string): Promise<Record<string, Record<string, string>>> {
    return this.engine.client.workflow.getHandle(campaign).result() as Promise<Record<string, Record<string, string>>>;
  }

  /** Connects again, after the engine was away. */
  async reconnect(): Promise<void> {
    await this.engine.close().catch(() => {});
    this.engine = await until("the engine answers", () => connectEngine());
  }

  async close(): Promise<void> {
    await this.engine.close().catch(() => {});
    await stopStack(this.home);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Waits until `look` gives something; errors are looked past until `ms` is over. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  ms = 90_000,
): Promise<T> {
  const end = Date.now() + ms;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${ms / 1000} s in vain until ${what}${last === undefined ? "" : `: ${String(last)}`}`);
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Processes of this machine whose command line or home belongs to this house. */
export function processesOf({ home }: House): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Process[] => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        const environment = readFileSync(`/proc/${name}/environ`, "utf8");
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const ours = command.includes(home) || environment.includes(`RECIST3D_HOME=${home}\0`);
        return ours && state !== "Z" && Number(name) !== process.pid
          ? [{ pid: Number(name), parent: Number(parent), command }]
          : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}

export const computeProcesses = (house: House): Process[] =>
  processesOf(house).filter(({ command }) => command.includes("computeProcess"));
export const workerProcess = (house: House): Process | undefined =>
  processesOf(house).find(({ command }) => command.includes("worker/main"));
export const engineProcess = (house: House): Process | undefined =>
  processesOf(house).find(({ command }) => command.includes("start-dev"));
