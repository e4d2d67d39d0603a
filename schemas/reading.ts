import { z } from "zod";
import { digestSchema } from "./digest.ts";

/**
 * A reading: people look at cases and answer. Curation of enhanced slices, acceptance and comparison studies, the
 * confirmation of proposals: all are readings with another protocol. The workflow `reading` waits for the answers, as long
 * as it takes, and holds only numbers and words; what was seen is named by the digest of the cases.
 */

/** Who answers, as it will stand in the record: a name, initials or an account. */
export const readerSchema = z
  .string()
  .trim()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._@'-]{0,79}$/u,
    "must be a name of at most 80 letters, digits, spaces, '.', '_', '@', ''', '-'",
  );

const answerSchema = z.strictObject({
  answer: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,19}$/, "must be a word of at most 20 lower-case letters, digits and '-'")
    .describe("As it will stand in the decisions"),
  key: z.string().length(1).describe('The key that gives it, e.g. "f"'),
  label: z.string().min(1).max(60).describe("As readers see it"),
  mask: z.literal(true).optional().describe("The answer comes with the mask that the reader has drawn (layout edit)"),
});

const verdictSchema = z.strictObject({
  verdict: z.string().min(1).max(40).describe("As it will stand in the decisions"),
  label: z.string().min(1).max(60).describe("As readers see it"),
});

const differ = (words: string[]): boolean => new Set(words).size === words.length;

export const protocolSchema = z
  .strictObject({
    title: z.string().min(1).max(200).describe("What the reading is called"),
    question: z.string().min(1).max(500).describe("What readers are asked about every case"),
    layout: z
      .enum(["grid", "single", "pair", "edit"])
      .describe(
        "grid: many cases at a glance, of which some are chosen; single: one case after the other; pair: two masks side by side; edit: one mask after the other is corrected by hand",
      ),
    answers: z.array(answerSchema).min(1).max(9).describe("What may be answered"),
    mode: z
      .enum(["independent", "shared"])
      .describe("independent: every reader answers every case, unseen by the others; shared: the cases are divided between them"),
    merge: z
      .enum(["any", "all", "majority"])
      .default("any")
      .describe(
        "Shared cases that several people answered: an answer stands if any (the first in the list of answers that somebody gave), all, or more than half of them gave it",
      ),
    atMost: z
      .strictObject({ answer: z.string().describe("The answer"), cases: z.int().positive().describe("Number of cases") })
      .optional()
      .describe("An answer that may be given to at most so many cases"),
    order: z.enum(["given", "shuffled"]).default("given").describe("Order in which cases are shown"),
    seed: z
      .int()
      .nonnegative()
      .default(1)
      .describe("Seed of the shuffled order (each independent reader's own) and of what is shown twice"),
    repeats: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("Share of the cases that an independent reader is shown a second time, for agreement with oneself"),
    readers: z.array(readerSchema).max(50).default([]).describe("Who may read; anyone if empty"),
    finishedBy: z.int().min(1).max(50).default(1).describe("The reading is closed when so many readers have finished"),
    verdicts: z
      .array(verdictSchema)
      .max(9)
      .default([])
      .describe("One of them is said by a reader at the end, e.g. that nothing improves any more; none: that it is finished"),
    claimMinutes: z
      .number()
      .positive()
      .max(10_080)
      .default(60)
      .describe("Minutes that a claim on shared cases holds without an answer"),
    deadline: z
      .strictObject({
        hours: z.number().positive().max(87_600).describe("Hours from the start of the reading"),
        outcome: z.enum(["fail", "close"]).describe("fail: the step fails, to be retried; close: with what is there"),
      })
      .optional()
      .describe("When the reading ends by itself, and what then; absent: it waits"),
    remindHours: z.number().min(0).max(8760).default(24).describe("Hours between reminders while it waits; 0: none"),
  })
  .refine(({ answers }) => differ(answers.map(({ answer }) => answer)), { path: ["answers"], message: "must differ" })
  .refine(({ answers }) => differ(answers.map(({ key }) => key)), {
    path: ["answers"],
    message: "must have keys that differ",
  })
  .refine(({ verdicts }) => differ(verdicts.map(({ verdict }) => verdict)), { path: ["verdicts"], message: "must differ" })
  .refine(({ readers }) => differ(readers), { path: ["readers"], message: "must differ" })
  .refine(({ readers, finishedBy }) => readers.length === 0 || finishedBy <= readers.length, {
    path: ["finishedBy"],
    message: "must not be more than there are readers",
  })
  .refine(({ atMost, answers }) => atMost === undefined || answers.some(({ answer }) => answer === atMost.answer), {
    path: ["atMost", "answer"],
    message: "must be one of the answers",
  })
  .refine(({ merge, answers }) => merge === "any" || answers.length > 1, {
    path: ["merge"],
    message: "must be any where there is one answer only: who does not give it has not answered",
  })
  .refine(({ layout, answers }) => (layout === "edit") === answers.some(({ mask }) => mask === true), {
    path: ["answers"],
    message: "must have one with `mask: true` in layout edit, and none in another",
  })
  .refine(({ layout, mode }) => layout !== "edit" || mode === "shared", {
    path: ["mode"],
    message: "must be shared in layout edit: of two masks of one lesion nobody could say which stands",
  })
  .refine(({ mode, repeats }) => mode === "independent" || repeats === 0, {
    path: ["repeats"],
    message: "are for independent readers",
  });
