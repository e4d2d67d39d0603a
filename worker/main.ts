import { renameSync, writeFileSync } from "node:fs";
import { SdkComponent } from "@temporalio/common";
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import pino from "pino";
import { createActivities } from "../activities/index.ts";
import { openStore } from "../artifacts/openStore.ts";
import { engineAddress, engineNamespace, nativeConnectionOptions } from "../engine/connection.ts";
import { InputError } from "../methods/inputError.ts";
import { numericsQueue, taskQueues } from "../schemas/taskQueues.ts";
import { workflowBundle } from "./bundle.ts";
import { ComputePool } from "./computePool.ts";
import { runTogether } from "./runTogether.ts";
import { type WorkerOptions, workerOptions } from "./workerOptions.ts";

/**
 * A worker process: `--queues cpu,gpu`. The cpu queue carries the workflows and everything without a network; the gpu
 * queue takes one action at a time, since a device trains one network at a time. Exit codes: 0 shut down, 1 a worker
 * failed, 2 its options are wrong.
 */
const { queues, cpuSlots } = toldOptions();

/** Time that the others have to end when one has failed: a process that lives on is not started again. */
const LAST_WORDS_MS = 30_000;

const log = pino({ name: "worker", level: process.env.RECIST3D_LOG_LEVEL ?? "info" }, pino.destination(2));
Runtime.install({
  shutdownSignals: ["SIGTERM", "SIGINT"],
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: "WARN", other: "WARN" }), forward: {} } },
  // What the SDK says below a warning is every task with its payloads, people's answers among them.
  logger: new DefaultLogger("INFO", ({ level, message, meta }) => {
    if (level === "ERROR") log.error(meta, message);
    else if (level === "WARN") log.warn(meta, message);
    else if (meta?.sdkComponent === SdkComponent.workflow) log.info(meta, message);
  }),
});

const store = await openStore();
const compute = new ComputePool(store.url);
const connection = await NativeConnection.connect(nativeConnectionOptions());
const activities = createActivities({ store, compute });
const namespace = engineNamespace();
const codePath = await workflowBundle();

const polled = queues.flatMap((queue) => {
  if (queue === "cpu") return [{ taskQueue: taskQueues.cpu, slots: cpuSlots + 2, workflowBundle: { codePath } }];
  return [
    { taskQueue: taskQueues.gpu, slots: 1 },
    { taskQueue: numericsQueue, slots: 1 },
  ];
});
const workers = await Promise.all(
  polled.map(({ slots, ...polling }) =>
    Worker.create({
      connection,
      namespace,
      activities,
      ...polling,
      maxConcurrentActivityTaskExecutions: slots,
      maxHeartbeatThrottleInterval: "500ms",
      defaultHeartbeatThrottleInterval: "500ms",
      shutdownGraceTime: "5s",
    }),
  ),
);
const running = runTogether(workers, (error) => {
  log.fatal({ err: error }, "a worker failed: the others are shut down");
  setTimeout(() => process.exit(1), LAST_WORDS_MS).unref();
});
log.info({ queues, engine: engineAddress(), store: store.url, pid: process.pid }, "polling");
console.log(JSON.stringify({ ready: true, pid: process.pid }));
const readyFile = process.env.RECIST3D_READY_FILE;
if (readyFile !== undefined) {
  writeFileSync(`${readyFile}.${process.pid}`, String(process.pid));
  renameSync(`${readyFile}.${process.pid}`, readyFile);
}
const code = await running.then(
  () => 0,
  () => 1,
);
compute.close();
await connection.close();
process.exit(code);

function toldOptions(): WorkerOptions {
  try {
    return workerOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(`worker: ${error.message}`);
    process.exit(2);
  }
}
