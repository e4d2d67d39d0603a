import { z } from "zod";
import { digestSchema } from "./digest.ts";
import { compiledPipelineSchema } from "./pipeline.ts";

/**
 * What travels between client, workflows and activities. Only references travel: an artifact or a record is its digest,
 * never its bytes.
 */

/** An artifact and the record of the action that made it (absent for what no action made, e.g. a scanned source). */
export const artifactRefSchema = z.strictObject({ artifact: digestSchema, record: digestSchema.optional() });
export type ArtifactRef = z.infer<typeof artifactRefSchema>;

/**
 * One execution of a step kind. Inputs that take several artifacts are flattened to "input:name" (e.g. "predictions:HNN").
 * A part of a sharded step carries its number; the gathering of all parts (and every unsharded action) carries none.
 */
export const actionSchema = z.strictObject({
  kind: z.string(),
  version: z.int().positive(),
  params: z.record(z.string(), z.json()),
  inputs: z.record(z.string(), artifactRefSchema),
  part: z.int().nonnegative().optional(),
  /**
   * Fingerprint of the network workers' arithmetic as the campaign found it. It enters the keys of network kinds, so that
   * every process looks for them under the same key, and no worker computes one with another arithmetic.
   */
  numerics: z.string().optional(),
});
export type Action = z.infer<typeof actionSchema>;

/** What an action gave: its record and its output artifacts by name. */
export const actionResultSchema = z.strictObject({
  record: digestSchema,
  outputs: z.record(z.string(), digestSchema),
  /** True when the record existed already and nothing was computed. */
  cached: z.boolean(),
  /** Small figures for the progress view, e.g. {"lesions": 96}. */
  summary: z.record(z.string(), z.union([z.number(), z.string()])),
});
export type ActionResult = z.infer<typeof actionResultSchema>;

/** Heartbeat details of a running action; the client reads them from the pending activity. */
export const actionProgressSchema = z.strictObject({
  /** The step for which the action runs, where it is a step's only action. */
  step: z.string().optional(),
  /** What is being counted, e.g. "epochs", "lesions". */
  unit: z.string(),
  done: z.number().nonnegative(),
  total: z.number().nonnegative(),
  /** Units per second over the last few seconds, in `rateUnit`. */
  rate: z.number().nonnegative().optional(),
  rateUnit: z.string().optional(),
  loss: z.number().optional(),
  /** The newest durable checkpoint. */
  checkpoint: digestSchema.optional(),
  /** Compute processes that died over the action since that checkpoint. */
  deaths: z.int().nonnegative().optional(),
});
export type ActionProgress = z.infer<typeof actionProgressSchema>;

export const campaignInputSchema = z.strictObject({
  campaign: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be letters, digits, '.', '_' or '-'"),
  pipeline: compiledPipelineSchema,
  started: z.iso.datetime(),
  /** Steps whose checkpoints are to be dropped before they run again. */
  discardCheckpoints: z.array(z.string()).default([]),
});
export type CampaignInput = z.infer<typeof campaignInputSchema>;

export const stepStates = ["waiting", "running", "done", "cached", "not-needed", "failed", "blocked", "cancelled"] as const;
export type StepState = (typeof stepStates)[number];

/** One line of the progress view. Times are milliseconds since the epoch. */
export interface StepProgress {
  name: string;
  kind: string;
  state: StepState;
  after: string[];
  started?: number;
  finished?: number;
  /** Id of the child workflow that carries the step out, where there is one. */
  child?: string;
  outputs?: Record<string, string>;
  record?: string;
  summary?: Record<string, number | string>;
  error?: string;
}

/** Answer of the campaign's `progress` query. */
export interface CampaignProgress {
  campaign: string;
  pipeline: string;
  phase: "planning" | "running" | "paused" | "recording" | "done" | "failed";
  started: number;
  /** When the last step ended, once the campaign has. */
  finished?: number;
  steps: StepProgress[];
}

/** Answer of the `progress` query of a sharded step. */
export interface ShardedProgress {
  type: "sharded";
  kind: string;
  done: number;
  total: number;
}

/** Answer of the `progress` query of Algorithm 1. */
export interface SelfPacedProgress {
  type: "self-paced";
  /** k: the round under way, 1 … K. */
  round: number;
  rounds: number;
  stage: "harvesting" | "training" | "done";
  child?: string;
}

/** Answer of the `progress` query of the curation of enhanced slices. */
export interface CurationProgress {
  type: "curation";
  round: number;
  rounds: number;
  stage: "enhancing" | "reading" | "training" | "done";
  child?: string;
}
