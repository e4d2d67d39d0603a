import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { ApplicationFailure } from "@temporalio/activity";
import { type Client, WorkflowUpdateFailedError } from "@temporalio/client";
import { putCases } from "../../activities/cases.ts";
import { putDrawnMask } from "../../activities/drawnMasks.ts";
import { type Activities, createActivities } from "../../activities/index.ts";
import { openFileStore } from "../../artifacts/fileStore.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { listWaiting, readingState, tellReading } from "../../client/readings.ts";
import { encodeSafetensors } from "../../methods/networks/safetensors.ts";
import { type Case, caseSchema } from "../../schemas/cases.ts";
import type { Action, ActionResult } from "../../schemas/messages.ts";
import type { AnswerReceipt, Claim, ReadingEntry, ReadingState, Waiting } from "../../schemas/reading.ts";
import { stepKinds } from "../../schemas/stepKinds.ts";
import { taskQueues } from "../../schemas/taskQueues.ts";
import { until } from "./house.ts";
import { openWorkflows } from "./workflowsAlone.ts";

/** Cases of one grey pixel each, called case-0 … */
export async function tinyCases(store: Store, count: number, title = "tiny"): Promise<Digest> {
  const tensors = { pixel: { dtype: "I16" as const, shape: [1, 1], data: Int16Array.of(0) } };
  const cases = Array.from(
    { length: count },
    (_, i): Case =>
      caseSchema.parse({
        id: `case-${i}`,
        images: [
          {
            file: "images.safetensors",
            tensor: "pixel",
            name: "original",
            levels: "HU",
            window: { low: 0, high: 1 },
            spacingMm: [1, 1, 1],
          },
        ],
      }),
  );
  const bytes = encodeSafetensors(tensors);
  return putCases(store, { title }, cases, [{ path: "images.safetensors", bytes, mediaType: "application/x-safetensors" }]);
}

/** An engine, workers with the real activities (but for `others`) over a store of their own, and readings on them. */
export async function openDesk(
  options: Parameters<typeof openWorkflows>[1] = { suggestNewRunAfter: 4096 },
  others: Partial<Activities> = {},
) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "recist3d-reading-"));
  const store = openFileStore(folder);
  const compute = {
    run: () => Promise.reject(new Error("nothing is computed here")),
  };
  const activities = createActivities({ store, compute });
  const trouble = { storeIsAway: false, logIsDamaged: false, lookupMs: 0 };
  const writeReading: typeof activities.writeReading = async (request) => {
    if (trouble.storeIsAway) throw new Error("the store does not answer");
    if (trouble.logIsDamaged) throw ApplicationFailure.nonRetryable("the log is damaged", "DamagedBlobError");
    return activities.writeReading(request);
  };
  const maskObjection: typeof activities.maskObjection = async (request) => {
    if (trouble.storeIsAway) throw new Error("the store does not answer");
    await new Promise((resolve) => setTimeout(resolve, trouble.lookupMs));
    return activities.maskObjection(request);
  };
  const workflows = await openWorkflows({ ...activities, writeReading, maskObjection, ...others }, options);
  return {
    store,
    workflows,
    /** While `storeIsAway`, no answer can be brought to the store and no mask looked up, while `logIsDamaged` none ever. */
    trouble,
    async start(workflowId: string, cases: Digest, protocol: object): Promise<Reading> {
      const params = stepKinds.reading.params.parse({ ...questions, ...protocol }) as Action["params"];
      const action: Action = { kind: "reading", version: 1, params, inputs: { cases: { artifact: cases } } };
      await workflows.client.workflow.start("reading", { workflowId, taskQueue: taskQueues.cpu, args: [action] });
      const reading = new Reading(workflows, workflowId, cases);
      return reading;
    },
    async close(): Promise<void> {
      await workflows.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export type Desk = Awaited<ReturnType<typeof openDesk>>;

export const questions = {
  title: "Which are good?",
  question: "Is it good?",
  layout: "single",
  answers: [
    { answer: "accept", key: "f", label: "Accept" },
    { answer: "reject", key: "j", label: "Reject" },
  ],
  mode: "shared",
};

/** What a correction by hand asks. */
export const correction = {
  layout: "edit",
  answers: [
    { answer: "edited", key: "s", label: "Corrected", mask: true },
    { answer: "unchanged", key: "k", label: "Leave it" },
  ],
};

/** A mask that somebody drew on the pixel of a case of `tinyCases`. */
export const drawnOn = (store: Store, cases: Digest, index: number, author: string, shape = [1, 1, 1]): Promise<Digest> =>
  putDrawnMask(store, {
    meta: { cases, case: `case-${index}`, author, at: 1, from: cases },
    shape,
    data: new Uint8Array(shape.reduce((product, n) => product * n)).fill(1),
  });

const entriesOf = (answers: Record<number, string | null>, at: number): ReadingEntry[] =>
  Object.entries(answers).map(([position, answer]) => ({ position: Number(position), answer, at, tookMs: 100 }));

/** What a reader's page does. */
export class Reading {
  readonly #client;
  readonly #handle;
  readonly cases: string;

  constructor({ client }: { readonly client: Client }, workflowId: string, cases: string) {
    this.#client = client;
    this.#handle = client.workflow.getHandle(workflowId);
    this.cases = cases;
  }

  get handle() {
    return this.#handle;
  }

  /** @param answers by position */
  answer(reader: string, answers: Record<number, string | null>, at = Date.now()): Promise<AnswerReceipt> {
    return this.send("answer", { reader, entries: entriesOf(answers, at) });
  }

  /** `answer` as the review server sends it, through a broken connection or a run that ends. */
  tell(reader: string, answers: Record<number, string | null>, at = Date.now()): Promise<AnswerReceipt> {
    const message = { cases: this.cases, reader, entries: entriesOf(answers, at) };
    return tellReading<AnswerReceipt>(this.#client, this.#handle.workflowId, "answer", message);
  }

  claim(reader: string, count: number): Promise<Claim> {
    return this.send("claim", { reader, count });
  }

  release(reader: string): Promise<void> {
    return this.send("release", { reader });
  }

  finish(reader: string, words: { verdict?: string; note?: string } = {}): Promise<void> {
    return this.send("finish", { reader, ...words });
  }

  send<R>(update: string, message: object): Promise<R> {
    return this.#handle.executeUpdate<R, [unknown]>(update, { args: [{ cases: this.cases, ...message }] });
  }

  state(reader: string | null = null): Promise<ReadingState | null> {
    return this.#handle.query("reading", reader);
  }

  waiting(): Promise<Waiting | null> {
    return this.#handle.query("waiting");
  }

  result(): Promise<ActionResult> {
    return this.#handle.result() as Promise<ActionResult>;
  }
}

/** The reading for which a campaign waits; where it has rounds, that of a round. */
export function readingOf(engine: { readonly client: Client }, campaign: string, round = 1): Promise<Reading> {
  return until(`campaign ${campaign} waits for people`, async () => {
    const { waiting } = await listWaiting(engine.client);
    const found = waiting.find((one) => one.campaign === campaign && one.round === round);
    if (found === undefined) return undefined;
    const { cases } = await readingState(engine.client, found.workflow, null);
    return new Reading(engine, found.workflow, cases);
  });
}

/** Why an update was refused; "taken" if it was not. */
export async function refusal(update: Promise<unknown>): Promise<string> {
  try {
    await update;
    return "taken";
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause !== undefined) return error.cause.message;
    throw error;
  }
}
