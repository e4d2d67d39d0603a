import { CancellationScope, executeChild, getExternalWorkflowHandle, patched } from "@temporalio/workflow";
import type { ActionResult } from "../schemas/messages.ts";

/**
 * Runs a child workflow to its end. Cancelled, it has the child cancelled in whatever run it is by then: the SDK's own
 * request names the child's first run, and a child that was continued as new would go on.
 */
export async function runChild<A extends [unknown, ...unknown[]]>(
  workflow: (...args: A) => Promise<ActionResult>,
  workflowId: string,
  ...args: A
): Promise<ActionResult> {
  let ended = false;
  const cancelCurrentRun = async (): Promise<void> => {
    if (ended || !patched("cancel-current-run")) return;
    const child = getExternalWorkflowHandle(workflowId);
    // Fails where the child has not started yet, which the SDK's request takes care of, or has just ended.
    await CancellationScope.nonCancellable(() => child.cancel()).catch(() => {});
  };
  CancellationScope.current().cancelRequested.catch(cancelCurrentRun);
  try {
    return await executeChild<(...args: [unknown, ...unknown[]]) => Promise<ActionResult>>(workflow as never, {
      workflowId,
      args,
    });
  } finally {
    ended = true;
  }
}
