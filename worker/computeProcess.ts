import { checkpointsOf } from "../activities/checkpoints.ts";
import { bodyOf, parseInput } from "../activities/steps/index.ts";
import type { StepContext } from "../activities/steps/step.ts";
import { openStore } from "../artifacts/openStore.ts";
import { openBackend } from "../methods/networks/backend.ts";
import type { ActionProgress } from "../schemas/messages.ts";
import { ALIVE_EVERY_MS, type ComputeReply, type ComputeRequest } from "./computeProtocol.ts";

/**
 * A compute process: carries out the bodies of actions, one at a time, so that the worker that watches it never blocks.
 * It must not outlive its worker: when the channel closes, it ends at once.
 */
process.on("disconnect", () => process.exit(3));
process.on("SIGTERM", () => process.exit(143));
process.on("SIGINT", () => {}); // Ctrl-C reaches the whole group; the worker decides

const reply = (message: ComputeReply): void => {
  process.send?.(message);
};
setInterval(() => reply({ type: "alive" }), ALIVE_EVERY_MS);

const store = await openStore();

/** Progress is passed on at most every 200 ms; the last word always is. */
function throttled(): (progress: ActionProgress) => void {
  let last = 0;
  return (progress) => {
    const now = performance.now();
    if (now - last < 200 && progress.done < progress.total) return;
    last = now;
    reply({ type: "progress", progress });
  };
}

async function answer(request: ComputeRequest): Promise<unknown> {
  if (request.type === "fingerprint") return (await openBackend()).fingerprint;
  const { action, key } = request;
  const body = bodyOf(action.kind);
  const input = parseInput(action);
  const context: StepContext = {
    store,
    signal: new AbortController().signal,
    progress: throttled(),
    backend: () => openBackend(),
    checkpoints: checkpointsOf(store, key),
  };
  if (request.type === "run") return body.run(context, input);
  if (body.gather === undefined) throw new Error(`step kind ${action.kind} has no parts to gather`);
  return body.gather(context, input, request.parts);
}

process.on("message", (request: ComputeRequest) => {
  answer(request).then(
    (result) => reply({ type: "done", result }),
    (error: unknown) => {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      reply({ type: "failed", error: { name, message, stack } });
    },
  );
});
