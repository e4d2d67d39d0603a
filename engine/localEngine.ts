import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { msToTs } from "@temporalio/common/lib/time.js";
import { recist3dHome } from "../artifacts/openStore.ts";
import { connectEngine, describeEngine, type EngineDescription, engineAnswers, engineFolder } from "./connection.ts";
import { exclusively, findProcess, freePort, LocalProcessError, startProcess, stopProcess, writeWhole } from "./localProcess.ts";
import { toolPath } from "./toolPath.ts";

export interface LocalEngineOptions {
  /** recist3d's home; default {@link recist3dHome}. */
  readonly home?: string;
  /** Default: the port of the last start, so that workers and clients find it again, else any free one. */
  readonly port?: number;
  /** The engine's database; default `<home>/engine/temporal.db`. */
  readonly dbFile?: string;
}

export interface RunningEngine {
  /** `host:port` */
  readonly address: string;
  /** Undefined when `TEMPORAL_ADDRESS` names an engine that is not ours to stop. */
  readonly pid?: number;
}

const PROGRAM = "start-dev";

/** The engine's dynamic configuration where it is not as the engine comes. */
const ENGINE_SETTINGS = {
  // The default of 20 a second makes each activity of a chain wait about 100 ms.
  "history.transferProcessorMaxPollRPS": 2000,
  // Priorities hold within a partition. Workers still ask all of them for tasks that an engine with more left behind.
  "matching.numTaskqueueWritePartitions": 1,
};

/** Arguments of the engine's program for its dynamic configuration. @param others settings beside ours */
export function settingArguments(others: Readonly<Record<string, number>> = {}): string[] {
  return Object.entries({ ...ENGINE_SETTINGS, ...others }).flatMap(([name, value]) => [
    "--dynamic-config-value",
    `${name}=${value}`,
  ]);
}

/**
 * Starts the engine of this machine, or finds it when it runs already. It outlives this process; its database is a file, so
 * that campaigns go on after a restart.
 *
 * @throws LocalProcessError when it does not come up (the message ends with its log), or does not keep campaigns for
 *   {@link RETENTION} (one that was started is ended then)
 */
export async function startEngine(options: LocalEngineOptions = {}): Promise<RunningEngine> {
  const folder = engineFolder(options.home ?? recist3dHome());
  return exclusively(folder, async () => {
    const running = findProcess(folder);
    if (running?.port !== undefined) {
      const address = `127.0.0.1:${running.port}`;
      const found = await describedWithin(address, 15_000);
      if (found === undefined)
        throw new LocalProcessError(
          `the engine (process ${running.pid}) does not answer at ${address}; see ${folder}/log, then: recist3d down`,
        );
      // Whoever started it may have ended before it was told.
      if (!found.config?.workflowExecutionRetentionTtl?.seconds?.eq(RETENTION_TTL.seconds!)) await keepClosedCampaigns(address);
      return { address, pid: running.pid };
    }
    const portFile = path.join(folder, "port");
    const lastPort = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : undefined;
    const port = options.port ?? (await freePort(lastPort));
    const address = `127.0.0.1:${port}`;
    const { pid } = await startProcess({
      folder,
      command: toolPath("temporal"),
      arguments: serverArguments(port, options.dbFile ?? path.join(folder, "temporal.db")),
      program: PROGRAM,
      port,
      isReady: () => engineAnswers(address),
    });
    writeWhole(portFile, String(port));
    try {
      await keepClosedCampaigns(address);
    } catch (error) {
      await stopProcess(folder);
      throw error;
    }
    return { address, pid };
  });
}

/** Campaigns that have ended are known for so long: the program's own day would be over before a weekend is. */
const RETENTION = "90 days";
const RETENTION_TTL = msToTs(RETENTION);

async function keepClosedCampaigns(address: string): Promise<void> {
  try {
    const { connection, namespace, close } = await connectEngine({ TEMPORAL_ADDRESS: address });
    try {
      const config = { workflowExecutionRetentionTtl: RETENTION_TTL };
      await connection.workflowService.updateNamespace({ namespace, config });
    } finally {
      await close();
    }
  } catch (error) {
    throw new LocalProcessError(
      `the engine at ${address} cannot be told to keep campaigns that have ended for ${RETENTION} (${(error as Error).message})`,
      { cause: error },
    );
  }
}

/** The engine that commands use: `TEMPORAL_ADDRESS`, else that of this machine when it runs and answers. */
export async function findEngine(
  home = recist3dHome(),
  environment: NodeJS.ProcessEnv = process.env,
): Promise<RunningEngine | undefined> {
  if (environment.TEMPORAL_ADDRESS) return { address: environment.TEMPORAL_ADDRESS };
  const running = findProcess(engineFolder(home));
  if (running?.port === undefined) return undefined;
  const address = `127.0.0.1:${running.port}`;
  return (await engineAnswers(address)) ? { address, pid: running.pid } : undefined;
}

/** Stops the engine of this machine; its campaigns stay in its database. @returns whether it ran */
export function stopEngine(home = recist3dHome()): Promise<boolean> {
  const folder = engineFolder(home);
  return exclusively(folder, () => stopProcess(folder));
}

function serverArguments(port: number, dbFile: string): string[] {
  return [
    ...[
      "server",
      PROGRAM,
      "--headless",
      "--ip",
      "127.0.0.1",
      "--port",
      String(port),
      "--log-level",
      "error",
      "--db-filename",
      dbFile,
    ],
    ...["--search-attribute", "CampaignPhase=Keyword", "--search-attribute", "WaitsFor=Keyword"],
    ...settingArguments(),
    // What was acknowledged survives a crash of the machine.
    ...["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"],
  ];
}

async function describedWithin(address: string, ms: number): Promise<EngineDescription | undefined> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; ) {
    const found = await describeEngine(address);
    if (found !== undefined) return found;
    await sleep(100);
  }
  return undefined;
}
