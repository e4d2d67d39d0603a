import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ActionProgress } from "../schemas/messages.ts";
import { kindOf } from "../schemas/stepKinds.ts";
import type { ComputeReply, ComputeRequest, SerializedError } from "./computeProtocol.ts";

/** The compute process ended without an answer (killed, out of memory, crashed, frozen). Worth another attempt. */
export class ComputeProcessDied extends Error {
  override readonly name = "ComputeProcessDied";
}

/** An error that was thrown in a compute process. `errorName` is its class. */
export class ComputeError extends Error {
  override readonly name = "ComputeError";
  readonly errorName: string;
  constructor({ name, message, stack }: SerializedError) {
    super(message);
    this.errorName = name;
    if (stack !== undefined) this.stack = stack;
  }
}

export interface ComputeOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ActionProgress) => void;
  /** Silence after which the process counts as frozen, in ms; default 15 min: no computation blocks it for minutes. */
  readonly frozenAfterMs?: number;
}

function usesNetwork(request: ComputeRequest): boolean {
  return request.type === "fingerprint" || (request.type === "run" && kindOf(request.action.kind).numerics === "network");
}

/** Time a cancelled compute process has to stop by itself, in ms. */
const GRACE_MS = 2000;
const FROZEN_AFTER_MS = 900_000;
/** What TensorFlow says where memory ran out and it lives on. Its process holds the rest: it is as good as dead. */
const OUT_OF_MEMORY = /OOM when allocating|out of memory|resource exhausted/i;
/** Looks for signs of life within that time. */
const LOOKS = 60;

/**
 * Compute processes, each with one request at a time. They are kept warm between requests, killed on cancellation or when
 * they freeze, and stop by themselves when this process dies (their channel closes). One that has computed with a network
 * does nothing else: it keeps the device's memory, which another one's training would miss.
 */
export class ComputePool {
  readonly #storeUrl: string;
  readonly #idle: Record<"network" | "plain", ChildProcess[]> = { network: [], plain: [] };
  readonly #all = new Set<ChildProcess>();

  constructor(storeUrl: string) {
    this.#storeUrl = storeUrl;
  }

  async run<R>(request: ComputeRequest, { signal, onProgress, frozenAfterMs = FROZEN_AFTER_MS }: ComputeOptions): Promise<R> {
    signal.throwIfAborted();
    const idle = this.#idle[usesNetwork(request) ? "network" : "plain"];
    const child = idle.pop() ?? this.#start();
    let reusable = false;
    try {
      return await new Promise<R>((resolve, reject) => {
        // Looks, not time: what it said while this process itself was stopped is still unread at the first look after.
        let silentLooks = 0;
        const look = setInterval(() => {
          silentLooks++;
          if (silentLooks <= LOOKS) return;
          finish();
          reject(new ComputeProcessDied(`the compute process froze: not a word for ${frozenAfterMs / 1000} s`));
        }, frozenAfterMs / LOOKS);
        const onMessage = (reply: ComputeReply): void => {
          silentLooks = 0;
          if (reply.type === "alive") return;
          if (reply.type === "progress") {
            onProgress(reply.progress);
            return;
          }
          finish();
          if (reply.type === "failed" && OUT_OF_MEMORY.test(reply.error.message)) {
            reject(new ComputeProcessDied(`the compute process ran out of memory (${reply.error.message})`));
            return;
          }
          reusable = true;
          if (reply.type === "done") resolve(reply.result as R);
          else reject(new ComputeError(reply.error));
        };
        const onExit = (code: number | null, killed: NodeJS.Signals | null): void => {
          finish();
          if (signal.aborted) reject(signal.reason);
          else
            reject(new ComputeProcessDied(`the compute process ended with ${killed ?? `exit code ${code}`} before it answered`));
        };
        const onError = (error: Error): void => {
          finish();
          reject(new ComputeProcessDied(`the compute process cannot be started: ${error.message}`, { cause: error }));
        };
        const onAbort = (): void => {
          child.kill("SIGTERM");
          setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref();
        };
        const finish = (): void => {
          clearInterval(look);
          child.off("message", onMessage);
          child.off("exit", onExit);
          child.off("error", onError);
          signal.removeEventListener("abort", onAbort);
        };
        child.on("message", onMessage);
        child.once("exit", onExit);
        child.once("error", onError);
        signal.addEventListener("abort", onAbort, { once: true });
        child.send(request, (error) => {
          if (error !== null) child.kill("SIGKILL");
        });
      });
    } finally {
      // One that answers although it was asked to end does end.
      if (reusable && !signal.aborted && child.connected) idle.push(child);
      else child.kill("SIGKILL");
    }
  }

  /** Ends all compute processes. */
  close(): void {
    for (const child of this.#all) child.kill("SIGKILL");
  }

  #start(): ChildProcess {
    const child = fork(fileURLToPath(new URL("./computeProcess.ts", import.meta.url)), [], {
      execArgv: ["--import", "tsx"],
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { ...process.env, RECIST3D_STORE: this.#storeUrl },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#all.add(child);
    const forget = (): void => {
      this.#all.delete(child);
      for (const idle of Object.values(this.#idle)) {
        const at = idle.indexOf(child);
        if (at >= 0) idle.splice(at, 1);
      }
    };
    child.once("exit", forget);
    // Of a process that cannot be started, or not be killed or reached: without a listener it would end the worker.
    child.on("error", forget);
    return child;
  }
}
