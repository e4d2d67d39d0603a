import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { msToTs } from "@temporalio/common/lib/time.js";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connectEngine, type Engine, EngineUnreachableError, engineFolder } from "../../engine/connection.ts";
import { findEngine, startEngine, stopEngine } from "../../engine/localEngine.ts";
import { findProcess } from "../../engine/localProcess.ts";

/** Ends what a test started, also when it failed. */
async function removeHome(home: string): Promise<void> {
  await stopEngine(home);
  rmSync(home, { recursive: true, force: true });
}

function isGone(pid: number): boolean {
  return findProcessById(pid) === undefined;
}

function findProcessById(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return / [ZX] /.test(stat.slice(stat.lastIndexOf(")"))) ? undefined : stat;
  } catch {
    return undefined;
  }
}

async function retentionDays({ connection }: Engine): Promise<number> {
  const { config } = await connection.workflowService.describeNamespace({ namespace: "default" });
  return Number(config!.workflowExecutionRetentionTtl!.seconds) / (24 * 3600);
}

describe("the local engine", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), "recist3d-engine-"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await removeHome(home);
  });

  it("answers once started, is found by others, and is gone once stopped", async () => {
    const { address, pid } = await startEngine({ home });
    expect(await findEngine(home, {})).toEqual({ address, pid });
    const engine = await connectEngine({ TEMPORAL_ADDRESS: address });
    const attributes = await engine.connection.operatorService.listSearchAttributes({ namespace: "default" });
    expect(Object.keys(attributes.customAttributes!)).toEqual(expect.arrayContaining(["CampaignPhase", "WaitsFor"]));
    expect(await retentionDays(engine)).toBe(90);
    await engine.close();

    expect(await stopEngine(home)).toBe(true);
    expect(isGone(pid!)).toBe(true);
    expect(await findEngine(home, {})).toBeUndefined();
    expect(await stopEngine(home)).toBe(false);
  });

  it("is one server when two callers start it at once", async () => {
    const [one, two] = await Promise.all([startEngine({ home }), startEngine({ home })]);
    expect(two).toEqual(one);
  });

  it("that runs already is told again how long to keep what has ended, as its starter may have died before", async () => {
    const { address } = await startEngine({ home });
    const engine = await connectEngine({ TEMPORAL_ADDRESS: address });
    const config = { workflowExecutionRetentionTtl: msToTs("1 day") };
    await engine.connection.workflowService.updateNamespace({ namespace: "default", config });
    expect((await startEngine({ home })).address).toBe(address);
    expect(await retentionDays(engine)).toBe(90);
    await engine.close();
  });

  it("does not run on where it cannot be told how long to keep what has ended", async () => {
    const program = path.join(home, "stubborn.mjs");
    // Empty answers to everything but this.
    writeFileSync(
      program,
      `#!${process.execPath}
       import { writeFileSync } from "node:fs";
       import { createServer } from "node:http2";
       writeFileSync(${JSON.stringify(path.join(home, "stubborn.pid"))}, String(process.pid));
       const answer = { ":status": 200, "content-type": "application/grpc" };
       createServer()
         .on("stream", (call, { ":path": method }) => {
           if (method.endsWith("/UpdateNamespace"))
             return call.respond({ ...answer, "grpc-status": "7", "grpc-message": "never" }, { endStream: true });
           call.respond(answer, { waitForTrailers: true });
           call.on("wantTrailers", () => call.sendTrailers({ "grpc-status": "0" }));
           call.end(Buffer.alloc(5));
         })
         .listen(Number(process.argv[process.argv.indexOf("--port") + 1]), "127.0.0.1");`,
    );
    chmodSync(program, 0o755);
    vi.stubEnv("TEMPORAL_BIN", program);
    await expect(startEngine({ home })).rejects.toThrow(/cannot be told to keep .* 90 days \(.*never/);
    expect(findProcess(engineFolder(home))).toBeUndefined();
    const pid = Number(readFileSync(path.join(home, "stubborn.pid"), "utf8"));
    // This process is told of its child's end a little later.
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 5000 }).toBe(false);
  });

  it("keeps a running workflow over kill -9, and comes back at the same address", async () => {
    const first = await startEngine({ home });
    const before = await connectEngine({ TEMPORAL_ADDRESS: first.address });
    const handle = await before.client.workflow.start("nobodyRunsThis", { taskQueue: "no-worker", workflowId: "survivor" });
    process.kill(first.pid!, "SIGKILL");
    await expect.poll(() => isGone(first.pid!)).toBe(true);
    expect(await findEngine(home, {})).toBeUndefined();

    const second = await startEngine({ home });
    expect(second.pid).not.toBe(first.pid);
    expect(second.address).toBe(first.address);
    const found = await before.client.workflow.getHandle("survivor").describe();
    expect(found.status.name).toBe("RUNNING");
    expect(found.runId).toBe(handle.firstExecutionRunId);
    await before.close();
  });

  it("takes no other program for the engine when its pid was given to another one", async () => {
    const { pid } = await startEngine({ home });
    const record = path.join(engineFolder(home), "process.json");
    const genuine = readFileSync(record, "utf8");
    // This test's own process stands for the one that got the pid.
    writeFileSync(record, genuine.replace(`"pid":${pid}`, `"pid":${process.pid}`));
    expect(findProcess(engineFolder(home))).toBeUndefined();
    expect(await stopEngine(home)).toBe(false);
    writeFileSync(record, genuine);
    expect(findProcess(engineFolder(home))?.pid).toBe(pid);
  });

  it("says what its log ends with when it cannot start", async () => {
    const notDatabase = path.join(home, "notes.txt");
    writeFileSync(notDatabase, "This is no database, and the engine has to say so. ".repeat(100));
    await expect(startEngine({ home, dbFile: notDatabase })).rejects.toThrow(/engine\/log ends with:[\s\S]*not a database/);
    expect(readFileSync(notDatabase, "utf8")).toMatch(/^This is no database/);
  });
});

describe("connecting to the engine", () => {
  const home = mkdtempSync(path.join(tmpdir(), "recist3d-connect-"));
  afterAll(() => removeHome(home));

  it("names the address and the variable when nothing answers", async () => {
    const environment = { TEMPORAL_ADDRESS: "127.0.0.1:9" };
    await expect(connectEngine(environment)).rejects.toThrow(EngineUnreachableError);
    await expect(connectEngine(environment)).rejects.toThrow(/engine at 127.0.0.1:9: no answer .* check TEMPORAL_ADDRESS/);
    await expect(connectEngine({ RECIST3D_HOME: home })).rejects.toThrow(/recist3d up/);
  });

  it("names the namespace when the engine lacks it", async () => {
    const { address } = await startEngine({ home });
    const environment = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: "hospital" };
    await expect(connectEngine(environment)).rejects.toThrow(/no namespace "hospital" — .*TEMPORAL_NAMESPACE/);
  });

  it("reaches the local engine of the home that the environment names", async () => {
    const { address } = await startEngine({ home });
    const engine = await connectEngine({ RECIST3D_HOME: home });
    expect(engine.address).toBe(address);
    await engine.close();
  });
});
