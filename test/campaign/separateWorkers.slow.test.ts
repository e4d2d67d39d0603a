import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../artifacts/openStore.ts";
import { findCampaign, getRecord } from "../../artifacts/records.ts";
import type { Digest } from "../../artifacts/store.ts";
import { connectEngine } from "../../engine/connection.ts";
import { startEngine, stopEngine } from "../../engine/localEngine.ts";
import type { ActionRecord } from "../../schemas/records.ts";
import { House } from "./house.ts";

const home = mkdtempSync(path.join(os.tmpdir(), "recist3d-test-"));
const workers: ChildProcess[] = [];
let house: House;

/** A worker of the given queue alone, whose networks compute with so many threads. */
async function startWorker(queue: "cpu" | "gpu", threads: number): Promise<void> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const worker = spawn(process.execPath, ["--import", "tsx", "worker/main.ts", "--queues", queue], {
    cwd: root,
    env: { ...process.env, RECIST3D_THREADS: String(threads), RECIST3D_LOG_LEVEL: "error" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  workers.push(worker);
  await once(worker.stdout!, "data");
}

beforeAll(async () => {
  Object.assign(process.env, { RECIST3D_HOME: home, RECIST3D_STORE: `file:${home}/store` });
  const { address } = await startEngine({ home });
  process.env.TEMPORAL_ADDRESS = address;
  house = new House(home, await connectEngine());
  await Promise.all([startWorker("cpu", 1), startWorker("gpu", 2)]);
});
afterAll(async () => {
  for (const worker of workers) worker.kill();
  await house?.engine.close();
  await stopEngine(home);
  rmSync(home, { recursive: true, force: true });
});

test("workers of their own for cpu and gpu do a campaign together, though their arithmetic differs", async () => {
  await house.start("split");
  await house.result("split");
  const store = await openStore();
  const fingerprints = async (digest: Digest): Promise<string[]> => {
    const { kind, fingerprint, parts } = (await getRecord(store, digest)) as ActionRecord;
    const inside = await Promise.all(parts.map((part) => fingerprints(part as Digest)));
    return [`${kind} ${/threads=\d+/.exec(fingerprint)?.[0] ?? "plain"}`, ...inside.flat()];
  };
  const { steps } = (await findCampaign(store, "split"))!.record;
  const of = async (step: string) => [...new Set(await fingerprints(steps[step] as Digest))].sort();
  expect(await of("masks")).toEqual(["labels.initial plain"]);
  expect(await of("theta0")).toEqual(["network.train threads=2"]);
  expect(await of("wsss")).toEqual(["labels.harvest threads=2", "network.train threads=2", "segmentation.self-paced threads=2"]);
  expect(await of("wsss3d")).toEqual(["segmentation.predict threads=2"]);

  await house.start("again");
  await house.result("again");
  expect((await house.snapshot("again")).steps.map(({ state }) => state)).toEqual(Array(8).fill("cached"));
});
