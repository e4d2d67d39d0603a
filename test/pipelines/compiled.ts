import { compilePipeline } from "../../pipelines/compile.ts";
import { PipelineError } from "../../pipelines/problems.ts";
import type { CompiledPipeline, CompiledStep } from "../../schemas/pipeline.ts";

/** Compiles `text` as file p.yaml with paths from /data. */
export function compile(text: string, overrides: Record<string, string> = {}): CompiledPipeline {
  return compilePipeline(text, { file: "p.yaml", folder: "/data", overrides });
}

/** What is wrong with `text`: `line:column message` for each problem. */
export function problemsOf(text: string, overrides: Record<string, string> = {}): string[] {
  try {
    compile(text, overrides);
  } catch (error) {
    if (error instanceof PipelineError)
      return error.problems.map(({ where, message }) => `${where.replace("p.yaml:", "")} ${message}`);
    throw error;
  }
  return [];
}

/**
 * Compiles a text in which ▸ stands before each mistake; returns what was found, and `messages` at the places of the marks
 * as what should be.
 */
export function problemsAtMarks(marked: string, messages: readonly string[]): { found: string[]; expected: string[] } {
  const places: string[] = [];
  const lines = marked.split("\n").map((line, i) => {
    let plain = line;
    for (let at = plain.indexOf("▸"); at >= 0; at = plain.indexOf("▸")) {
      places.push(`${i + 1}:${at + 1}`);
      plain = plain.slice(0, at) + plain.slice(at + 1);
    }
    return plain;
  });
  return { found: problemsOf(lines.join("\n")), expected: messages.map((message, i) => `${places[i]} ${message}`) };
}

export function stepCalled(pipeline: CompiledPipeline, name: string): CompiledStep {
  const step = pipeline.steps.find((candidate) => candidate.name === name);
  if (step === undefined)
    throw new Error(`no step "${name}" among ${pipeline.steps.map((candidate) => candidate.name).join(", ")}`);
  return step;
}
