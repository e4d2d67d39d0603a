import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { Action, ActionResult, ShardedProgress } from "../schemas/messages.ts";
import type { Queue } from "../schemas/taskQueues.ts";
import { actions, ledger, partActions } from "./actions.ts";
import { pauseSignal } from "./childWorkflow.ts";

export const shardedProgress = defineQuery<ShardedProgress>("progress");

export interface ShardedInput {
  action: Action;
  queue: Queue;
  /** Number of parts and the first one not yet done, when continued as new. */
  parts?: number;
  next?: number;
  paused?: boolean;
}

/** Parts in flight at once: enough to keep a few workers busy, few enough that a pause is felt soon. */
const WINDOW = 8;

/**
 * Runs the parts of an action in a sliding window, then gathers them. Parts are found again in the store by their own
 * keys, so only a counter is carried over when the history grows long.
 */
export async function sharded(input: ShardedInput): Promise<ActionResult> {
  const { action, queue } = input;
  let paused = input.paused ?? false;
  let next = input.next ?? 0;
  let done = next;
  let parts = input.parts ?? 0;
  setHandler(shardedProgress, () => ({ type: "sharded", kind: action.kind, done, total: parts }));
  setHandler(pauseSignal, (value) => {
    paused = value;
  });

  parts = input.parts ?? (await ledger.countParts(action));
  let failure: unknown;
  let inFlight = 0;
  const launch = async (part: number): Promise<void> => {
    inFlight++;
    try {
      await partActions[queue].runAction({ ...action, part });
      done++;
    } catch (error) {
      failure ??= error;
    } finally {
      inFlight--;
    }
  };
  while (next < parts && failure === undefined && !workflowInfo().continueAsNewSuggested) {
    try {
      await condition(() => (!paused && inFlight < WINDOW) || failure !== undefined);
      if (failure === undefined) void launch(next++);
    } catch (cancelled) {
      failure = cancelled;
    }
  }
  await CancellationScope.nonCancellable(() => condition(() => inFlight === 0));
  if (failure !== undefined) throw failure;
  if (next < parts) {
    await condition(allHandlersFinished);
    return continueAsNew<typeof sharded>({ action, queue, parts, next, paused });
  }
  return actions.cpu.runAction(action);
}
