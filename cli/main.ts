import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { InputError } from "../methods/inputError.ts";
import { WorkFailed } from "./output.ts";

/** Commands by name with the module that adds them; a module is loaded only when its command is asked for. */
const modules: Record<string, () => Promise<{ register(program: Command): void }>> = {
  doctor: () => import("./commands/doctor.ts"),
  up: () => import("./commands/stack.ts"),
  down: () => import("./commands/stack.ts"),
  validate: () => import("./commands/validate.ts"),
  plan: () => import("./commands/plan.ts"),
  run: () => import("./commands/run.ts"),
  watch: () => import("./commands/run.ts"),
  list: () => import("./commands/campaigns.ts"),
  status: () => import("./commands/campaigns.ts"),
  pause: () => import("./commands/campaigns.ts"),
  unpause: () => import("./commands/campaigns.ts"),
  cancel: () => import("./commands/campaigns.ts"),
  retry: () => import("./commands/campaigns.ts"),
  segment: () => import("./commands/segment.ts"),
  measure: () => import("./commands/measure.ts"),
  evaluate: () => import("./commands/evaluate.ts"),
  verify: () => import("./commands/verify.ts"),
  export: () => import("./commands/export.ts"),
};

const program = new Command("recist3d")
  .description("3D lesion masks from RECIST marks, by durable, auditable campaigns")
  .version(packageJson.version)
  .option("--debug", "show stack traces")
  .showSuggestionAfterError()
  .exitOverride()
  .enablePositionalOptions();

async function main(argv: readonly string[]): Promise<number> {
  const name = argv.find((word) => !word.startsWith("-"));
  const wanted = name !== undefined && Object.hasOwn(modules, name) ? [modules[name]] : [...new Set(Object.values(modules))];
  for (const load of wanted) (await load()).register(program);
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError();
  try {
    await program.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return report(error, argv.includes("--debug"));
  }
}

/** Exit codes: 0 done, 1 the work failed, 2 the input is wrong. */
function report(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has written its message
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`recist3d: ${debug ? (stack ?? message) : message}\n`);
  if (!(error instanceof InputError) && !(error instanceof WorkFailed) && !debug) process.stderr.write("(--debug shows where)\n");
  return error instanceof InputError || (error as Error).name === "InputError" ? 2 : 1;
}

const code = await main(process.argv.slice(2));
process.stdout.write("", () => process.exit(code));
