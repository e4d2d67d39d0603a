import { ApplicationFailure, CancellationScope, patched, proxyLocalActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/index.ts";
import type { Action } from "../schemas/messages.ts";
import { type AnswerMessage, NOT_NOW, type Protocol } from "../schemas/reading.ts";
import { refused } from "./admission.ts";

/**
 * On the worker that carries the workflow's tasks, so that nobody waits behind long actions for a slot. One attempt, shorter than a
 * page waits: who is told that it failed sends the answer again.
 */
const { maskObjection } = proxyLocalActivities<Pick<Activities, "maskObjection">>({
  startToCloseTimeout: "8s",
  retry: { maximumAttempts: 1 },
});

/**
 * Answers name drawn masks by their digests, and a validator cannot look into the store: an answer with a mask is taken once an
 * activity has found the mask there, or refused. Otherwise one digest of nothing would let the reading fail at its end.
 */
export class MaskLookup {
  readonly #action: Action;
  #earlier: Promise<unknown> = Promise.resolve();

  constructor(action: Action) {
    this.#action = action;
  }

  /** Null where no answer comes with a mask, and in runs that began before masks were looked up. To be called once a run, at its start. */
  static of(action: Action, { layout }: Pick<Protocol, "layout">): MaskLookup | null {
    return layout === "edit" && patched("mask-lookup") ? new MaskLookup(action) : null;
  }

  /** Messages are taken in the order in which they came, although some wait for the store. */
  inOrder<T>(take: () => T | Promise<T>): Promise<T> {
    const taken = this.#earlier.then(take);
    this.#earlier = taken.catch(() => {});
    return taken;
  }

  /** @throws ApplicationFailure `Refused` where a mask is not what it should be, {@link NOT_NOW} where the store does not say. */
  async require({ reader, entries }: Pick<AnswerMessage, "reader" | "entries">): Promise<void> {
    const drawn = entries.filter(({ mask }) => mask !== undefined);
    if (drawn.length === 0) return;
    const request = { action: this.#action, reader, entries: drawn };
    const objection = await CancellationScope.nonCancellable(() => maskObjection(request)).catch((error: Error) => {
      const why = error.cause instanceof Error ? error.cause.message : error.message;
      throw ApplicationFailure.nonRetryable(`the mask could not be looked up (${why}); the answer is to be sent again`, NOT_NOW);
    });
    if (objection !== null) throw refused(objection);
  }
}
