import type { Client } from "@temporalio/client";
import { Hono } from "hono";
import type { z } from "zod";
import { drawnMaskObjection } from "../../activities/drawnMasks.ts";
import type { Store } from "../../artifacts/store.ts";
import { listWaiting, readingState, tellReading } from "../../client/readings.ts";
import { InputError } from "../../methods/inputError.ts";
import { sequenceOf } from "../../methods/reading/sequence.ts";
import {
  type AnswerMessage,
  type AnswerReceipt,
  answerMessageSchema,
  type Claim,
  claimMessageSchema,
  finishMessageSchema,
  readerSchema,
  releaseMessageSchema,
} from "../../schemas/reading.ts";
import type { ReadingView, WaitingList } from "../../schemas/review.ts";
import { parsed } from "./messages.ts";

const messages = {
  answer: answerMessageSchema,
  claim: claimMessageSchema,
  release: releaseMessageSchema,
  finish: finishMessageSchema,
};

/** What waits for people, one reading as one reader sees it, and the reader's messages, passed on to the workflow. */
export function readingRoutes(client: Client, store: Store): Hono {
  const routes = new Hono();
  routes.get("/", async (context) => context.json((await listWaiting(client)) satisfies WaitingList));

  routes.get("/:workflow", async (context) => {
    const asked = context.req.query("reader");
    const reader = asked === undefined ? null : parsed(readerSchema, asked);
    const state = await readingState(client, context.req.param("workflow"), reader);
    const sequence = reader === null ? [] : sequenceOf(state.protocol, reader, state.count).map((showing) => showing.case);
    return context.json({ state, reader, sequence } satisfies ReadingView);
  });

  for (const [name, schema] of Object.entries(messages) as [keyof typeof messages, z.ZodType][]) {
    routes.post(`/:workflow/${name}`, async (context) => {
      const message = parsed(schema, await context.req.json().catch(() => undefined));
      if (name === "answer") await checkMasks(store, message as AnswerMessage);
      const answer = await tellReading<AnswerReceipt | Claim | undefined>(client, context.req.param("workflow"), name, message);
      return context.json(answer ?? {});
    });
  }
  return routes;
}

/** What the workflow would find out too, said before it is asked: so nothing of it stays in the history. @throws InputError */
async function checkMasks(store: Store, { entries, cases, reader: author }: AnswerMessage): Promise<void> {
  for (const { mask } of entries) {
    const objection = mask === undefined ? null : await drawnMaskObjection(store, mask, { cases, author });
    if (objection !== null) throw new InputError(objection);
  }
}
