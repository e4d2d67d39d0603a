import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { commitAction } from "../artifacts/records.ts";
import type { Digest, Store } from "../artifacts/store.ts";
import { type Action, type ActionProgress, type ActionResult, actionProgressSchema } from "../schemas/messages.ts";
import { kindOf } from "../schemas/stepKinds.ts";
import type { ComputeOptions, ComputeProcessDied } from "../worker/computePool.ts";
import type { ComputeRequest } from "../worker/computeProtocol.ts";
import { type FingerprintOf, finished, keyOf, partRecords, recordOf } from "./actionRecords.ts";
import { newestCheckpoint } from "./checkpoints.ts";
import { createCurations } from "./curations.ts";
import { createLedger, fingerprintFor } from "./ledger.ts";
import { createReadings } from "./readings.ts";
import type { StepResult } from "./steps/step.ts";

export interface ActivityDependencies {
  readonly store: Store;
  readonly compute: { run<R>(request: ComputeRequest, options: ComputeOptions): Promise<R> };
}

/** Errors that another attempt cannot mend. */
const FINAL = new Set([
  ...["InputError", "StoreInputError", "NonFiniteLossError", "ZodError", "TypeError", "RangeError"],
  ...["MissingBlobError", "DamagedBlobError", "DamagedPointerError", "MalformedDocumentError"],
  ...["LostCheckpointError", "DiesAlways"],
]);
/** Compute processes that die this often over one action, without coming further, will not survive the next time either. */
const MAX_DEATHS = 10;
/** An action is offered so often to workers whose arithmetic is not the campaign's. */
const NUMERICS_ATTEMPTS = 5;
const HEARTBEAT_MS = 1000;

export type Activities = ReturnType<typeof createActivities>;

/** The activities of a worker, over its store and its compute processes. */
export function createActivities({ store, compute }: ActivityDependencies) {
  let fingerprint: Promise<string> | undefined;
  const numericsFingerprint = (): Promise<string> => {
    fingerprint ??= compute
      .run<string>({ type: "fingerprint" }, { signal: new AbortController().signal, onProgress: () => {} })
      .catch((error: unknown) => {
        fingerprint = undefined;
        throw error;
      });
    return fingerprint;
  };
  const fingerprintOf: FingerprintOf = async ({ kind, numerics }) => {
    const network = kindOf(kind).numerics === "network" ? (numerics ?? (await numericsFingerprint())) : "";
    return fingerprintFor(kindOf(kind).numerics, network);
  };

  const ledger = {
    ...createLedger(store, fingerprintOf),
    ...createReadings(store, fingerprintOf),
    ...createCurations(store, fingerprintOf),
  };

  /** Another worker of the queue may have the arithmetic that is asked for; where none has, people must choose. */
  async function requireNumerics(asked: string, attempt: number): Promise<void> {
    const own = await numericsFingerprint();
    if (own === asked) return;
    throw ApplicationFailure.create({
      message: `this worker computes with "${own}", the campaign with "${asked}": bring back a worker like that, or retry to go on with today's (a training under way then starts anew)`,
      type: "OtherNumerics",
      nonRetryable: attempt >= NUMERICS_ATTEMPTS,
    });
  }

  /**
   * Executes an action unless its record exists already. Heartbeats come from a timer (a long step or a slow disk is
   * not death) and carry the progress with the newest checkpoint.
   */
  async function runAction(action: Action, step?: string): Promise<ActionResult> {
    const { cancellationSignal, info, heartbeat } = Context.current();
    const kind = kindOf(action.kind);
    const before = actionProgressSchema.safeParse(info.heartbeatDetails).data;
    let progress: ActionProgress = { step, unit: "", done: 0, total: 0, deaths: before?.deaths, checkpoint: before?.checkpoint };
    heartbeat(progress);
    // From here on: on a busy machine the arithmetic's fingerprint alone may take longer than the engine waits.
    const timer = setInterval(() => heartbeat(progress), HEARTBEAT_MS);
    const started = new Date();
    try {
      const fingerprint = await fingerprintOf(action);
      const key = keyOf(action, fingerprint);
      const found = await finished(store, key);
      if (found !== null) return found;
      const checkpoint = kind.checkpoints ? ((await newestCheckpoint(store, key)) ?? undefined) : undefined;
      const deaths = checkpoint === before?.checkpoint ? (before?.deaths ?? 0) : 0;
      progress = { ...progress, checkpoint, deaths };
      const gathers = kind.shape === "sharded" && action.part === undefined;
      if (kind.numerics === "network" && !gathers) await requireNumerics(fingerprint, info.attempt);
      const parts = gathers ? await partRecords(store, action, await ledger.countParts(action), fingerprint) : [];
      const request: ComputeRequest = gathers
        ? { type: "gather", action, key, parts: parts.map(({ record }) => record.outputs as Record<string, Digest>) }
        : { type: "run", action, key };
      const { outputs, summary } = await compute.run<StepResult>(request, {
        signal: cancellationSignal,
        onProgress: (latest) => {
          const cameFurther = latest.checkpoint !== undefined && latest.checkpoint !== progress.checkpoint;
          const { checkpoint, deaths } = progress;
          progress = { ...latest, step, checkpoint: latest.checkpoint ?? checkpoint, deaths: cameFurther ? 0 : deaths };
        },
      });
      const executed = {
        action,
        key,
        fingerprint,
        outputs,
        parts: parts.map(({ digest }) => digest),
        started,
        attempt: info.attempt,
      };
      const committed = await commitAction(store, key, recordOf(executed));
      return { record: committed.digest, outputs: committed.record.outputs, cached: false, summary: summary ?? {} };
    } catch (error) {
      if (hasDied(error)) {
        const deaths = (progress.deaths ?? 0) + 1;
        // The next attempt counts on.
        heartbeat({ ...progress, deaths });
        if (deaths >= MAX_DEATHS) throw failureOf(new DiesAlways(error, deaths), cancellationSignal);
      }
      throw failureOf(error, cancellationSignal);
    } finally {
      clearInterval(timer);
    }
  }

  return { runAction, ...mendable({ numericsFingerprint, ...ledger }) };
}

/** The same activities, with a heartbeat from a timer, and errors that no retry can mend marked as such. */
function mendable<A extends Record<string, (...args: never[]) => Promise<unknown>>>(activities: A): A {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      const { cancellationSignal, info, heartbeat } = Context.current();
      // Local ones have no heartbeat: the workflow's own task is watched.
      const timer = info.isLocal ? undefined : setInterval(heartbeat, HEARTBEAT_MS);
      try {
        return await activity(...args);
      } catch (error) {
        throw failureOf(error, cancellationSignal);
      } finally {
        clearInterval(timer);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as A;
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason instanceof CancelledFailure ? signal.reason : new CancelledFailure("cancelled");
  if (!(error instanceof Error) || error instanceof ApplicationFailure) return error;
  const name = "errorName" in error ? String(error.errorName) : error.name;
  return ApplicationFailure.create({ message: error.message, type: name, nonRetryable: FINAL.has(name), cause: error });
}

const hasDied = (error: unknown): error is ComputeProcessDied => error instanceof Error && error.name === "ComputeProcessDied";

/** Where no attempt is worth another one. */
class DiesAlways extends Error {
  override readonly name = "DiesAlways";

  constructor({ message }: ComputeProcessDied, deaths: number) {
    super(
      `${message}; so did ${deaths} in a row, none of which came further — if nobody killed them, memory ran out: take a smaller batch, crop or width, or a machine with more of it, then retry`,
    );
  }
}
