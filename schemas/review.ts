import { z } from "zod";
import { caseSchema } from "./cases.ts";
import { digestSchema } from "./digest.ts";
import { drawnMaskMessageSchema } from "./drawnMask.ts";
import { actionProgressSchema, stepStates } from "./messages.ts";
import { answerMessageSchema, protocolSchema, readerSchema } from "./reading.ts";

/** What the review server answers to its pages, which check it on arrival. Times are milliseconds since the epoch. */

const layout = protocolSchema.shape.layout;

/** Something that waits for people: a workflow and its answer to the query `waiting` (schemas/reading.ts). */
export const waitingEntrySchema = z.strictObject({
  workflow: z.string(),
  layout,
  title: z.string(),
  campaign: z.string(),
  step: z.string(),
  round: z.int(),
  since: z.number(),
  deadline: z.number().nullable(),
  reminders: z.int(),
  count: z.int(),
  answered: z.int(),
  readers: z.array(z.string()),
});
export type WaitingEntry = z.infer<typeof waitingEntrySchema>;

export const waitingListSchema = z.strictObject({
  waiting: z.array(waitingEntrySchema),
  /** Workflows that wait for people but do not say for what: no worker answers for them at the moment. */
  silent: z.array(z.string()),
});
export type WaitingList = z.infer<typeof waitingListSchema>;

/** How a campaign stands, in the words of the command line and of the pages: one that runs waits for people while anything in it does. */
export const standsAt = (state: string, waitsForPeople: boolean): string =>
  state === "running" && waitsForPeople ? "waits for people" : state;

export const campaignListSchema = z.array(
  z.strictObject({
    campaign: z.string(),
    pipeline: z.string(),
    status: z.string(),
    waitsForPeople: z.boolean(),
    started: z.number(),
    finished: z.number().nullable(),
  }),
);
export type CampaignList = z.infer<typeof campaignListSchema>;

const actionSchema = z.strictObject({
  attempt: z.int(),
  progress: actionProgressSchema.optional(),
  lastFailure: z.string().optional(),
});

/** A campaign as it stands: what its workflow answers, and what its running actions last said. */
export const campaignViewSchema = z.strictObject({
  campaign: z.string(),
  pipeline: z.string(),
  phase: z.enum(["planning", "running", "paused", "recording", "done", "failed"]),
  status: z.string(),
  started: z.number(),
  finished: z.number().optional(),
  steps: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.string(),
      state: z.enum(stepStates),
      after: z.array(z.string()),
      started: z.number().optional(),
      finished: z.number().optional(),
      child: z.string().optional(),
      outputs: z.record(z.string(), z.string()).optional(),
      record: z.string().optional(),
      summary: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
      error: z.string().optional(),
    }),
  ),
  /** By step name, for running steps. */
  activity: z
    .record(
      z.string(),
      z.strictObject({
        parts: z.strictObject({ done: z.number(), total: z.number() }).optional(),
        round: z.strictObject({ round: z.number(), rounds: z.number(), stage: z.string() }).optional(),
        actions: z.array(actionSchema).readonly(),
        curation: z.strictObject({ round: z.number(), rounds: z.number(), stage: z.string() }).optional(),
        waiting: waitingEntrySchema.optional(),
      }),
    )
    .readonly(),
  /** Look-ups of the campaign's own that have failed and are tried again. */
  failing: z.array(z.strictObject({ activity: z.string(), attempt: z.number(), lastFailure: z.string() })).readonly(),
  /** The engine's own page of this campaign; null where the engine has none that is known. */
  enginePage: z.string().nullable(),
});
export type CampaignView = z.infer<typeof campaignViewSchema>;

/** What the finished steps of a campaign have to show. */
export const campaignResultsSchema = z.strictObject({
  curves: z.array(
    z.strictObject({
      step: z.string(),
      epochs: z.array(z.strictObject({ epoch: z.number(), training: z.number(), validation: z.number().nullable() })),
    }),
  ),
  decisions: z.array(
    z.strictObject({
      step: z.string(),
      title: z.string(),
      decidedBy: z.enum(["people", "policy"]),
      readers: z.array(z.string()),
      verdicts: z.array(z.string()),
      closedBy: z.string(),
      answers: z.record(z.string(), z.int()),
    }),
  ),
  reports: z.array(z.strictObject({ step: z.string(), address: z.string() })),
  /** Steps with masks that can be looked at in 3D. */
  volumes: z.array(z.strictObject({ step: z.string(), method: z.string(), lesions: z.array(z.string()) })),
  /** Masks and reports by source are not shown while a study of masks is being read blind. */
  withheld: z.boolean(),
});
export type CampaignResults = z.infer<typeof campaignResultsSchema>;

const claimSchema = z.strictObject({ positions: z.array(z.int().nonnegative()), until: z.number() });

/** As `ReadingState` of schemas/reading.ts. */
export const readingStateSchema = z.strictObject({
  campaign: z.string(),
  step: z.string(),
  round: z.int(),
  cases: digestSchema,
  count: z.int().nonnegative(),
  length: z.int().nonnegative(),
  protocol: protocolSchema,
  since: z.number(),
  deadline: z.number().nullable(),
  reminders: z.int(),
  closed: z.boolean(),
  readers: z.array(
    z.strictObject({
      reader: z.string(),
      answered: z.int(),
      finished: z.number().nullable(),
      verdict: z.string().nullable(),
    }),
  ),
  own: z.array(z.tuple([z.int().nonnegative(), z.string()])),
  masks: z.array(z.tuple([z.int().nonnegative(), digestSchema])),
  claim: claimSchema.nullable(),
  shared: z.array(z.tuple([z.int().nonnegative(), z.string(), z.int().nonnegative()])),
});

/** A reading as one reader sees it: `sequence[position]` is the number of the case that is shown there. */
export const readingViewSchema = z.strictObject({
  state: readingStateSchema,
  reader: readerSchema.nullable(),
  sequence: z.array(z.int().nonnegative()),
});
export type ReadingView = z.infer<typeof readingViewSchema>;

const imageSchema = caseSchema.shape.images.element.omit({ file: true, tensor: true });
const maskSchema = z.strictObject({ name: z.string() });

/**
 * A case as a page may know it: pictures are asked for by their number, never by the file that they lie in. What identifies
 * a case is left out where something about the cases is sealed.
 */
export const shownCaseSchema = z.strictObject({
  id: z.string().nullable(),
  group: z.string().nullable(),
  images: z.array(imageSchema),
  masks: z.array(maskSchema),
  marks: caseSchema.shape.marks,
  facts: caseSchema.shape.facts,
});
export type ShownCase = z.output<typeof shownCaseSchema>;
export type ShownImage = ShownCase["images"][number];

export const shownCasesSchema = z.strictObject({ title: z.string(), blind: z.boolean(), cases: z.array(shownCaseSchema) });
export type ShownCases = z.output<typeof shownCasesSchema>;

/** An answer on its way, as a page keeps it in the browser's storage; a drawn mask becomes a digest when the server has it. */
export const queuedEntrySchema = answerMessageSchema.shape.entries.element.extend({
  drawn: drawnMaskMessageSchema.pick({ index: true, from: true, runs: true }).optional(),
});
export type QueuedEntry = z.infer<typeof queuedEntrySchema>;

/** Answers of the reading's updates (schemas/reading.ts). */
export const claimAnswerSchema = claimSchema;
export const receiptSchema = z.strictObject({ taken: z.int(), answered: z.int() });
export const nothingSchema = z.strictObject({});
/** The body of every answer that is not what was asked for: what is wrong, for the person to read. */
export const refusalSchema = z.strictObject({ error: z.string() });
