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
  answer: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, "must be a word of lower-case letters, digits and '-'"),
  /** The key that gives it, e.g. "f". */
  key: z.string().length(1),
  label: z.string().min(1).max(60),
});

export const protocolSchema = z
  .strictObject({
    title: z.string().min(1).max(200),
    question: z.string().min(1).max(500),
    /** grid: many cases at a glance, of which some are chosen; single: one case after the other; pair: two masks side by side. */
    layout: z.enum(["grid", "single", "pair"]),
    answers: z.array(answerSchema).min(1).max(9),
    /** independent: every reader answers every case, unseen by the others; shared: the cases are divided between them. */
    mode: z.enum(["independent", "shared"]),
    /** Shared cases that several people answered: the answer stands if any, all or most of them gave it. */
    merge: z.enum(["any", "all", "majority"]).default("any"),
    /** An answer that may be given to at most so many cases. */
    atMost: z.strictObject({ answer: z.string(), cases: z.int().positive() }).optional(),
    order: z.enum(["given", "shuffled"]).default("given"),
    /** Seed of the shuffled order (of each reader) and of what is shown twice. */
    seed: z.int().nonnegative().default(1),
    /** Share of the cases that an independent reader is shown a second time, for agreement with oneself. */
    repeats: z.number().min(0).max(1).default(0),
    /** Who may read; anyone if empty. */
    readers: z.array(readerSchema).max(50).default([]),
    /** The reading is closed when so many readers have finished. */
    finishedBy: z.int().min(1).max(50).default(1),
    /** What a reader says at the end, e.g. that nothing improves any more; none: that it is finished. */
    verdicts: z.array(z.strictObject({ verdict: z.string(), label: z.string() })).default([]),
    /** How long a claim on shared cases holds without an answer. */
    claimMinutes: z.number().positive().max(10_080).default(60),
    /** Hours until the reading ends by itself, and what then: it fails, or is closed with what is there. Absent: it waits. */
    deadline: z.strictObject({ hours: z.number().positive(), outcome: z.enum(["fail", "close"]) }).optional(),
    /** Hours between reminders while it waits; 0: none. */
    remindHours: z.number().min(0).default(24),
  })
  .refine(({ answers }) => new Set(answers.map(({ answer }) => answer)).size === answers.length, {
    path: ["answers"],
    message: "must differ",
  })
  .refine(({ answers }) => new Set(answers.map(({ key }) => key)).size === answers.length, {
    path: ["answers"],
    message: "must have keys that differ",
  })
  .refine(({ mode, repeats }) => mode === "independent" || repeats === 0, {
    path: ["repeats"],
    message: "are for independent readers",
  });
export type Protocol = z.output<typeof protocolSchema>;

/** One answer. `position` counts from 0 in the reader's own sequence of cases (see `sequenceOf`), `null` takes an answer back. */
const entrySchema = z.strictObject({
  position: z.int().nonnegative(),
  answer: z.string().nullable(),
  /** Milliseconds since the epoch by the reader's clock, and how long the case was looked at. */
  at: z.int().nonnegative(),
  tookMs: z.int().nonnegative(),
});
export type ReadingEntry = z.infer<typeof entrySchema>;

/** Every message says which cases it is about, so that one from a page of an earlier round is refused. */
const message = { reader: readerSchema, cases: digestSchema };

/** Update `answer`. Sent again after a broken connection it changes nothing: entries are told apart by (reader, position, at). */
export const answerMessageSchema = z.strictObject({ ...message, entries: z.array(entrySchema).min(1).max(500) });
export type AnswerMessage = z.infer<typeof answerMessageSchema>;

/** Update `claim` (mode shared): the next unanswered, unclaimed cases. */
export const claimMessageSchema = z.strictObject({ ...message, count: z.int().min(1).max(1000) });
export type ClaimMessage = z.infer<typeof claimMessageSchema>;
/** Answer of `claim`. */
export interface Claim {
  positions: number[];
  /** Milliseconds since the epoch. */
  until: number;
}

/** Update `release` (mode shared): gives back what one claimed and has not answered. */
export const releaseMessageSchema = z.strictObject(message);
export type ReleaseMessage = z.infer<typeof releaseMessageSchema>;

/** Update `finish`: this reader is done. */
export const finishMessageSchema = z.strictObject({
  ...message,
  verdict: z.string().optional(),
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
  /** This reader's answers by position. */
  own: [position: number, answer: string][];
  /** Mode shared: what this reader has claimed and until when; how many cases are claimed or answered by anyone. */
  claim: Claim | null;
  /** Mode shared: answers of all, since nobody is blind to them. */
  shared: [position: number, answer: string, reader: string][];
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

/** A line of `answers.jsonl` of a `decisions` artifact: what stands at the end. */
export const decisionSchema = z.strictObject({
  case: z.string(),
  /** Second showing of a case to the same reader. */
  repeat: z.boolean().default(false),
  /** Null in mode shared, where people's answers were merged: `log.jsonl` tells who gave which. */
  reader: z.string().nullable(),
  answer: z.string(),
  at: z.int().nonnegative(),
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
