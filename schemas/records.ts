import { z } from "zod";
import { digestSchema } from "./digest.ts";

/** What an action read: an artifact and, where it came from an action, that action's record. */
const inputSchema = z.strictObject({ artifact: digestSchema, record: digestSchema.optional() });

/** The provenance of one action (the execution of a step, or of one shard or round of it). */
export const recordSchema = z.strictObject({
  type: z.literal("action-record"),
  schemaVersion: z.literal(1),
  /** SHA-256 over kind, version, parameters, input digests and numerics fingerprint. */
  actionKey: digestSchema,
  kind: z.string(),
  kindVersion: z.int().positive(),
  params: z.record(z.string(), z.json()),
  /** Number of the part, where the action is one part of a sharded step. */
  part: z.int().nonnegative().optional(),
  inputs: z.record(z.string(), inputSchema),
  outputs: z.record(z.string(), digestSchema),
  /** Records of the parts (shards, rounds) that this action put together. */
  parts: z.array(digestSchema),
  fingerprint: z.string(),
  code: z.strictObject({ version: z.string(), commit: z.string().nullable(), modified: z.boolean().nullable() }),
  machine: z.strictObject({ platform: z.string(), node: z.string(), cpu: z.string(), cores: z.int() }),
  started: z.iso.datetime(),
  finished: z.iso.datetime(),
  attempt: z.int().positive(),
});
export type ActionRecord = z.infer<typeof recordSchema>;

/** The root record of a campaign: what was declared and which records answer it. */
export const campaignRecordSchema = z.strictObject({
  type: z.literal("campaign-record"),
  schemaVersion: z.literal(1),
  campaign: z.string(),
  /** The compiled pipeline (canonical JSON) as it was run, and the YAML it came from. */
  pipeline: digestSchema,
  source: digestSchema,
  steps: z.record(z.string(), digestSchema),
  started: z.iso.datetime(),
  finished: z.iso.datetime(),
});
export type CampaignRecord = z.infer<typeof campaignRecordSchema>;
