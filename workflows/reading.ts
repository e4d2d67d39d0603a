import { defineSearchAttributeKey } from "@temporalio/common";
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  log,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { Action, ActionResult } from "../schemas/messages.ts";
import type {
  AnswerMessage,
  AnswerReceipt,
  Claim,
  ClaimMessage,
  FinishMessage,
  ReadingState,
  ReleaseMessage,
  Waiting,
} from "../schemas/reading.ts";
import type { StepParams } from "../schemas/stepKinds.ts";
import { actions, ledger, notices } from "./actions.ts";
import { Admission, refused } from "./admission.ts";
import { AnswerBook, type CarriedBook } from "./answerBook.ts";
import { pauseSignal } from "./childWorkflow.ts";
import { MaskLookup } from "./maskLookup.ts";

export const answerUpdate = defineUpdate<AnswerReceipt, [AnswerMessage]>("answer");
export const claimUpdate = defineUpdate<Claim, [ClaimMessage]>("claim");
export const releaseUpdate = defineUpdate<void, [ReleaseMessage]>("release");
export const finishUpdate = defineUpdate<void, [FinishMessage]>("finish");
export const readingQuery = defineQuery<ReadingState | null, [reader: string | null]>("reading");
export const waitingQuery = defineQuery<Waiting | null>("waiting");
const waitsFor = defineSearchAttributeKey("WaitsFor", "KEYWORD");

const HOUR_MS = 3_600_000;
/** Answers go to the store when so many are not yet there, or when one has waited for so long. */
const WRITE_EVENTS = 500;
const WRITE_AFTER_MS = 600_000;

/** Where a reading stands among others, and what one run of it hands to the next. */
export interface ReadingPlace {
  /** Which of several successive readings this is, from 1. */
  round: number;
  /** The step that waits; absent: what the workflow's id names after the campaign. */
  step?: string;
  carried?: {
    count: number;
    length: number;
    since: number;
    reminded: number;
    reminders: number;
    /** Digest of the log's newest chunk. */
    head: string | null;
    book: CarriedBook;
  };
}

/**
 * Waits for people. An answer is in the history before it is acknowledged and goes to the store in a chunk of the log;
 * meanwhile nothing is done and no worker is held. Where the history grows long, the engine suggests a new run.
 */
