import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import { numericsQueue, type Queue, taskQueues } from "../schemas/taskQueues.ts";

/**
 * Proxies of the activities by task queue. Actions may run for days: they are watched by their heartbeat, which comes
 * from a timer, not by a deadline. Retries are endless because what cannot be mended by trying again (wrong input,
 * damaged bytes, a loss that is not finite) is thrown as non-retryable.
 */
const retry = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "20s" } as const;

/**
 * What goes ahead of what where many wait for the same workers, strictly: look-ups, which people and other campaigns wait
 * for, before all else. On cpu, whole actions (gathering parts, evaluating) before parts: they are few and let steps begin.
 * On gpu, parts before whole actions: they take seconds, a training takes hours, and behind the trainings of other
 * campaigns a harvest would hardly move.
 */
const priorities = { lookUp: 1, cpu: { action: 2, part: 3 }, gpu: { action: 3, part: 2 } } as const;

function actionsOn(queue: Queue, priorityKey: number) {
  return proxyActivities<Pick<Activities, "runAction">>({
    taskQueue: taskQueues[queue],
    priority: { priorityKey },
    startToCloseTimeout: "60 days",
    heartbeatTimeout: "8s",
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry,
  });
}

export const actions = { cpu: actionsOn("cpu", priorities.cpu.action), gpu: actionsOn("gpu", priorities.gpu.action) };
export const partActions = { cpu: actionsOn("cpu", priorities.cpu.part), gpu: actionsOn("gpu", priorities.gpu.part) };

/** Look-ups and commits in the store: short, but for scanning a source, which reads every file of it once. */
export const ledger = proxyActivities<Omit<Activities, "runAction" | "numericsFingerprint" | "remind">>({
  taskQueue: taskQueues.cpu,
  priority: { priorityKey: priorities.lookUp },
  startToCloseTimeout: "1 day",
  heartbeatTimeout: "30s",
  retry,
});

/** Asked of the workers that will compute, since it is their arithmetic that counts. */
export const numerics = proxyActivities<Pick<Activities, "numericsFingerprint">>({
  taskQueue: numericsQueue,
  startToCloseTimeout: "10 minutes",
  heartbeatTimeout: "30s",
  retry,
});

/** Words to people outside: tried a few times, since nothing depends on them. */
export const notices = proxyActivities<Pick<Activities, "remind">>({
  taskQueue: taskQueues.cpu,
  priority: { priorityKey: priorities.lookUp },
  startToCloseTimeout: "20s",
  scheduleToCloseTimeout: "5 minutes",
  retry: { ...retry, maximumAttempts: 5 },
});
