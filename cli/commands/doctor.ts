import { execFile } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { openStore, recist3dHome } from "../../artifacts/openStore.ts";
import { connectEngine } from "../../engine/connection.ts";
import { findEngine } from "../../engine/localEngine.ts";
import { toolPath } from "../../engine/toolPath.ts";
import { type Backend, openBackend } from "../../methods/networks/backend.ts";
import { measureTrainingSpeed } from "../../methods/networks/speed.ts";
import { printJson } from "../output.ts";

interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "missing";
  readonly detail: string;
  /** What to do where it is not ok. */
  readonly remedy?: string;
}

const run = promisify(execFile);

export function register(program: Command): void {
  program
    .command("doctor")
    .description("what is installed, which backend trains and how fast, whether engine and store answer")
    .option("--json", "print one JSON document")
    .action(async ({ json }: { json?: boolean }) => {
      const checks = [
        await machine(),
        await tool("temporal"),
        await tool("versitygw"),
        ...(await backendChecks()),
        await storeCheck(),
        await engineCheck(),
      ];
      if (json) printJson({ healthy: checks.every(({ state }) => state !== "missing"), checks });
      else {
        const marks = { ok: "✔", warning: "!", missing: "✘" } as const;
        for (const { name, state, detail, remedy } of checks) {
          process.stdout.write(`${marks[state]} ${name.padEnd(10)} ${detail}${remedy === undefined ? "" : ` — ${remedy}`}\n`);
        }
      }
      if (checks.some(({ state }) => state === "missing")) process.exitCode = 1;
    });
}

async function machine(): Promise<Check> {
  const home = recist3dHome();
  const disk = statfsSync(existsSync(home) ? home : path.parse(path.resolve(home)).root);
  const freeGb = (disk.bavail * disk.bsize) / 1e9;
  const detail = `Node ${process.versions.node}, ${os.availableParallelism()} cores, ${(os.totalmem() / 1e9).toFixed(0)} GB memory, ${freeGb.toFixed(0)} GB free on disk`;
  return freeGb < 2
    ? { name: "machine", state: "warning", detail, remedy: "a campaign may fill the disk" }
    : { name: "machine", state: "ok", detail };
}

async function tool(name: "temporal" | "versitygw"): Promise<Check> {
  try {
    const { stdout } = await run(toolPath(name), ["--version"]);
    return { name, state: "ok", detail: stdout.trim().split("\n")[0] };
  } catch {
    const needed = name === "temporal" && !process.env.TEMPORAL_ADDRESS;
    return { name, state: needed ? "missing" : "warning", detail: "not installed", remedy: "npm run setup" };
  }
}

async function backendChecks(): Promise<Check[]> {
  let backend: Backend;
  try {
    backend = await openBackend();
  } catch (error) {
    return [{ name: "backend", state: "missing", detail: (error as Error).message, remedy: "npm run setup" }];
  }
  const passedOver = backend.passedOver.filter(({ name }) => name !== "gpu").map(({ name, reason }) => `${name}: ${reason}`);
  const opened: Check = backend.slow
    ? {
        name: "backend",
        state: "warning",
        detail: `${backend.fingerprint} (${passedOver.join("; ")})`,
        remedy: "training would take very long; npm run setup",
      }
    : { name: "backend", state: "ok", detail: backend.fingerprint };
  if (backend.slow) return [opened];
  const imagesPerSecond = await measureTrainingSpeed(backend);
  return [
    opened,
    {
      name: "training",
      state: "ok",
      detail: `${imagesPerSecond.toFixed(0)} images/s (HNN width 0.25, 64 × 64, batch 8, forward and backward)`,
    },
  ];
}

async function storeCheck(): Promise<Check> {
  try {
    const store = await openStore();
    const probe = await store.putBlob(Buffer.from("recist3d doctor\n"));
    await store.getBlob(probe);
    return { name: "store", state: "ok", detail: store.url };
  } catch (error) {
    return { name: "store", state: "missing", detail: (error as Error).message };
  }
}

async function engineCheck(): Promise<Check> {
  if ((await findEngine()) === undefined)
    return { name: "engine", state: "warning", detail: "not running", remedy: "recist3d up (run starts it by itself)" };
  try {
    const engine = await connectEngine();
    await engine.close();
    return { name: "engine", state: "ok", detail: `${engine.address}, namespace ${engine.namespace}` };
  } catch (error) {
    return { name: "engine", state: "missing", detail: (error as Error).message };
  }
}
