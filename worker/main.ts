import { renameSync, writeFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { SdkComponent } from "@temporalio/common";
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import pino from "pino";
import { createActivities } from "../activities/index.ts";
import { openStore } from "../artifacts/openStore.ts";
import { engineAddress, nativeConnectionOptions } from "../engine/connection.ts";
import { numericsQueue, type Queue, taskQueues } from "../schemas/taskQueues.ts";
import { workflowBundle } from "./bundle.ts";
import { ComputePool } from "./computePool.ts";

/**
 * A worker process: `--queues cpu,gpu`. The cpu queue carries the workflows and everything without a network; the gpu
 * queue takes one action at a time, since a device trains one network at a time.
 */
const { values } = parseArgs({
  options: {
    queues: { type: "string", default: "cpu,gpu" },
    "cpu-slots": { type: "string", default: String(Math.max(1, os.availableParallelism() - 1)) },
  },
});
const queues = values.queues.split(",") as Queue[];
for (const queue of queues)
  if (!(queue in taskQueues)) throw new Error(`--queues: "${queue}" is not one of ${Object.keys(taskQueues).join(", ")}`);

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
const namespace = process.env.TEMPORAL_NAMESPACE ?? "default";
const codePath = await workflowBundle();

const polled = queues.flatMap((queue) => {
  if (queue === "cpu")
    return [{ taskQueue: taskQueues.cpu, slots: Number(values["cpu-slots"]) + 2, workflowBundle: { codePath } }];
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
const running = Promise.all(workers.map((worker) => worker.run()));
log.info({ queues, engine: engineAddress(), store: store.url, pid: process.pid }, "polling");
console.log(JSON.stringify({ ready: true, pid: process.pid }));
const readyFile = process.env.RECIST3D_READY_FILE;
if (readyFile !== undefined) {
  writeFileSync(`${readyFile}.${process.pid}`, String(process.pid));
  renameSync(`${readyFile}.${process.pid}`, readyFile);
}
try {
  await running;
} finally {
  compute.close();
  await connection.close();
}
process.exit(0);
