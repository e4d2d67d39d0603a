// The services of docker-compose.yml on this machine, without containers: PostgreSQL, the Temporal server on it, an S3
// server and workers. Runs a command against them, then stops them all:
//
//   npm run setup -- --only npm,tfjs,tools,bundle,server
//   node --import tsx deploy/withoutContainers.ts [--folder DIR] [--no-workers] -- bin/recist3d run pipelines/demo.yaml --id demo
//
// The command finds them by TEMPORAL_ADDRESS, RECIST3D_STORE and the store's keys. A service that dies meanwhile is started
// again, as a container would be. --folder keeps the databases for the next time; by default they are temporary.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { engineAnswers } from "../engine/connection.ts";
import { findProcess, freePort, isFree, type LocalProcessPlan, startProcess, stopProcess } from "../engine/localProcess.ts";
import { startStore, stopStore } from "../engine/localStore.ts";
import { startWorkers, stopWorkers } from "../engine/localWorkers.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DATABASE_USER = "temporal";
const WATCH_MS = 1000;
/** The server's own ports follow the one for clients (temporal.yaml). */
const SERVER_PORTS = 8;

function say(line: string): void {
  process.stderr.write(`withoutContainers: ${line}\n`);
}

/** The newest PostgreSQL on this machine: Debian keeps its programs off PATH. */
function postgresPrograms(): string {
  const packaged = "/usr/lib/postgresql";
  const versions = existsSync(packaged) ? readdirSync(packaged).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [process.env.PG_BIN, ...versions.map((version) => path.join(packaged, version, "bin"))];
  for (const folder of [...folders, ...(process.env.PATH ?? "").split(path.delimiter)]) {
    if (folder && existsSync(path.join(folder, "initdb"))) return folder;
  }
  throw new Error("PostgreSQL was not found; install it (apt-get install postgresql) or name the folder of initdb by PG_BIN");
}

/** PostgreSQL refuses to run as root: then it runs as "nobody". */
function databaseOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Makes the database folder unless it is there, and tells how to run the server on it. */
function postgres(folder: string, port: number, password: string): LocalProcessPlan {
  const programs = postgresPrograms();
  const user = databaseOwner();
  const data = path.join(folder, "data");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path.join(data, "PG_VERSION"))) {
    mkdirSync(data);
    const passwordFile = path.join(folder, "password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    for (const place of user === undefined ? [] : [data, passwordFile]) chownSync(place, user!.uid, user!.gid);
    const initialise = ["--pgdata", data, "--username", DATABASE_USER, "--pwfile", passwordFile, "--auth", "scram-sha-256"];
    execFileSync(path.join(programs, "initdb"), [...initialise, "--encoding", "UTF8", "--locale", "C"], {
      ...user,
      cwd: "/",
      stdio: ["ignore", "ignore", "inherit"],
    });
    rmSync(passwordFile);
  }
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="];
  return {
    folder,
    command: path.join(programs, "postgres"),
    arguments: ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    user,
    workingFolder: "/",
    program: "postgres",
    port,
    isReady: async () => spawnSync(path.join(programs, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)]).status === 0,
  };
}

function temporalServer(folder: string, port: number, environment: NodeJS.ProcessEnv): LocalProcessPlan {
  return {
    folder,
    command: path.join(ROOT, ".bin/temporal-server"),
    arguments: ["--config-file", path.join(ROOT, "deploy/temporal.yaml"), "--allow-no-auth", "start"],
    environment: {
      ...environment,
      TEMPORAL_PORT: String(port),
      TEMPORAL_DYNAMIC_CONFIG: path.join(ROOT, "deploy/temporal.dynamic.yaml"),
    },
    program: "temporal-server",
    port,
    isReady: async () => !(await isFree(port)),
    readyTimeoutMs: 60_000,
  };
}