export async function reading(action: Action, place: ReadingPlace = { round: 1 }): Promise<ActionResult> {
  const { decide, policy: _, ...protocol } = action.params as StepParams<"reading">;
  const { deadline, remindHours } = protocol;
  const cases = action.inputs.cases.artifact;
  let { count, length, since, reminded, reminders, head } = place.carried ?? opening();
  // Messages that came between two runs are looked at while the handlers are set: the book must be open by then.
  let book = place.carried && new AnswerBook(protocol, { cases, length, since }, place.carried.book);
  const opened = (): AnswerBook => {
    if (decide === "policy") throw refused("a policy decides here; nobody is asked");
    if (book === undefined) throw refused("the reading is being opened; try again in a moment");
    return book;
  };
  const admission = (): Admission => new Admission(opened());
  const masks = MaskLookup.of(action, protocol);

  /** Admitted again after the look-up, since the reading may have ended meanwhile. */
  const answerWithMasks = async (message: AnswerMessage): Promise<AnswerReceipt> => {
    await masks?.require({ ...message, entries: opened().fresh(message) });
    admission().answer(message, Date.now());
    return opened().answer(message, Date.now());
  };
  const finishAfterMasks = (message: FinishMessage): void => {
    admission().finish(message);
    opened().finish(message, Date.now());
  };
  setHandler(answerUpdate, (message) => masks?.inOrder(() => answerWithMasks(message)) ?? opened().answer(message, Date.now()), {
    validator: (message) => admission().answer(message, Date.now()),
  });
  setHandler(claimUpdate, (message) => opened().claim(message, Date.now()), {
    validator: (message) => admission().claim(message),
  });
  setHandler(releaseUpdate, (message) => opened().release(message, Date.now()), {
    validator: (message) => admission().release(message),
  });
  setHandler(finishUpdate, (message) => masks?.inOrder(() => finishAfterMasks(message)) ?? opened().finish(message, Date.now()), {
    validator: (message) => admission().finish(message),
  });
  // A pause holds up no people: what they answer starts no work.
  setHandler(pauseSignal, () => {});

  const [campaign, ...names] = workflowInfo().workflowId.split("/");
  const deadlineAt = deadline === undefined ? null : since + deadline.hours * HOUR_MS;
  const where = () => ({ campaign, step: place.step ?? names.join("/"), round: place.round, since, reminders, count });
  const waiting = (): Waiting => {
    const { answered, roll } = opened();
    const { layout, title } = protocol;
    return { ...where(), layout, title, deadline: deadlineAt, answered, readers: roll.map(({ reader }) => reader) };
  };
  setHandler(waitingQuery, () => (book === undefined || book.closedBy !== null ? null : waiting()));
  setHandler(readingQuery, (reader) => {
    if (book === undefined) return null;
    const { closedBy, roll: readers } = book;
    const seen = reader === null ? { own: [], masks: [], claim: null } : book.own(reader);
    const shared = protocol.mode === "shared" ? book.sharedWith(reader) : [];
    return { ...where(), cases, length, protocol, deadline: deadlineAt, closed: closedBy !== null, readers, ...seen, shared };
  });

  /** The declared rule decides on all cases; what people answered stays in the log. */
  const decideByPolicy = async (log: string | null): Promise<ActionResult> => {
    const { outputs, record } = await actions.cpu.runAction(await ledger.policyOf(action));
    return ledger.recordReading({ action, log, policy: { decisions: outputs.decisions, record }, started: since });
  };
  if (decide === "policy") return decideByPolicy(null);

  if (book === undefined) {
    const found = await ledger.openReading({ action, since });
    ({ count, length, head } = found);
    book = new AnswerBook(protocol, { cases, length, since }, found);
    book.closeWhenFinished(Date.now());
    // Nobody is waited for where there is nothing to look at, e.g. no mask that was rejected.
    if (length === 0) book.close("readers", Date.now());
  }
  const open = book;

  let writing: Promise<void> | undefined;
  let failure: unknown;
  const writeChunk = async (): Promise<void> => {
    head = await ledger.writeReading({ action, previous: head, events: open.log.chunk() });
    open.log.written();
  };
  /** Nobody waits for it: while the store is away readers go on, and a next run writes the same chunk again. */
  const write = (): void => {
    writing = CancellationScope.nonCancellable(writeChunk)
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        writing = undefined;
      });
  };
  const remind = (): void => {
    reminders++;
    reminded = Date.now();
    open.log.add({ event: "reminder", received: reminded, reminders });
    log.info("people are waited for", where());
    notices.remind(waiting()).catch((error: unknown) => {
      if (!isCancellation(error)) log.warn("the reminder was not delivered", { ...where(), error });
    });
  };
  const crowded = (): boolean => open.log.events >= WRITE_EVENTS || open.log.full;
  const writeAt = (): number => (writing !== undefined ? Infinity : crowded() ? 0 : open.log.oldest + WRITE_AFTER_MS);
  const remindAt = (): number => (remindHours === 0 ? Infinity : reminded + remindHours * HOUR_MS);
  const due = (): number => Math.min(deadlineAt ?? Infinity, remindAt(), writeAt(), open.nextExpiry);
  const over = (): boolean => open.closedBy !== null || (workflowInfo().continueAsNewSuggested && !open.log.full);

  const scope = CancellationScope.current();
  const waitForPeople = async (): Promise<void> => {
    for (;;) {
      const now = Date.now();
      open.expireClaims(now);
      if (failure !== undefined) throw failure;
      if (scope.consideredCancelled) throw new CancelledFailure("the reading was cancelled");
      if (over()) return;
      if (now >= (deadlineAt ?? Infinity)) open.close("deadline", now);
      else if (now >= remindAt()) remind();
      else if (now >= writeAt()) write();
      else {
        const next = due();
        const earlier = (): boolean => over() || failure !== undefined || due() < next;
        if (next === Infinity) await condition(earlier);
        else await condition(earlier, next - now);
      }
    }
  };
  const conclude = async (): Promise<void> => {
    await CancellationScope.nonCancellable(async () => {
      await writing;
      while (open.log.events > 0) await writeChunk();
      await condition(allHandlersFinished);
    });
    upsertSearchAttributes([{ key: waitsFor, value: null }]);
  };

  upsertSearchAttributes([{ key: waitsFor, value: protocol.layout }]);
  try {
    await waitForPeople();
    // Masks may still be looked up; what ends the reading meanwhile is no new run's business.
    if (open.closedBy === null) await condition(allHandlersFinished);
  } catch (error) {
    // What was acknowledged is kept although the step is cancelled or fails: a retry goes on from it.
    open.stop();
    await conclude();
    throw error;
  }
  if (open.closedBy === null) {
    const carried = { count, length, since, reminded, reminders, head, book: open.carried };
    return continueAsNew<typeof reading>(action, { ...place, carried });
  }
  await conclude();
  if (open.closedBy === "deadline" && decide === "people-then-policy") return decideByPolicy(head);
  if (open.closedBy === "deadline" && deadline?.outcome === "fail") {
    const { answered } = open;
    throw ApplicationFailure.nonRetryable(
      `"${protocol.title}" was not finished within ${deadline.hours} h: ${answered} ${answered === 1 ? "answer" : "answers"} to ${count} cases; they are kept, and a retry goes on from them`,
      "DeadlinePassed",
    );
  }
  return ledger.recordReading({ action, log: head!, started: since });
}

function opening(): Omit<NonNullable<ReadingPlace["carried"]>, "book"> {
  const now = Date.now();
  return { count: 0, length: 0, since: now, reminded: now, reminders: 0, head: null };
}
