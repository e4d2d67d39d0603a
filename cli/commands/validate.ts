import type { Command } from "commander";
import { loadPipeline } from "../../pipelines/load.ts";
import { PipelineError } from "../../pipelines/problems.ts";
import type { CompiledPipeline } from "../../schemas/pipeline.ts";
import { collectSetting, printJson } from "../output.ts";

interface ValidateOptions {
  set: Record<string, string>;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("validate")
    .description("check a pipeline without running anything")
    .argument("<pipeline>", "YAML file")
    .option("--set <key=value>", "set a parameter of the pipeline (repeatable)", collectSetting, {})
    .option("--json", "print one JSON document: the compiled pipeline, or what is wrong with it")
    .action(validate);
}

async function validate(file: string, { set, json }: ValidateOptions): Promise<void> {
  let pipeline: CompiledPipeline;
  try {
    pipeline = await loadPipeline(file, set);
  } catch (error) {
    if (json && error instanceof PipelineError)
      printJson({ valid: false, problems: error.problems.map(({ where, message }) => ({ where, message })) });
    throw error;
  }
  if (json) printJson({ valid: true, pipeline });
  else process.stdout.write(`${file}: valid; ${pipeline.steps.length} steps, for ${pipeline.wanted.join(", ")}\n`);
}
