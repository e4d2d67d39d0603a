import { CancellationScope, defineSignal, getExternalWorkflowHandle, patched, startChild } from "@temporalio/workflow";
import type { ActionResult } from "../schemas/messages.ts";

export const pauseSignal = defineSignal<[boolean]>("pause");

/** A child workflow that starts: it is paused as its input says, and told once it has begun where that has changed since. */
export interface Child {
  readonly workflowId: string;
  readonly isPaused: () => boolean;
}

/** Tells a child workflow to pause or to go on. One that has not begun is told by `runChild`, one that has ended need not be. */
export async function tellPaused(workflowId: string, paused: boolean): Promise<void> {
  await getExternalWorkflowHandle(workflowId)
    .signal(pauseSignal, paused)
    .catch(() => {});
}

/**
 * Runs a child workflow to its end. Cancelled, it has the child cancelled in whatever run it is by then: the SDK's own
 * request names the child's first run, and a child that was continued as new would go on.
 */
export async function runChild<A extends [unknown, ...unknown[]]>(
  workflow: (...args: A) => Promise<ActionResult>,
  { workflowId, isPaused }: Child,
  ...args: A
): Promise<ActionResult> {
  const pausedBefore = isPaused();
  let ended = false;
  const cancelCurrentRun = async (): Promise<void> => {
    if (ended || !patched("cancel-current-run")) return;
    const child = getExternalWorkflowHandle(workflowId);
    // Fails where the child has not started yet, which the SDK's request takes care of, or has just ended.
    await CancellationScope.nonCancellable(() => child.cancel()).catch(() => {});
  };
  CancellationScope.current().cancelRequested.catch(cancelCurrentRun);
  try {
    const child = await startChild<(...args: [unknown, ...unknown[]]) => Promise<ActionResult>>(workflow as never, {
      workflowId,
      args,
    });
    if (isPaused() !== pausedBefore && patched("pause-known-at-start")) await tellPaused(workflowId, isPaused());
    return await child.result();
  } finally {
    ended = true;
  }
}