export type Protocol = z.output<typeof protocolSchema>;

/**
 * One answer. `position` counts from 0 in the reader's own sequence of cases (methods/reading/sequence.ts; in mode shared
 * everybody's), `null` takes an answer back. Of two entries of one position the later one stands.
 */
const entrySchema = z.strictObject({
  position: z.int().nonnegative(),
  answer: z.string().max(20).nullable(),
  /** The mask that the reader has drawn (schemas/drawnMask.ts), where the answer comes with one. */
  mask: digestSchema.optional(),
  /** Milliseconds since the epoch by the reader's clock (at most what a Date can hold), and how long the case was looked at. */
  at: z.int().nonnegative().max(8.64e15),
  tookMs: z.int().nonnegative(),
});
export type ReadingEntry = z.infer<typeof entrySchema>;

/** What is wrong with an entry's mask, for who sent it; null if nothing is. */
export function maskProblem({ answers }: Pick<Protocol, "answers">, { answer, mask }: ReadingEntry): string | null {
  const isWanted = answers.find((one) => one.answer === answer)?.mask === true;
  if (isWanted === (mask !== undefined)) return null;
  return isWanted
    ? `"${answer}" comes with the mask that was drawn`
    : `no mask comes with ${answer === null ? "an answer that is taken back" : `"${answer}"`}`;
}

/** Every message says which cases it is about, so that one from a page of an earlier round is refused. */
const message = { reader: readerSchema, cases: digestSchema };

/** Type of the failure of an update that can be sent again as it is: whether it is right could not be found out at the moment. */
export const NOT_NOW = "NotNow";

/** Update `answer`. Sent again after a broken connection it changes nothing: entries are told apart by (reader, position, at). */
export const answerMessageSchema = z.strictObject({ ...message, entries: z.array(entrySchema).min(1).max(500) });
export type AnswerMessage = z.infer<typeof answerMessageSchema>;
/** Answer of `answer`: how many entries were new, and how many of the reader's cases are answered now. */
export interface AnswerReceipt {
  taken: number;
  answered: number;
}

/**
 * Update `claim` (mode shared): of the next unanswered, unclaimed cases as many as are missing until this reader holds
 * `count` without an answer, so that sent again it changes nothing. Cases that somebody held and gave back come last. Every
 * answer of the reader renews the claim.
 */
export const claimMessageSchema = z.strictObject({ ...message, count: z.int().min(1).max(1000) });
export type ClaimMessage = z.infer<typeof claimMessageSchema>;
/** Answer of `claim`: everything that the reader holds, answered since or not. */
export interface Claim {
  positions: number[];
  /** Milliseconds since the epoch. */
  until: number;
}

/** Update `release` (mode shared): gives back what one claimed, looked at or not; the next claim goes on behind it. */
export const releaseMessageSchema = z.strictObject(message);
export type ReleaseMessage = z.infer<typeof releaseMessageSchema>;

/** Update `finish`: this reader is done. */
export const finishMessageSchema = z.strictObject({
  ...message,
  verdict: z.string().max(40).optional(),
  note: z.string().max(2000).optional(),
});
export type FinishMessage = z.infer<typeof finishMessageSchema>;

/** Answer of the query `reading`, seen by one reader (or by nobody in particular). */
export interface ReadingState {
  campaign: string;
  step: string;
  /** Which of several successive readings this is, from 1, e.g. the curation round. */
  round: number;
  cases: string;
  /** Number of cases, and the length of a reader's sequence with what is shown twice. */
  count: number;
  length: number;
  protocol: Protocol;
  since: number;
  deadline: number | null;
  reminders: number;
  closed: boolean;
  /** Who takes part and how far each is; never what others answered while readers are independent. */
  readers: { reader: string; answered: number; finished: number | null; verdict: string | null }[];
  /** This reader's answers by position, and the masks that were drawn for them. */
  own: [position: number, answer: string][];
  masks: [position: number, mask: string][];
  /** Mode shared: what this reader has claimed and until when; how many cases are claimed or answered by anyone. */
  claim: Claim | null;
  /** Mode shared: answers of all others, since nobody is blind to them; `reader` counts from 0 in `readers`. */
  shared: [position: number, answer: string, reader: number][];
}

