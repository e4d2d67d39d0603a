import { defineSearchAttributeKey } from "@temporalio/common";
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
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
  ReaderBook,
  ReadingState,
  ReleaseMessage,
  Waiting,
} from "../schemas/reading.ts";
import type { StepParams } from "../schemas/stepKinds.ts";
import { actions, ledger, notices } from "./actions.ts";
import { AnswerBook, refused } from "./answerBook.ts";
import { pauseSignal } from "./sharded.ts";

export const answerUpdate = defineUpdate<AnswerReceipt, [AnswerMessage]>("answer");
export const claimUpdate = defineUpdate<Claim, [ClaimMessage]>("claim");
export const releaseUpdate = defineUpdate<void, [ReleaseMessage]>("release");
export const finishUpdate = defineUpdate<void, [FinishMessage]>("finish");
export const readingQuery = defineQuery<ReadingState | null, [reader: string | null]>("reading");
export const waitingQuery = defineQuery<Waiting | null>("waiting");
const waitsFor = defineSearchAttributeKey("WaitsFor", "KEYWORD");

const HOUR_MS = 3_600_000;
/** Answers go to the store when so many are not yet there, or when one has waited for so long. */
const WRITE_ENTRIES = 500;
const WRITE_AFTER_MS = 600_000;
/** Events of one chunk of the log: a message of at most about half a megabyte. */
const CHUNK = 2500;

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
    log: string | null;
    readers: ReaderBook[];
  };
}

/**
 * Waits for people. An answer is in the history before it is acknowledged and goes to the store in a chunk of the log;
 * meanwhile nothing is done and no worker is held.
 */
export async function reading(action: Action, place: ReadingPlace = { round: 1 }): Promise<ActionResult> {
  const { decide, policy: _, ...protocol } = action.params as StepParams<"reading">;
  const { deadline, remindHours } = protocol;
  const cases = action.inputs.cases.artifact;
  let { count, length, since, reminded, reminders, log: head, readers } = place.carried ?? opening();
  let book: AnswerBook | undefined;
  const opened = (): AnswerBook => {
    if (decide === "policy") throw refused("a policy decides here; nobody is asked");
    if (book === undefined) throw refused("the reading is being opened; try again in a moment");
    return book;
  };

  setHandler(answerUpdate, (message) => opened().answer(message, Date.now()), {
    validator: (message) => opened().checkAnswer(message, Date.now()),
  });
  setHandler(claimUpdate, (message) => opened().claim(message, Date.now()), {
    validator: (message) => opened().checkClaim(message),
  });
  setHandler(releaseUpdate, (message) => opened().release(message, Date.now()), {
    validator: (message) => opened().checkRelease(message),
  });
  setHandler(finishUpdate, (message) => opened().finish(message, Date.now()), {
    validator: (message) => opened().checkFinish(message),
  });
  // A pause holds up no people: what they answer starts no work.
  setHandler(pauseSignal, () => {});

  const [campaign, ...names] = workflowInfo().workflowId.split("/");
  const deadlineAt = deadline === undefined ? null : since + deadline.hours * HOUR_MS;
  const where = () => ({ campaign, step: place.step ?? names.join("/"), round: place.round, since, reminders, count });
  const waiting = (): Waiting => {
    const { answered, readers } = opened();
    const { layout, title } = protocol;
    return { ...where(), layout, title, deadline: deadlineAt, answered, readers: readers.map(({ reader }) => reader) };
  };
  setHandler(waitingQuery, () => (book === undefined || book.closedBy !== null ? null : waiting()));
  setHandler(readingQuery, (reader) => {
    if (book === undefined) return null;
    const { closedBy, readers } = book;
    const seen = reader === null ? { own: [], masks: [], claim: null } : book.own(reader);
    const shared = protocol.mode === "shared" ? book.shared : [];
    return { ...where(), cases, length, protocol, deadline: deadlineAt, closed: closedBy !== null, readers, ...seen, shared };
  });

  /** The declared rule decides on all cases; what people answered stays in the log. */
  const decideByPolicy = async (log: string | null): Promise<ActionResult> => {
    const { outputs, record } = await actions.cpu.runAction(await ledger.policyOf(action));
    return ledger.recordReading({ action, log, policy: { decisions: outputs.decisions, record }, started: since });
  };
  if (decide === "policy") return decideByPolicy(null);

  if (place.carried === undefined) ({ count, length, log: head, readers } = await ledger.openReading({ action, since }));
  const open = new AnswerBook(protocol, { cases, length, since }, readers);
  open.closeWhenFinished(Date.now());
  // Nobody is waited for where there is nothing to look at, e.g. no mask that was rejected.
  if (length === 0) open.close("readers", Date.now());
  book = open;

  /** Brings everything that has happened to the store. */
  const write = async (): Promise<void> => {
    while (open.unwritten.length > 0) {
      const events = open.unwritten.slice(0, CHUNK);
      head = await ledger.writeReading({ action, previous: head, events });
      open.unwritten = open.unwritten.slice(events.length);
    }
  };
  const remind = async (): Promise<void> => {
    reminders++;
    reminded = Date.now();
    open.unwritten.push({ event: "reminder", received: reminded, reminders });
    log.info("people are waited for", where());
    await notices.remind(waiting()).catch((error: unknown) => {
      if (isCancellation(error)) throw error;
      log.warn("the reminder was not delivered", { ...where(), error });
    });
  };
  const writeAt = (): number => (open.unwritten.length === 0 ? Infinity : open.unwritten[0].received + WRITE_AFTER_MS);
  const remindAt = (): number => (remindHours === 0 ? Infinity : reminded + remindHours * HOUR_MS);
  const due = (): number => Math.min(deadlineAt ?? Infinity, remindAt(), writeAt(), open.nextExpiry);
  const stirred = (): boolean =>
    open.closedBy !== null || workflowInfo().continueAsNewSuggested || open.unwritten.length >= WRITE_ENTRIES;

  upsertSearchAttributes([{ key: waitsFor, value: protocol.layout }]);
  try {
    while (open.closedBy === null && !workflowInfo().continueAsNewSuggested) {
      const now = Date.now();
      open.expireClaims(now);
      if (now >= (deadlineAt ?? Infinity)) open.close("deadline", now);
      else if (now >= remindAt()) await remind();
      else if (now >= writeAt() || open.unwritten.length >= WRITE_ENTRIES) await write();
      else {
        const next = due();
        const earlier = (): boolean => stirred() || due() < next;
        if (next === Infinity) await condition(earlier);
        else await condition(earlier, next - now);
      }
    }
  } finally {
    // What was acknowledged is kept even if the step is cancelled or fails: a retry goes on from it.
    await CancellationScope.nonCancellable(write);
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    if (open.closedBy !== null || CancellationScope.current().consideredCancelled)
      upsertSearchAttributes([{ key: waitsFor, value: null }]);
  }
  if (open.closedBy === null) {
    const carried = { count, length, since, reminded, reminders, log: head, readers: open.books };
    return continueAsNew<typeof reading>(action, { ...place, carried });
  }
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

function opening(): NonNullable<ReadingPlace["carried"]> {
  const now = Date.now();
  return { count: 0, length: 0, since: now, reminded: now, reminders: 0, log: null, readers: [] };
}
