import { type Client, QueryNotRegisteredError, WorkflowNotFoundError, WorkflowUpdateFailedError } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { NOT_NOW, type ReadingState, type Waiting } from "../schemas/reading.ts";

/** The client's side of everything in which people look at something (schemas/reading.ts). */

/** The engine's list of what waits for people; a workflow sets the attribute while it does. */
const WAITING = "WaitsFor IS NOT NULL AND ExecutionStatus = 'Running'";

/** A message that the workflow did not take; `message` says why, for the person who sent it. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** A message that the workflow could not judge at the moment: to be sent again as it is. */
export class NotNowError extends Error {
  override readonly name = "NotNowError";
}

/** There is no such workflow. */
export class NoReadingError extends Error {
  override readonly name = "NoReadingError";
}

/**
 * Everything that waits for people, what has waited longest first.
 *
 * @returns `silent`: workflows that no worker answers for at the moment.
 */
export async function listWaiting(client: Client): Promise<{ waiting: (Waiting & { workflow: string })[]; silent: string[] }> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: WAITING })) ids.push(workflowId);
  const silent: string[] = [];
  const asked = ids.map(async (workflow) => {
    try {
      const waiting = await client.workflow.getHandle(workflow).query<Waiting | null, []>("waiting");
      return waiting === null ? [] : [{ ...waiting, workflow }];
    } catch (error) {
      // The list is a moment behind: the workflow may have ended, or have been forgotten, meanwhile.
      if (!(error instanceof WorkflowNotFoundError)) silent.push(workflow);
      return [];
    }
  });
  const waiting = (await Promise.all(asked)).flat().sort((a, b) => a.since - b.since || (a.workflow < b.workflow ? -1 : 1));
  return { waiting, silent };
}

/** A reading as `reader` sees it; null: as nobody in particular does. @throws NoReadingError, RefusedError while it is opened. */
export async function readingState(client: Client, workflow: string, reader: string | null): Promise<ReadingState> {
  try {
    const state = await client.workflow.getHandle(workflow).query<ReadingState | null, [string | null]>("reading", reader);
    if (state === null) throw new RefusedError("the reading is being opened; try again in a moment");
    return state;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new NoReadingError(`there is no reading "${workflow}"`);
    if (error instanceof QueryNotRegisteredError) throw new NoReadingError(`"${workflow}" is no reading`);
    throw error;
  }
}

/**
 * Sends one of a reading's messages and waits until the workflow has written it down.
 *
 * @throws RefusedError where the workflow does not take it, or has ended, NotNowError, NoReadingError.
 */
export async function tellReading<T>(
  client: Client,
  workflow: string,
  name: "answer" | "claim" | "release" | "finish",
  message: unknown,
): Promise<T> {
  try {
    return await client.workflow.getHandle(workflow).executeUpdate<T, [unknown]>(name, { args: [message] });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) {
      const { cause, message } = error;
      if (cause instanceof ApplicationFailure && cause.type === NOT_NOW) throw new NotNowError(cause.message);
      throw new RefusedError(cause?.message ?? message);
    }
    if (error instanceof WorkflowNotFoundError) throw await whyNotFound(client, workflow);
    throw error;
  }
}

/** The engine says the same of a workflow that has ended and of one that never was. */
async function whyNotFound(client: Client, workflow: string): Promise<Error> {
  try {
    await client.workflow.getHandle(workflow).describe();
    return new RefusedError("this reading has ended: no answer is taken any more");
  } catch {
    return new NoReadingError(`there is no reading "${workflow}"`);
  }
}