/** Answer of the query `waiting` of every workflow that waits for people; null while it does not. */
export interface Waiting {
  layout: Protocol["layout"];
  title: string;
  campaign: string;
  step: string;
  round: number;
  since: number;
  deadline: number | null;
  reminders: number;
  count: number;
  answered: number;
  readers: string[];
}

/**
 * What the workflow writes down, in order. The store keeps it in chunks, from which a reading goes on after it was
 * cancelled, failed at its deadline, or lost with the engine's database.
 */
export type ReadingEvent =
  | ({ event: "answer"; received: number; reader: string } & ReadingEntry)
  | { event: "claim"; received: number; reader: string; positions: number[]; until: number }
  | { event: "release"; received: number; reader: string }
  | { event: "finish"; received: number; reader: string; verdict: string | null; note: string | null }
  | { event: "reminder"; received: number; reminders: number }
  | { event: "close"; received: number; by: "readers" | "deadline" };

const received = z.int().nonnegative();
/** A line of `log.jsonl`. */
export const logLineSchema = z.discriminatedUnion("event", [
  /** Begins a chunk: `previous` is the SHA-256 of the bytes of the chunk before, from its own such line to its end. */
  z.strictObject({ event: z.literal("chunk"), previous: digestSchema.nullable(), cases: digestSchema }),
  entrySchema.extend({ event: z.literal("answer"), received, reader: z.string(), case: z.string(), repeat: z.boolean() }),
  z.strictObject({ event: z.literal("claim"), received, reader: z.string(), positions: z.array(z.int()), until: z.int() }),
  z.strictObject({ event: z.literal("release"), received, reader: z.string() }),
  finishMessageSchema.omit({ cases: true }).extend({
    event: z.literal("finish"),
    received,
    verdict: z.string().nullable(),
    note: z.string().nullable(),
  }),
  z.strictObject({ event: z.literal("reminder"), received, reminders: z.int() }),
  z.strictObject({ event: z.literal("close"), received, by: z.enum(["readers", "deadline"]) }),
]);
export type LogLine = z.output<typeof logLineSchema>;

/** Everything that a reader has given so far, as it travels from one run of the workflow to the next. */
export interface ReaderBook {
  reader: string;
  finished: number | null;
  verdict: string | null;
  /** Three numbers an entry, in order: position, index of the answer (−1: taken back), `at` less `since`. */
  entries: number[];
  /** Digests of the masks that came with what stands. */
  masks?: [position: number, mask: string][];
  claim: Claim | null;
}

/** Answers, taken back or not, that one reading can hold: its state must fit into one message (2 MB). */
export const MOST_ENTRIES = 60_000;
/** A drawn mask takes the place of so many answers: its digest has 64 letters. */
export const MASK_ENTRIES = 4;
/** People who can take part in one reading, where it does not name them. */
export const MOST_READERS = 200;

/** A line of `answers.jsonl` of a `decisions` artifact: what stands at the end. */
export const decisionSchema = z.strictObject({
  case: z.string(),
  /** Second showing of a case to the same reader. */
  repeat: z.boolean().default(false),
  /** Null in mode shared, where people's answers were merged (`log.jsonl` tells who gave which), and where a policy decided. */
  reader: z.string().nullable(),
  answer: z.string(),
  mask: digestSchema.optional(),
  /** Null where a policy decided: it has no time of its own, so that equal cases give equal decisions. */
  at: z.int().nonnegative().nullable(),
  tookMs: z.int().nonnegative(),
});
export type Decision = z.output<typeof decisionSchema>;

/** `meta` of a `decisions` artifact. `log.jsonl` in it has every answer ever given or taken back, in order. */
export const decisionsMetaSchema = z.strictObject({
  title: z.string(),
  cases: digestSchema,
  /** people: those in `readers`; policy: a declared rule, and every table says so. */
  decidedBy: z.enum(["people", "policy"]),
  policy: z.string().optional(),
  readers: z.array(z.strictObject({ reader: z.string(), verdict: z.string().nullable(), note: z.string().nullable() })),
  /** Whether the deadline closed it before all had finished. */
  closedBy: z.enum(["readers", "deadline", "policy"]),
  decisions: z.int().nonnegative(),
});
export type DecisionsMeta = z.infer<typeof decisionsMetaSchema>;
