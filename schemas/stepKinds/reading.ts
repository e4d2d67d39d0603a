import { protocolSchema } from "../reading.ts";
import type { StepKind } from "./stepKind.ts";

export const reading = {
  kind: "reading",
  version: 1,
  queue: "cpu",
  numerics: "none",
  shape: "workflow",
  summary: "people look at cases and answer; the step waits for them as long as it takes",
  params: protocolSchema,
  external: [],
  inputs: { cases: { type: "cases", summary: "what they are shown" } },
  outputs: { decisions: { type: "decisions", summary: "what stands at the end, and the log of every answer" } },
} as const satisfies StepKind;