function prepareTemporal(what: "tables" | "namespace", environment: NodeJS.ProcessEnv): void {
  const { status, stdout, stderr } = spawnSync(path.join(ROOT, "deploy/prepareTemporal.sh"), [what], {
    env: { ...process.env, ...environment, PATH: `${path.join(ROOT, ".bin")}${path.delimiter}${process.env.PATH}` },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`preparing the engine's ${what} failed:\n${stdout}${stderr}`);
}

/** A port that is free, and so are those after it that the server takes. Kept in the folder for the next time. */
async function rememberedPort(file: string, count: number): Promise<number> {
  if (existsSync(file)) return Number(readFileSync(file, "utf8"));
  for (;;) {
    const first = await freePort();
    const rest = await Promise.all(Array.from({ length: count - 1 }, (_, offset) => isFree(first + 1 + offset)));
    if (!rest.every(Boolean)) continue;
    writeFileSync(file, String(first));
    return first;
  }
}

/** Starts all but the workers; the returned functions see to those, and start again what has died. */
async function startServices(home: string) {
  const databasePort = await rememberedPort(path.join(home, "postgres.port"), 1);
  const database = { SQL_HOST: "127.0.0.1", SQL_PORT: String(databasePort), SQL_USER: DATABASE_USER, SQL_PASSWORD: "local" };
  const port = await rememberedPort(path.join(home, "temporal.port"), SERVER_PORTS);
  const address = `127.0.0.1:${port}`;
  const plans = [
    postgres(path.join(home, "postgres"), databasePort, database.SQL_PASSWORD),
    temporalServer(path.join(home, "temporal"), port, database),
  ];

  await startProcess(plans[0]);
  say(`PostgreSQL at 127.0.0.1:${databasePort}`);
  prepareTemporal("tables", database);
  await startProcess(plans[1]);
  prepareTemporal("namespace", { TEMPORAL_ADDRESS: address });
  while (!(await engineAnswers(address))) await sleep(200);
  say(`Temporal at ${address}`);
  const store = await startStore({ home });
  say(`S3 at ${store.url}`);
  const environment = {
    TEMPORAL_ADDRESS: address,
    RECIST3D_STORE: store.url,
    RECIST3D_S3_ACCESS_KEY: store.accessKey,
    RECIST3D_S3_SECRET_KEY: store.secretKey,
  };
  const workers = () => startWorkers({ home, address, store: store.url, queues: [["cpu"], ["gpu"]], environment });
  return {
    environment,
    async startWorkers() {
      await workers();
      say("workers for cpu and gpu");
    },
    async mend(withWorkers: boolean) {
      for (const plan of plans) if (findProcess(plan.folder) === undefined) await startProcess(plan);
      await startStore({ home });
      if (withWorkers) await workers();
    },
  };
}

async function stopServices(home: string): Promise<void> {
  await stopWorkers(home);
  await stopStore(home);
  for (const name of ["temporal", "postgres"]) await stopProcess(path.join(home, name));
}

/** The command, once it runs: it gets the signals that are sent to us. Before that, a signal stops what was started. */
let child: ChildProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (child?.kill(signal)) return;
    void stopServices(home).then(() => process.exit(128 + constants.signals[signal]));
  });
}

/** @returns the command's exit code */
async function runCommand(
  [program, ...args]: string[],
  environment: NodeJS.ProcessEnv,
  whileRunning: () => Promise<void>,
): Promise<number> {
  const command = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...environment } });
  child = command;
  const ended = new Promise<number>((resolve, reject) => {
    command.once("error", reject);
    command.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
  let code: number | undefined;
  const end = ended.then((value) => {
    code = value;
  });
  while (code === undefined) {
    await Promise.race([end, sleep(WATCH_MS)]);
    if (code === undefined) await whileRunning().catch((error: Error) => say(error.message));
  }
  return code;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { folder: { type: "string" }, "no-workers": { type: "boolean", default: false } },
});
if (positionals.length === 0) {
  say("usage: withoutContainers.ts [--folder DIR] [--no-workers] -- COMMAND…");
  process.exit(2);
}
if (!existsSync(path.join(ROOT, ".bin/temporal-server"))) {
  say("the server is not built: npm run setup -- --only npm,tfjs,tools,bundle,server");
  process.exit(1);
}
const home = values.folder === undefined ? mkdtempSync(path.join(tmpdir(), "recist3d-services-")) : path.resolve(values.folder);
mkdirSync(home, { recursive: true });
chmodSync(home, 0o711);
try {
  const services = await startServices(home);
  if (!values["no-workers"]) await services.startWorkers();
  process.exitCode = await runCommand(positionals, services.environment, () => services.mend(!values["no-workers"]));
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
} finally {
  await stopServices(home);
  if (values.folder === undefined) rmSync(home, { recursive: true, force: true });
}
