import type { z } from "zod";
import {
  type CutMessage,
  cutAnswerSchema,
  type DrawnMaskMessage,
  givenMaskSchema,
  keptMaskSchema,
} from "../../schemas/drawnMask.ts";
import type { AnswerMessage, ClaimMessage, FinishMessage, ReleaseMessage } from "../../schemas/reading.ts";
import {
  campaignListSchema,
  campaignResultsSchema,
  campaignViewSchema,
  claimAnswerSchema,
  nothingSchema,
  readingViewSchema,
  receiptSchema,
  refusalSchema,
  shownCasesSchema,
  waitingListSchema,
} from "../../schemas/review.ts";

/** What the server said no to, with its status: 409 is a refusal by the workflow, which the person has to read. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether the workflow (or the check before it) said no to what was sent, be it for its size; anything else may succeed later. */
  get isRefusal(): boolean {
    return [400, 409, 413].includes(this.status);
  }
}

/** Answers of a moment, and messages, are given up after so long. */
const PATIENCE_MS = 30_000;

async function ask<T>(schema: z.ZodType<T>, address: string, message?: unknown): Promise<T> {
  const response = await answered(address, message);
  const result = schema.safeParse(await response.json());
  if (result.success) return result.data;
  throw new ApiError(500, `the server's answer is not understood (${result.error.issues[0].message}); is it of another version?`);
}

/** @throws ApiError */
export async function answered(address: string, message?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, {
      ...(message === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new ApiError(0, `the server does not answer (${(error as Error).message})`);
  }
  if (response.ok) return response;
  const refusal = refusalSchema.safeParse(await response.json().catch(() => null));
  throw new ApiError(response.status, refusal.data?.error ?? `the server answered ${response.status}`);
}

const reading = (workflow: string): string => `/api/readings/${encodeURIComponent(workflow)}`;

export const api = {
  waiting: () => ask(waitingListSchema, "/api/readings"),
  campaign: (id: string) => ask(campaignViewSchema, `/api/campaigns/${encodeURIComponent(id)}`),
  results: (id: string) => ask(campaignResultsSchema, `/api/campaigns/${encodeURIComponent(id)}/results`),
  campaigns: () => ask(campaignListSchema, "/api/campaigns"),
  reading: (workflow: string, reader: string | null) =>
    ask(readingViewSchema, `${reading(workflow)}${reader === null ? "" : `?reader=${encodeURIComponent(reader)}`}`),
  cases: (digest: string) => ask(shownCasesSchema, `/api/cases/${digest}`),
  keepMask: (message: DrawnMaskMessage) => ask(keptMaskSchema, "/api/masks", message),
  mask: (digest: string) => ask(givenMaskSchema, `/api/masks/${digest}`),
  cut: (cases: string, index: number, message: CutMessage) => ask(cutAnswerSchema, `/api/masks/cut/${cases}/${index}`, message),
  answer: (workflow: string, message: AnswerMessage) => ask(receiptSchema, `${reading(workflow)}/answer`, message),
  claim: (workflow: string, message: ClaimMessage) => ask(claimAnswerSchema, `${reading(workflow)}/claim`, message),
  release: (workflow: string, message: ReleaseMessage) => ask(nothingSchema, `${reading(workflow)}/release`, message),
  finish: (workflow: string, message: FinishMessage) => ask(nothingSchema, `${reading(workflow)}/finish`, message),
};
