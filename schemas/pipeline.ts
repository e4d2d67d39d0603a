import { z } from "zod";
import { digestSchema } from "./digest.ts";

/** Where an input comes from: an output of another step; `name` where the input takes several artifacts. */
const wireSchema = z.strictObject({ name: z.string().optional(), step: z.string(), output: z.string() });
export type Wire = z.infer<typeof wireSchema>;

/** A step as it is run: kind looked up, parameters complete, matrix expanded (`folds[fold=1]`). */
const compiledStepSchema = z.strictObject({
  name: z.string(),
  kind: z.string(),
  version: z.int().positive(),
  queue: z.enum(["cpu", "gpu"]),
  shape: z.enum(["single", "sharded", "workflow"]),
  numerics: z.enum(["plain", "network", "none"]),
  /** Names of the given parameters that are absolute paths; they stay out of action keys, what lies there enters. */
  external: z.array(z.string()),
  params: z.record(z.string(), z.json()),
  inputs: z.record(z.string(), z.array(wireSchema)),
});
export type CompiledStep = z.infer<typeof compiledStepSchema>;

/** A pipeline as workflows carry it out: plain JSON, small enough to travel in a message. */
export const compiledPipelineSchema = z.strictObject({
  name: z.string(),
  /** SHA-256 of the YAML text. */
  source: digestSchema,
  /** The pipeline's parameters with what was set on the command line. */
  params: z.record(z.string(), z.json()),
  /** In an order in which every step comes after what it reads. */
  steps: z.array(compiledStepSchema),
  /** Steps that no other step reads: what the campaign is run for. */
  wanted: z.array(z.string()),
});
export type CompiledPipeline = z.infer<typeof compiledPipelineSchema>;
