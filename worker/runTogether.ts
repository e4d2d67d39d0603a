import type { Worker } from "@temporalio/worker";

/**
 * Runs workers until all have ended. When one fails the others are shut down and waited for: nobody uses their connection
 * any more.
 *
 * @param onFailure is told at once, before the others have ended.
 * @throws what the first one failed with.
 */
export async function runTogether(
  workers: readonly Pick<Worker, "run" | "shutdown" | "getState">[],
  onFailure: (error: unknown) => void,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const failed = (error: unknown): void => {
    if (failure !== undefined) return;
    failure = { error };
    onFailure(error);
    for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
  };
  await Promise.all(workers.map((worker) => worker.run().catch(failed)));
  if (failure !== undefined) throw failure.error;
}
